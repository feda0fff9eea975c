//! Becoming root through a real sudo, and logging in with passwords. Needs to be run by root, who
//! makes a user for each test and takes it away again.

use std::fs;
use std::time::Duration;

use k3s_ha_wizard::answers::{CredentialKind, CredentialRequest};
use k3s_ha_wizard::remote::{Cancel, Credentials, Remote, RemoteError, Ssh, Target};
use support::sshd::{self, Sshd};
use support::user::{PASSWORD, User};

const LIMIT: Duration = Duration::from_secs(60);

fn connect(sshd: &Sshd, user: &User, credentials: &Credentials) -> Result<Ssh, RemoteError> {
    let target = Target {
        user: user.name.clone(),
        ..sshd.target()
    };
    Ssh::connect(&target, credentials, &Cancel::new().unwrap())
}

fn sudo_password(text: &str) -> Credentials {
    Credentials {
        sudo_password: Some(text.to_owned().into()),
        ..Credentials::default()
    }
}

fn out(ssh: &mut Ssh, script: &str) -> String {
    let mut out = String::new();
    ssh.run(&sshd::script(script), LIMIT, &mut |_, line| {
        out += line;
        out += "\n";
    })
    .unwrap();
    out
}

fn no_root(result: Result<Ssh, RemoteError>) -> String {
    match result {
        Err(RemoteError::NoRoot { why, .. }) => why,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it became root"),
    }
}

#[test]
fn sudo_without_a_password_never_gets_to_see_one() {
    let sshd = Sshd::start();
    let user = User::new("USER ALL=(ALL) NOPASSWD: ALL");
    // A profile that prints what it likes.
    let noise = "echo out noise; echo 'err noise Password: ' >&2; printf '\\036 no end'\n";
    fs::write(user.home().join(".bashrc"), noise).unwrap();
    for credentials in [Credentials::default(), sudo_password(PASSWORD)] {
        let mut ssh = connect(&sshd, &user, &credentials).unwrap();
        assert_eq!(
            out(&mut ssh, "id -u; echo $HOME; env | grep -c SUDO"),
            "0\n/root\n0\n"
        );
        assert_eq!(out(&mut ssh, "cat; exit 0"), "");
    }
}

#[test]
fn sudo_with_a_password_gets_it_once() {
    let sshd = Sshd::start();
    for sudoers in [
        "USER ALL=(ALL) ALL",
        "Defaults:USER use_pty\nUSER ALL=(ALL) ALL",
    ] {
        let user = User::new(sudoers);
        let mut ssh = connect(&sshd, &user, &sudo_password(PASSWORD)).unwrap();
        assert_eq!(out(&mut ssh, "id -u; cat"), "0\n");
        // Not even root can find it in a process.
        let seen = out(
            &mut ssh,
            "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ | tr '\\0' '\\n'",
        );
        assert!(seen.contains("sudo") && !seen.contains(PASSWORD));
        let text = "x".repeat(300_000);
        assert_eq!(
            out(&mut ssh, &format!("x={text}; echo ${{#x}}; echo $x")),
            format!("300000\n{}", pieces(&text))
        );
    }
    let user = User::new("Defaults:USER passwd_tries=3\nUSER ALL=(ALL) ALL");
    let why = no_root(connect(&sshd, &user, &sudo_password("wrong")));
    assert!(why.contains("refuses this password"), "{why}");
    let user = User::new("Defaults:USER passwd_tries=1\nUSER ALL=(ALL) ALL");
    let why = no_root(connect(&sshd, &user, &sudo_password("wrong")));
    assert!(why.contains("refuses this password"), "{why}");
    let why = no_root(connect(&sshd, &user, &Credentials::default()));
    assert!(why.contains("needs a password"), "{why}");
}

#[test]
fn sudo_itself_says_whose_password_it_wants() {
    let sshd = Sshd::start();
    let user = User::new("USER ALL=(ALL) ALL");
    let why = no_root(connect(&sshd, &user, &sudo_password("wrong")));
    let whose = format!("asks for that of {}", user.name);
    assert!(why.contains(&whose), "{why}");
    // As SUSE has it.
    let user = User::new("Defaults:USER targetpw\nUSER ALL=(ALL) ALL");
    let why = no_root(connect(&sshd, &user, &sudo_password(PASSWORD)));
    assert!(why.contains("asks for that of root"), "{why}");
}

