//! The ways into the lab's hosts, and how each of them fails: in one line that says what to do
//! next, and with nothing changed on any host. It needs root.

use std::fs;
use std::path::{Path, PathBuf};

use crate::lab::{KEPT, Lab, Wizard, changes, flat, picture};

const NOTHING: [String; 0] = [];
/// A secret that opens nothing.
const WRONG: &str = "not-this-one";

/// These lines at one host, in place of those with the same keys; one without a value goes.
fn at(host: &str, lines: &[&str]) -> impl FnOnce(String) -> String {
    let name = format!("name = \"{host}\"\n");
    let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    move |text| {
        let blocks = text.split("[[hosts]]").map(|block| {
            if !block.contains(&name) {
                return block.to_owned();
            }
            let key = |line: &str| line.split('=').next().unwrap().trim().to_owned();
            let given: Vec<_> = lines.iter().map(|line| key(line)).collect();
            let kept = block.lines().filter(|line| !given.contains(&key(line)));
            let new = lines.iter().filter(|line| line.contains('='));
            let all: Vec<_> = kept.chain(new.map(String::as_str)).collect();
            all.join("\n") + "\n"
        });
        blocks.collect::<Vec<_>>().join("[[hosts]]")
    }
}

fn answering(host: &str, lines: &[&str]) -> Wizard {
    Wizard::new().answering(at(host, lines))
}

/// Every secret of the lab, and the wrong one.
fn secrets() -> Vec<String> {
    let files = ["password", "sudo_password", "passphrase"];
    let kept = files.map(|file| fs::read_to_string(Path::new(KEPT).join(file)).unwrap());
    let texts = kept.iter().map(|text| text.trim().to_owned());
    texts.chain([WRONG.to_owned()]).collect()
}

/// A run that this host alone refuses, in one line with all of this in it; nothing is changed.
fn refused(lab: &Lab, wizard: &Wizard, host: &str, because: &[&str]) {
    let before = picture(lab);
    let run = wizard.run();
    assert_eq!(changes(&before, &picture(lab)), NOTHING, "{}", run.text);
    assert_eq!(run.status.code(), Some(7), "{}", run.text);
    let lines: Vec<_> = run.text.lines().collect();
    assert_eq!(lines.len(), 2, "{}", run.text);
    assert!(lines[0].starts_with(&format!("{host}: ")), "{}", run.text);
    for part in because {
        assert!(lines[0].contains(part), "{part}\n{}", run.text);
    }
    assert_eq!(lines[1], "Nothing was changed.");
    for secret in secrets() {
        assert!(!run.text.contains(&secret), "a secret was printed");
    }
}

/// All hosts are reached, up to the facts of each and a plan; and not even then is anything changed.
fn reached(lab: &Lab, wizard: &Wizard) {
    let before = picture(lab);
    let (code, text) = wizard.plan();
    assert_eq!(changes(&before, &picture(lab)), NOTHING);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("Server 2"), "{text}");
    for secret in secrets() {
        assert!(!text.contains(&secret), "a secret was printed");
    }
}

#[test]
fn a_login_that_fails_says_what_it_takes() {
    let lab = Lab::fresh();
    reached(&lab, &Wizard::new());

    let nginx = "k3s-nginx";
    let wrong = answering(nginx, &[&format!("password = \"{WRONG}\"")]);
    refused(
        &lab,
        &wrong,
        nginx,
        &[
            "cannot log in as sles: ",
            "the password: refused (the server accepts: password)",
            "Give the right password of sles (password in the answers)",
        ],
    );
    refused(
        &lab,
        &answering(nginx, &["password"]),
        nginx,
        &[
            "no key was tried: the server accepts none (the server accepts: password)",
            "Give the password of sles (password in the answers)",
        ],
    );

    let locked = "k3s-server-2";
    let wrong = answering(locked, &[&format!("passphrase = \"{WRONG}\"")]);
    refused(
        &lab,
        &wrong,
        locked,
        &[
            "cannot log in as root: ",
            "id_locked: this passphrase does not open it",
            "Give the right one (passphrase in the answers), or load the key into ssh-agent",
        ],
    );
    refused(
        &lab,
        &answering(locked, &["passphrase"]),
        locked,
        &[
            "id_locked is encrypted",
            "Give its passphrase (passphrase in the answers), or load the key into ssh-agent",
        ],
    );

    let agent = "k3s-agent";
    let mut wizard = Wizard::new();
    wizard.agent = None;
    refused(
        &lab,
        &wizard,
        agent,
        &[
            "no key, no agent and no password to try (the server accepts: publickey)",
            "or load one into ssh-agent",
        ],
    );
    // A key that it does not take; and it takes no password, so none is asked for.
    let key = format!("key = \"{KEPT}/id_ed25519\"");
    let mut wizard = answering(agent, &[&key]);
    wizard.agent = None;
    refused(
        &lab,
        &wizard,
        agent,
        &[
            "id_ed25519: refused (the server accepts: publickey)",
            "Give a key that is in ~sles/.ssh/authorized_keys there (key in the answers), or load \
             one into ssh-agent",
        ],
    );
    // The agent's socket exists, but no agent listens.
    let mut wizard = Wizard::new();
    wizard.agent = Some(wizard.state.path().join("nobody"));
    refused(&lab, &wizard, agent, &["ssh-agent: "]);
}

