//! Secrets are where they must be, and nowhere else: a sentinel in every place a secret can be; a run
//! that fails, one that crashes and one that ends well; afterwards everything is searched.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use openssl::base64::encode_block;

use crate::WIZARD;
use crate::exec_watch::{Exec, ExecWatch};
use crate::faults::hold;
use crate::lab::{Ended, HOSTS, KEPT, Lab, Wizard};
use k3s_ha_wizard::events::What;

/// Secrets that answers give. Each has letters that URLs, shells and YAML write in other ways.
const GIVEN: [(&str, &str); 3] = [
    ("token", "Sentinel-token:7c1f&e2a9/b~d0"),
    ("agent_token", "Sentinel-agent:4b8e&a1f0/c~77"),
    ("password", "Sentinel'database\"5d$0e&c3/91"),
];

const OF_REGISTRY: &str = "Sentinel'registry:2c6a&d4f8/e~13";

/// Whose value is the SSH and sudo password of k3s-nginx.
const VARIABLE: &str = "SENTINEL_PASSWORD";

/// In which programs are told of a proxy; its password is in no other place (docs/facts.md, "Proxies").
const OF_PROXY: [&str; 4] = [
    "http_proxy=",
    "https_proxy=",
    "CONTAINERD_HTTP_PROXY=",
    "CONTAINERD_HTTPS_PROXY=",
];

/// The shortest half of a secret that is searched: a shorter one is a word like any other.
const HALF: usize = 10;

/// A secret, and all the ways in which it would be recognised.
struct Sentinel {
    name: String,
    forms: Vec<String>,
}

impl Sentinel {
    fn new(name: &str, text: &str) -> Self {
        let halves = |text: &str| -> Vec<String> {
            let (first, second) = text.split_at(text.len() / 2);
            let halves = [first, second].map(str::to_owned);
            halves
                .into_iter()
                .filter(|half| half.len() >= HALF)
                .collect()
        };
        let mut forms = vec![text.to_owned()];
        forms.extend(halves(text));
        for before in ["", "x", "xy"] {
            let encoded = encode_block(format!("{before}{text}").as_bytes());
            // What depends on the secret alone.
            let from = (before.len() * 8).div_ceil(6);
            let to = (before.len() + text.len()) * 8 / 6;
            let core = &encoded[from..to];
            forms.push(core.replace('+', "-").replace('/', "_"));
            forms.extend(halves(core));
            forms.push(core.to_owned());
        }
        for upper in [true, false] {
            let in_url = |byte: u8| match byte {
                byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                    char::from(byte).to_string()
                }
                byte if upper => format!("%{byte:02X}"),
                byte => format!("%{byte:02x}"),
            };
            forms.push(text.bytes().map(in_url).collect());
        }
        let json = serde_json::Value::from(text).to_string();
        forms.push(json.trim_matches('"').to_owned());
        forms.sort();
        forms.dedup();
        let name = name.to_owned();
        Self { name, forms }
    }

    fn is_in(&self, text: &str) -> bool {
        self.forms.iter().any(|form| text.contains(form))
    }
}

fn found_in(sentinels: &[Sentinel], place: &str, text: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(text);
    let found = sentinels.iter().filter(|sentinel| sentinel.is_in(&text));
    found.map(|it| format!("{} in {place}", it.name)).collect()
}

fn kept(name: &str) -> String {
    fs::read_to_string(Path::new(KEPT).join(name))
        .unwrap()
        .trim()
        .to_owned()
}