#[test]
fn a_wrong_password_reaches_one_host_of_those_that_share_it() {
    let sshd = Sshd::with("UsePAM yes\nPasswordAuthentication yes");
    let users = [(); 3].map(|()| User::new("USER ALL=(ALL) ALL"));
    let all_at_once = |credentials: &Credentials| -> Vec<String> {
        std::thread::scope(|scope| {
            let threads = users.each_ref().map(|user| {
                let (credentials, sshd) = (credentials.clone(), &sshd);
                scope.spawn(move || {
                    let mut target = Target {
                        user: user.name.clone(),
                        name: user.name.clone(),
                        ..sshd.target()
                    };
                    if credentials.password.is_some() {
                        target.keys.clear();
                    }
                    let ssh = Ssh::connect(&target, &credentials, &Cancel::new().unwrap());
                    ssh.map_or_else(|why| why.to_string(), |_| "in".to_owned())
                })
            });
            threads.map(|thread| thread.join().unwrap()).to_vec()
        })
    };
    let count = |said: &[String], words: &str| {
        let with = said.iter().filter(|text| text.contains(words));
        with.count()
    };

    let said = all_at_once(&sudo_password("wrong"));
    assert_eq!(count(&said, "refuses this password"), 1, "{said:?}");
    assert_eq!(count(&said, "because it was wrong on"), 2, "{said:?}");
    assert_eq!(all_at_once(&sudo_password(PASSWORD)), ["in"; 3]);

    let both = |password: &str| Credentials {
        password: Some(password.to_owned().into()),
        ..sudo_password(PASSWORD)
    };
    let said = all_at_once(&both("wrong"));
    assert_eq!(count(&said, "the password: refused"), 1, "{said:?}");
    assert_eq!(count(&said, "because it was wrong on"), 2, "{said:?}");
    assert_eq!(all_at_once(&both(PASSWORD)), ["in"; 3]);
}

/// A long line as it comes: in pieces of 64 KiB.
fn pieces(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while !rest.is_empty() {
        let (piece, more) = rest.split_at(rest.len().min(64 * 1024));
        text = text + piece + "\n";
        rest = more;
    }
    text
}

#[test]
fn sudo_that_will_not_says_what_to_do() {
    let sshd = Sshd::start();
    for (sudoers, part) in [
        ("# nothing", "refuses it"),
        ("USER ALL=(ALL) /bin/true", "refuses it"),
        ("Defaults:USER requiretty\nUSER ALL=(ALL) ALL", "requiretty"),
        (
            "Defaults:USER runas_default=daemon\nUSER ALL=(ALL) ALL",
            "not at root",
        ),
    ] {
        let user = User::new(sudoers);
        let why = no_root(connect(&sshd, &user, &sudo_password(PASSWORD)));
        assert!(why.contains(part), "{sudoers}: {why}");
        assert!(!why.contains(PASSWORD));
    }
    let user = User::new("USER ALL=(ALL) NOPASSWD: ALL");
    let shell = std::process::Command::new("usermod")
        .args(["--shell", "/usr/sbin/nologin", &user.name])
        .status();
    assert!(shell.unwrap().success());
    let why = no_root(connect(&sshd, &user, &Credentials::default()));
    assert!(why.contains("not available"), "{why}");
}

#[test]
fn a_password_lets_one_in_either_way() {
    for methods in [
        "PasswordAuthentication yes\nKbdInteractiveAuthentication no",
        "PasswordAuthentication no\nKbdInteractiveAuthentication yes",
        "AuthenticationMethods publickey,password\nPasswordAuthentication yes",
        "AuthenticationMethods publickey,keyboard-interactive\nKbdInteractiveAuthentication yes",
    ] {
        let sshd = Sshd::with(&format!("UsePAM yes\n{methods}"));
        let user = User::new("USER ALL=(ALL) NOPASSWD: ALL");
        let mut target = Target {
            user: user.name.clone(),
            ..sshd.target()
        };
        if !methods.contains("publickey") {
            target.keys = Vec::new();
        }
        let try_with = |password: Option<&str>| {
            let credentials = Credentials {
                password: password.map(|text| text.to_owned().into()),
                ..Credentials::default()
            };
            Ssh::connect(&target, &credentials, &Cancel::new().unwrap())
        };
        assert_eq!(out(&mut try_with(Some(PASSWORD)).unwrap(), "id -u"), "0\n");
        let Err(refused) = try_with(None) else {
            panic!("{methods}: it got in without")
        };
        assert!(matches!(refused, RemoteError::Auth { .. }), "{refused}");
        let Err(refused) = try_with(Some("wrong")) else {
            panic!("{methods}: it got in with a wrong one")
        };
        let text = refused.to_string();
        assert!(text.contains("the password"), "{text}");
        assert!(!text.contains("wrong"), "{text}");
    }
}