#[test]
fn a_sudo_that_will_not_says_why() {
    let lab = Lab::fresh();
    let host = "k3s-server-1";
    let wrong = answering(host, &[&format!("sudo_password = \"{WRONG}\"")]);
    refused(
        &lab,
        &wrong,
        host,
        &[
            "sles cannot become root: sudo refuses this password; it asks for that of sles",
            "sudo_password in the answers",
        ],
    );
    refused(
        &lab,
        &answering(host, &["sudo_password"]),
        host,
        &[
            "sudo needs a password, or sles has no sudo rights",
            "sudo_password in the answers",
            "sles ALL=(ALL) NOPASSWD: ALL",
        ],
    );

    // As SUSE has it.
    lab.must(
        host,
        "echo 'root:of root' | chpasswd; echo 'Defaults targetpw' >/etc/sudoers.d/suse",
    );
    refused(
        &lab,
        &Wizard::new(),
        host,
        &[
            "sudo refuses this password; it asks for that of root, not of sles (targetpw or \
             rootpw in its settings)",
            "sudo_password in the answers",
        ],
    );
    reached(&lab, &answering(host, &["sudo_password = \"of root\""]));

    let tty = "echo 'Defaults requiretty' >/etc/sudoers.d/tty; rm /etc/sudoers.d/suse";
    lab.must(host, tty);
    refused(
        &lab,
        &Wizard::new(),
        host,
        &[
            "sudo there requires a terminal (requiretty)",
            "Defaults:sles !requiretty",
        ],
    );

    lab.must(host, "rm /etc/sudoers.d/tty /etc/sudoers.d/sles");
    refused(
        &lab,
        &Wizard::new(),
        host,
        &[
            "sudo refuses it",
            "a file in /etc/sudoers.d there: sles ALL=(ALL) ALL",
            "sles is not in the sudoers file",
        ],
    );

    lab.must(host, "mv /usr/bin/sudo /usr/bin/sudo.away");
    refused(
        &lab,
        &Wizard::new(),
        host,
        &["sudo is not installed. Install it there, or log in as root"],
    );
}

/// The public half of a host's key, and its fingerprint as OpenSSH prints it.
fn host_key(host: &str, kind: &str) -> (String, String) {
    let file = format!("{KEPT}/host-keys/{host}/ssh_host_{kind}_key.pub");
    let line = fs::read_to_string(&file).unwrap();
    let words: Vec<_> = line.split_whitespace().take(2).collect();
    let output = std::process::Command::new("ssh-keygen")
        .args(["-lf", &file])
        .output();
    let said = String::from_utf8(output.unwrap().stdout).unwrap();
    let fingerprint = said.split_whitespace().nth(1).unwrap().to_owned();
    (words.join(" "), fingerprint)
}

/// A `known_hosts` file with these lines more, in place of the lab's lines for the agent's host;
/// and a wizard that uses it.
fn known_by(more: &str, policy: &str) -> (Wizard, PathBuf) {
    let wizard = Wizard::new();
    let file = wizard.state.path().join("known");
    let lines = fs::read_to_string(Path::new(KEPT).join("known_hosts")).unwrap();
    let others = lines.lines().filter(|line| !line.starts_with(AGENT));
    let others: Vec<_> = others.collect();
    fs::write(&file, format!("{more}{}\n", others.join("\n"))).unwrap();
    let believing = |text: String| {
        text.replace(&format!("{KEPT}/known_hosts"), file.to_str().unwrap())
            .replace(
                "host_keys = \"strict\"",
                &format!("host_keys = \"{policy}\""),
            )
    };
    (wizard.answering(believing), file)
}

/// The address of k3s-agent.
const AGENT: &str = "198.51.100.15";