/// Its answers, with a secret of each kind: inline, from a file, from the environment.
fn with_secrets(wizard: Wizard) -> Wizard {
    let registry = wizard.state.path().join("registry");
    fs::write(&registry, OF_REGISTRY).unwrap();
    let mut wizard = wizard.answering(|text| {
        let from_file = format!("{{ file = \"{KEPT}/password\" }}");
        let text = text.replace(&from_file, &format!("{{ env = \"{VARIABLE}\" }}"));
        let [token, agent_token, password] = GIVEN.map(|(key, text)| {
            let text = text.replace('"', "\\\"");
            format!("{key} = \"{text}\"\n")
        });
        let text = text
            .replace("[k3s]\n", &format!("[k3s]\n{token}{agent_token}"))
            .replace("[postgres]\n", &format!("[postgres]\n{password}"));
        let proxy = format!("{{ file = \"{KEPT}/proxy/url\" }}");
        let registry = registry.display();
        format!(
            "{text}\n[proxy]\nhttp = {proxy}\nhttps = {proxy}\n
            [registries.configs.\"registry.lab.internal\"]\nusername = \"lab\"\n\
            password = {{ file = \"{registry}\" }}\n"
        )
    });
    wizard.variables.push((VARIABLE, kept("password")));
    let temporary = wizard.state.path().join("temporary");
    fs::create_dir(&temporary).unwrap();
    let temporary = temporary.to_str().unwrap().to_owned();
    wizard.variables.push(("TMPDIR", temporary));
    wizard
}

/// Every secret of the cluster and of the logins.
fn sentinels(wizard: &Wizard) -> Vec<Sentinel> {
    let mut all: Vec<_> = GIVEN.map(|(key, text)| Sentinel::new(key, text)).into();
    all.push(Sentinel::new("the registry's password", OF_REGISTRY));
    let url = kept("proxy/url");
    let password = url.split([':', '@']).nth(2).unwrap();
    all.push(Sentinel::new("the proxy's password", password));
    for name in ["password", "sudo_password", "passphrase"] {
        all.push(Sentinel::new(&format!("the lab's {name}"), &kept(name)));
    }
    let json: serde_json::Value = serde_json::from_str(&wizard.kept("secrets.json")).unwrap();
    all.push(Sentinel::new(
        "the verifier",
        json["db_verifier"].as_str().unwrap(),
    ));
    for key in files(&wizard.state.path().join("lab/pki")) {
        if key.extension().is_some_and(|kind| kind == "key") {
            let pem = fs::read_to_string(&key).unwrap();
            // All keys begin alike.
            let body = pem.lines().nth(2).unwrap();
            all.push(Sentinel::new(&key.display().to_string(), body));
        }
    }
    assert!(all.len() >= 13, "{} secrets", all.len());
    all
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

/// The state folder, without the files that are there for secrets.
fn in_state(sentinels: &[Sentinel], state: &Path) -> Vec<String> {
    let holds_secrets = |path: &Path| {
        let path = path.strip_prefix(state).unwrap();
        path == Path::new("answers.toml")
            || path == Path::new("registry")
            || path == Path::new("lab/secrets.json")
            || path.starts_with("lab/pki")
    };
    let others = files(state).into_iter().filter(|path| !holds_secrets(path));
    others
        .flat_map(|path| {
            let text = fs::read(&path).unwrap();
            found_in(sentinels, &path.display().to_string(), &text)
        })
        .collect()
}

/// Files and folders that other users of this machine can read.
fn open_to_others(folder: &Path) -> Vec<String> {
    let all = files(folder).into_iter();
    let with_parents = all.flat_map(|file| [file.parent().unwrap().to_owned(), file]);
    let is_open = |path: &PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o077 != 0;
    let open = with_parents.filter(is_open);
    open.map(|path| path.display().to_string()).collect()
}

/// What was started, with which arguments and environment.
fn in_execs(sentinels: &[Sentinel], execs: &HashSet<Exec>) -> Vec<String> {
    let mut found = Vec::new();
    for exec in execs {
        let name = String::from_utf8_lossy(&exec.arguments).replace('\0', " ");
        let place = format!("the arguments of {name}");
        found.extend(found_in(sentinels, &place, &exec.arguments));
        let is_wizard = exec.arguments.starts_with(WIZARD.as_bytes());
        let is_meant = |variable: &[u8]| {
            let begins = |name: &str| variable.starts_with(name.as_bytes());
            OF_PROXY.iter().any(|name| begins(name)) || is_wizard && begins(VARIABLE)
        };
        let variables = exec.environment.split(|byte| *byte == 0);
        let others: Vec<_> = variables.filter(|variable| !is_meant(variable)).collect();
        let place = format!("the environment of {name}");
        found.extend(found_in(sentinels, &place, &others.join(&0)));
    }
    found
}

/// The files of a host that must have a secret.
const NEEDED: [&str; 8] = [
    "/etc/rancher/k3s/config.yaml",
    "/etc/rancher/k3s/agent-token",
    "/etc/rancher/k3s/registries.yaml",
    // Of the service k3s or k3s-agent: the proxy.
    "/etc/systemd/system/k3s",
    "/etc/rancher/k3s/datastore/",
    "/etc/postgresql-k3s/",
    // What Postgres and K3s keep themselves.
    "/var/lib/postgresql/",
    "/var/lib/rancher/k3s/",
];

/// Every file that has changed on a host since then, its journal, and what runs there now.
fn on_host(lab: &Lab, host: &str, sentinels: &[Sentinel], since: u64) -> Vec<String> {
    let forms = sentinels.iter().flat_map(|sentinel| &sentinel.forms);
    let forms: Vec<_> = forms.map(String::as_str).collect();
    let script = format!(
        "umask 077; list=/root/.sentinels; cat >$list <<'END'\n{}\nEND\n\
         journalctl --no-pager -o export 2>/dev/null | grep -aFf $list | sed 's/^/the journal: /'
         for process in /proc/[0-9]*; do
             cat $process/cmdline $process/environ 2>/dev/null | tr '\\0' '\\n' |
                 grep -avE '^({})' | grep -aFf $list | sed \"s|^|$process: |\"
         done
         find / \\( -path /proc -o -path /sys -o -path $list \\) -prune -o \
             -type f -newerct @{since} -print0 | xargs -0 -r grep -aslFf $list --
         rm $list",
        forms.join("\n"),
        OF_PROXY.join("|")
    );
    let text = lab.must(host, &script);
    let is_needed = |line: &str| NEEDED.iter().any(|place| line.starts_with(place));
    let found = text.lines().filter(|line| !is_needed(line));
    found.map(|line| format!("{host}: {line}")).collect()
}

/// The time as `find` reads it.
fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap().as_secs()
}

/// What was found anywhere: in what the wizard printed and stores, in everything that was started,
/// and on the hosts.
fn found_anywhere(
    lab: &Lab,
    hosts: &[&str],
    since: u64,
    wizard: &Wizard,
    said: &str,
    watch: ExecWatch,
) -> Vec<String> {
    let execs = watch.ends();
    println!("{} different execs; {}", execs.all.len(), execs.how);
    assert!(execs.all.len() > 100, "{}", execs.how);
    let sentinels = sentinels(wizard);
    let mut found = found_in(&sentinels, "what the wizard printed", said.as_bytes());
    found.extend(in_state(&sentinels, wizard.state.path()));
    found.extend(in_execs(&sentinels, &execs.all));
    for host in hosts {
        found.extend(on_host(lab, host, &sentinels, since));
    }
    found
}

/// Crashes while the agent starts with its token.
fn crash(wizard: &Wizard) -> Ended {
    let mut crashed = false;
    let run = wizard.run_until(|event, child| {
        let joins = matches!(&event.what, What::StepApplies { step } if step.as_str() == "agent/start@k3s-agent");
        if joins && !crashed {
            crashed = true;
            let kill = Command::new("kill").args(["-ABRT", &child.id().to_string()]).status();
            assert!(kill.unwrap().success());
        }
    });
    assert!(crashed, "{}", run.text);
    assert!(!run.status.core_dumped(), "{}", run.status);
    run
}

/// Fails on the load balancer, so that no agent joins.
fn failure(lab: &Lab, wizard: &Wizard) -> Ended {
    let host = "k3s-nginx";
    let mut held = false;
    let run = wizard.run_until(|event, _| {
        let installs = matches!(&event.what, What::StepApplies { step } if step.as_str() == "load-balancer/install@k3s-nginx");
        if installs && !held {
            held = true;
            hold(lab, host, 6443);
        }
    });
    assert!(held, "{}", run.text);
    lab.must(host, "systemctl stop holder");
    assert_eq!(run.status.code(), Some(1), "{}", run.text);
    assert!(run.text.contains("listens on port 6443"), "{}", run.text);
    run
}

/// Leaks of every kind are found on a host.
fn finds_leaks(lab: &Lab, host: &str, sentinels: &[Sentinel], since: u64) {
    let (_, secret) = GIVEN[0];
    let encoded = encode_block(format!("x{secret}").as_bytes());
    let (half, rest) = secret.split_at(secret.len() / 2 + 3);
    lab.must(
        host,
        &format!(
            "echo 'a word {secret} in a log' >/var/log/leak
            echo {encoded} >/tmp/leak
            printf '%s\\n%s\\n' '{half}' '{rest}' >/root/.bash_history
            logger -t leak '{secret}'
            LEAK='{secret}' setsid sleep 60 >/dev/null 2>&1 </dev/null &
            setsid sh -c 'sleep 60; :' '{secret}' >/dev/null 2>&1 </dev/null &
            journalctl --sync || sleep 1"
        ),
    );
    let found = on_host(lab, host, sentinels, since);
    for place in [
        "/var/log/leak",
        "/tmp/leak",
        "/root/.bash_history",
        "the journal: MESSAGE",
    ] {
        let place = format!("{host}: {place}");
        assert!(
            found.iter().any(|it| it.starts_with(&place)),
            "{place}: {found:?}"
        );
    }
    let process = |ends: &str| {
        found
            .iter()
            .any(|it| it.contains("/proc/") && it.ends_with(ends))
    };
    let (argument, variable) = (format!(": {secret}"), format!("LEAK={secret}"));
    assert!(process(&argument) && process(&variable), "{found:?}");
}

#[test]
fn a_leak_is_found_in_every_form() {
    for (name, secret) in GIVEN {
        let sentinels = [Sentinel::new(name, secret)];
        let is_found = |text: &str| !found_in(&sentinels, "", text.as_bytes()).is_empty();
        assert!(!is_found("Sentinel-of-another: token, password"));
        assert!(is_found(&format!("a word {secret} in a log")));
        assert!(is_found(&serde_json::json!({ "why": secret }).to_string()));
        assert!(is_found(&secret.replace('\'', "'\\''")));
        for at in 0..secret.len() {
            assert!(is_found(&format!("{}\n{}", &secret[..at], &secret[at..])));
        }
        for before in 0..80 {
            let encoded =
                encode_block(format!("{}{secret} and more", "y".repeat(before)).as_bytes());
            assert!(is_found(&encoded), "after {before} bytes");
            let for_urls = encoded.replace('+', "-").replace('/', "_");
            assert!(is_found(&for_urls), "after {before} bytes");
            let lines: Vec<_> = encoded
                .as_bytes()
                .chunks(76)
                .map(String::from_utf8_lossy)
                .collect();
            assert!(is_found(&lines.join("\n")), "wrapped after {before} bytes");
        }
    }
    let sentinels = [Sentinel::new("it", "a b&c/d's-secret?")];
    for url in ["a%20b%26c%2Fd%27s-secret%3F", "a%20b%26c%2fd%27s-secret%3f"] {
        let url = format!("https://me:{url}@proxy");
        assert_eq!(
            found_in(&sentinels, "a URL", url.as_bytes()),
            ["it in a URL"]
        );
    }
}

#[test]
fn a_leak_is_found_in_every_place() {
    let (name, secret) = GIVEN[1];
    let sentinels = [Sentinel::new(name, secret)];
    let leaks = |arguments: &[&str], environment: &str| {
        let nul = |text: &&str| format!("{text}\0").into_bytes();
        let exec = Exec {
            arguments: arguments.iter().flat_map(nul).collect(),
            environment: nul(&environment),
        };
        !in_execs(&sentinels, &HashSet::from([exec])).is_empty()
    };
    let with = |name: &str| format!("{name}{secret}");
    assert!(leaks(&["curl", "-u", &with("me:")], "HOME=/root"));
    assert!(leaks(&["ssh"], &with("HOME=/root\0TOKEN=")));
    assert!(leaks(&["ssh"], &with("SENTINEL_PASSWORD=")));
    assert!(leaks(&[WIZARD], &with("TOKEN=")));
    assert!(!leaks(&[WIZARD, "plan"], &with("SENTINEL_PASSWORD=")));
    assert!(!leaks(&["curl"], &with("https_proxy=http://me:")));

    let state = tempfile::tempdir().unwrap();
    fs::create_dir_all(state.path().join("lab/runs")).unwrap();
    fs::write(state.path().join("lab/secrets.json"), secret).unwrap();
    assert_eq!(in_state(&sentinels, state.path()), Vec::<String>::new());
    fs::write(state.path().join("lab/runs/1.jsonl"), with("a word ")).unwrap();
    assert_eq!(in_state(&sentinels, state.path()).len(), 1);
}

#[test]
fn secrets_are_where_they_must_be_and_nowhere_else() {
    let lab = Lab::fresh();
    lab.does(&["proxy", "on"]);
    let since = now();
    let wizard = with_secrets(Wizard::new());
    let scripts = wizard.state.path().join("scripts");

    let watch = ExecWatch::start();
    let mut said = String::new();
    for what in [
        &["plan"][..],
        &["plan", "--scripts", scripts.to_str().unwrap()],
    ] {
        let (code, text) = wizard.says(what);
        assert_eq!(code, Some(0), "{text}");
        said += &text;
    }
    assert_eq!(open_to_others(&scripts), Vec::<String>::new());
    said += &failure(&lab, &wizard).text;
    said += &crash(&wizard).text;
    said += &wizard.run().good().text;
    for what in ["status", "check"] {
        said += &wizard.says_alone(&[what]).1;
    }
    let found = found_anywhere(&lab, &HOSTS, since, &wizard, &said, watch);
    assert_eq!(found, Vec::<String>::new());
    // The search finds what is there.
    let sentinels = sentinels(&wizard);
    let config = lab.must("k3s-server-1", "cat /etc/rancher/k3s/config.yaml");
    for (name, _) in GIVEN {
        let found = found_in(&sentinels, "", config.as_bytes());
        assert!(found.iter().any(|it| it.starts_with(name)), "{name}");
    }
    finds_leaks(&lab, "k3s-agent", &sentinels, since);
}

/// The keys of two members and of their monitor, too: while they are installed and change roles.
#[test]
#[ignore = "takes minutes: tests/run --all"]
fn secrets_of_a_pair_are_where_they_must_be_and_nowhere_else() {
    let lab = Lab::of_topology("pair");
    lab.does(&["proxy", "on"]);
    let since = now();
    let wizard = with_secrets(Wizard::of_hosts(&lab));
    let watch = ExecWatch::start();
    let mut said = wizard.run().good().text;
    for what in [
        &["status"][..],
        &["check"],
        &["drill", "--yes", "switchover"],
    ] {
        let (code, text) = wizard.says_alone(what);
        assert_eq!(code, Some(0), "{text}");
        said += &text;
    }
    let hosts = [&HOSTS[..], &["k3s-postgres-2", "k3s-nginx-2"]].concat();
    let found = found_anywhere(&lab, &hosts, since, &wizard, &said, watch);
    assert_eq!(found, Vec::<String>::new());
    finds_leaks(&lab, "k3s-postgres-2", &sentinels(&wizard), since);
}