fn wanted(result: Result<Ssh, RemoteError>) -> Vec<CredentialRequest> {
    match result {
        Err(error) => error.wants().to_vec(),
        Ok(_) => panic!("it got in"),
    }
}

#[test]
fn what_is_missing_is_told_and_whose_it_is() {
    let sshd = Sshd::start();
    let of = |whose: Option<&str>, wrong| {
        let of = whose.map(str::to_owned);
        let what = CredentialKind::SudoPassword { of };
        vec![CredentialRequest { what, wrong }]
    };
    for (sudoers, is_root) in [
        ("USER ALL=(ALL) ALL", false),
        ("Defaults:USER targetpw\nUSER ALL=(ALL) ALL", true),
    ] {
        let user = User::new(sudoers);
        let whose = Some(if is_root { "root" } else { &user.name });
        let nobody = wanted(connect(&sshd, &user, &Credentials::default()));
        assert_eq!(nobody, of(None, false), "nobody is there to be asked");
        let asks = Credentials {
            asks: true,
            ..Credentials::default()
        };
        // The second time it is known: sudo is not asked in vain once more.
        for _ in 0..2 {
            assert_eq!(wanted(connect(&sshd, &user, &asks)), of(whose, false));
        }
        let wrong = wanted(connect(&sshd, &user, &sudo_password("wrong")));
        assert_eq!(wrong, of(whose, true));
    }
    // A user without rights needs no password.
    let user = User::new("Defaults:USER !authenticate");
    assert_eq!(wanted(connect(&sshd, &user, &Credentials::default())), []);
}

#[test]
fn a_password_is_wanted_where_the_server_takes_one() {
    let user = User::new("USER ALL=(ALL) NOPASSWD: ALL");
    for (methods, key, words) in [
        ("PasswordAuthentication yes", false, ""),
        ("KbdInteractiveAuthentication yes", false, "Password:"),
        (
            "AuthenticationMethods publickey,keyboard-interactive\nKbdInteractiveAuthentication yes",
            true,
            "",
        ),
    ] {
        let sshd = Sshd::with(&format!("UsePAM yes\n{methods}"));
        let target = Target {
            user: user.name.clone(),
            keys: if key { sshd.target().keys } else { Vec::new() },
            ..sshd.target()
        };
        let try_with = |password: Option<&str>| {
            let credentials = Credentials {
                password: password.map(|text| text.to_owned().into()),
                ..Credentials::default()
            };
            wanted(Ssh::connect(&target, &credentials, &Cancel::new().unwrap()))
        };
        let password = |question: &str, wrong| {
            let (user, question) = (user.name.clone(), question.to_owned());
            let what = CredentialKind::Password { user, question };
            CredentialRequest { what, wrong }
        };
        assert!(try_with(None).contains(&password("", false)), "{methods}");
        let wrong = try_with(Some("wrong"));
        assert!(
            wrong.contains(&password(words, true)),
            "{methods}: {wrong:?}"
        );
    }
    // No password helps where none is taken.
    let sshd = Sshd::with("KbdInteractiveAuthentication no");
    let target = Target {
        keys: Vec::new(),
        ..sshd.target()
    };
    let wants = wanted(sshd::connect(&target));
    let password =
        |wanted: &CredentialRequest| matches!(wanted.what, CredentialKind::Password { .. });
    assert!(!wants.iter().any(password), "{wants:?}");
}

#[test]
fn a_passphrase_is_wanted_for_a_locked_key() {
    let sshd = Sshd::with("KbdInteractiveAuthentication no");
    let target = Target {
        keys: vec![sshd.path("locked")],
        only_these_keys: true,
        ..sshd.target()
    };
    for passphrase in [None, Some("wrong")] {
        let credentials = Credentials {
            passphrase: passphrase.map(|text| text.to_owned().into()),
            ..Credentials::default()
        };
        let wants = wanted(Ssh::connect(&target, &credentials, &Cancel::new().unwrap()));
        let key = sshd.path("locked");
        let what = CredentialKind::Passphrase { key };
        let wrong = passphrase.is_some();
        assert_eq!(wants, [CredentialRequest { what, wrong }]);
    }
}