#[test]
fn a_host_key_without_a_source_is_trusted_only_if_the_operator_accepts_it() {
    let lab = Lab::fresh();
    let host = "k3s-agent";
    let (key, fingerprint) = host_key(host, "ed25519");
    let (unknown, _) = known_by("", "strict");
    refused(
        &lab,
        &unknown,
        host,
        &[
            &format!("the host key of {AGENT} is not known yet: {fingerprint}. "),
            "`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`",
            &format!("write host_key = \"{fingerprint}\" at this host in the answers"),
        ],
    );
    assert!(!unknown.state.path().join("lab/known_hosts").exists());

    // That word: a fingerprint at the host, be it of another of its keys; and once given, it is
    // remembered in the wizard's own file.
    let (rsa, of_rsa) = host_key(host, "rsa");
    for (key, fingerprint) in [(&key, &fingerprint), (&rsa, &of_rsa)] {
        let (wizard, _) = known_by("", "strict");
        let line = format!("host_key = \"{fingerprint}\"");
        let wizard = wizard.answering(at(host, &[&line]));
        reached(&lab, &wizard);
        assert_eq!(wizard.kept("known_hosts"), format!("{AGENT} {key}\n"));
        let wizard = wizard.answering(at(host, &["host_key"]));
        reached(&lab, &wizard);
    }
    let (_, of_other) = host_key("k3s-server-1", "ed25519");
    let line = format!("host_key = \"{of_other}\"");
    let (wizard, _) = known_by("", "strict");
    refused(
        &lab,
        &wizard.answering(at(host, &[&line])),
        host,
        &[&fingerprint, &of_other, "host_key in the answers"],
    );

    // Or to trust keys on first use.
    let (wizard, _) = known_by("", "accept-new");
    reached(&lab, &wizard);
    assert_eq!(wizard.kept("known_hosts"), format!("{AGENT} {key}\n"));
    let strict = |text: String| text.replace("accept-new", "strict");
    reached(&lab, &wizard.answering(strict));
}

#[test]
fn a_host_key_that_changed_or_is_revoked_is_refused_whatever_the_policy() {
    let lab = Lab::fresh();
    let host = "k3s-agent";
    let (key, fingerprint) = host_key(host, "ed25519");
    let (other, of_other) = host_key("k3s-server-1", "ed25519");
    for policy in ["strict", "accept-new"] {
        let (wizard, file) = known_by(&format!("# a comment\n{AGENT} {other}\n"), policy);
        refused(
            &lab,
            &wizard,
            host,
            &[
                &format!("the host key of {AGENT} is {fingerprint}, but {of_other} is known from"),
                &format!("{}:2", file.display()),
                "remove the old key there and try again",
            ],
        );
        let lines = format!("{AGENT} {key}\n@revoked * {key}\n");
        let (wizard, file) = known_by(&lines, policy);
        refused(
            &lab,
            &wizard,
            host,
            &[
                &format!("the host key of {AGENT}, {fingerprint}, is revoked in"),
                &format!("{}:2", file.display()),
            ],
        );
    }
}

/// What a shell of the user's prints, and an sshd that has something to say, are no matter.
const NOISE: &str = "echo out; echo 'Password: ' >&2; printf '\\036 0'";

#[test]
fn login_shells_that_run_commands_will_do() {
    let lab = Lab::fresh();
    let noisy = format!(
        "home=$(getent passwd sles | cut -d: -f6)
         printf '%s\\n' \"{}\" | cat - $home/.bashrc >/tmp/rc && cat /tmp/rc >$home/.bashrc
         printf 'Banner /etc/os-release\\n' >/etc/ssh/sshd_config.d/banner.conf
         systemctl reload ssh",
        NOISE.replace('\\', "\\\\")
    );
    for host in ["k3s-postgres", "k3s-server-1", "k3s-nginx"] {
        lab.must(host, &noisy);
        let said = lab.says(&["ssh", host, "true"]);
        assert_eq!(flat(&said), "out \u{1e} 0", "{host} makes no noise");
    }
    lab.must(
        "k3s-agent",
        "DEBIAN_FRONTEND=noninteractive apt-get install -y -qq tcsh >/dev/null 2>&1
         usermod --shell /bin/tcsh sles
         echo 'echo this is csh' >/home/sles/.cshrc",
    );
    let said = lab.says(&["ssh", "k3s-agent", "echo $version"]);
    assert!(said.starts_with("this is csh\ntcsh "), "{said}");
    reached(&lab, &Wizard::new());

    for shell in ["/usr/sbin/nologin", "/bin/false"] {
        lab.must("k3s-agent", &format!("usermod --shell {shell} sles"));
        refused(
            &lab,
            &Wizard::new(),
            "k3s-agent",
            &[
                "the login shell of sles there runs no commands",
                "usermod --shell /bin/sh sles",
            ],
        );
    }
}

/// A connection over another host would be another one than the operator means.
#[test]
fn a_command_that_the_wizard_cannot_make_is_said_with_its_line() {
    let lab = Lab::fresh();
    let wizard = Wizard::new();
    let folder = wizard.home().join(".ssh");
    fs::create_dir_all(&folder).unwrap();
    let config = "Host 198.51.100.13\n  User root\n  ProxyCommand nc %h %p\n";
    fs::write(folder.join("config"), config).unwrap();
    let before = picture(&lab);
    let run = wizard.run();
    assert_eq!(changes(&before, &picture(&lab)), NOTHING);
    assert_eq!(run.status.code(), Some(2), "{}", run.text);
    let line = format!(
        "{}:3: ProxyCommand nc %h %p, which the wizard does not support. If 198.51.100.13 can be \
         reached without it, set config under [ssh]",
        folder.join("config").display()
    );
    assert!(run.text.contains(&line), "{}", run.text);
    // As it says.
    let none = |text: String| text.replace("[ssh]\n", "[ssh]\nconfig = \"none\"\n");
    reached(&lab, &wizard.answering(none));
}
