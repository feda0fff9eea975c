//! The lab, and the wizard running on it.

#![allow(clippy::unused_self)] // a lab is asked through the value that keeps others out

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::WIZARD;
use k3s_ha_wizard::events::StepId;
use k3s_ha_wizard::events::{Event, Outcome, What};

/// Where the lab keeps its keys and secrets.
pub const KEPT: &str = "/var/lib/k3s-ha-wizard-lab";

/// How a test wants the lab, unless it says otherwise: the lab keeps what the last one wanted.
const UP: [&str; 9] = [
    "up",
    "--agents",
    "1",
    "--k3s",
    "stand-in",
    "--family",
    "debian12",
    "--topology",
    "single",
];

/// There is one lab, and each test wants it for itself.
static LAB: Mutex<()> = Mutex::new(());

pub struct Lab {
    _alone: MutexGuard<'static, ()>,
    /// The same for tests of other checkouts on this machine.
    _alone_here: File,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

impl Lab {
    /// Up, with bare hosts.
    pub fn fresh() -> Self {
        let lab = Self::taken();
        lab.comes_up();
        lab
    }

    /// Up, and as it was when this moment was kept; what makes the moment is done where it is
    /// missing.
    pub fn at(moment: &str, make: impl FnOnce(&Self)) -> Self {
        let lab = Self::taken();
        let known = lab.says(&["snapshots"]);
        if known.split_whitespace().any(|name| name == moment) {
            // In one: hosts that the last test has left may refuse every login.
            lab.does(&[&UP[..], &["--moment", moment]].concat());
        } else {
            lab.comes_up();
            make(&lab);
            lab.does(&["snapshot", moment]);
        }
        lab
    }

    /// Up with bare hosts, whatever the last test has left of them: it may let nobody in.
    fn comes_up(&self) {
        self.does(&[&UP[..], &["--fresh"]].concat());
    }

    /// Up, with bare hosts of another family. The next test makes its own again.
    pub fn of(family: &str) -> Self {
        let lab = Self::taken();
        lab.does(&[&UP[..], &["--fresh", "--family", family]].concat());
        lab
    }

    /// Hosts that have the program to drop packets.
    pub fn with_nft(&self, hosts: &[&str]) {
        for host in hosts {
            self.must(
                host,
                "command -v nft >/dev/null || { apt-get update -qq && apt-get install -y -qq \
                     --no-install-recommends nftables >/dev/null 2>&1; }",
            );
        }
    }

    /// Up, with bare hosts and a second load balancer; with `pair` also a second Postgres.
    pub fn of_topology(topology: &str) -> Self {
        let lab = Self::taken();
        lab.does(&[&UP[..], &["--fresh", "--topology", topology]].concat());
        lab
    }

    fn taken() -> Self {
        // A test that failed has left the lab in some state: the next one makes its own.
        let alone = LAB.lock().unwrap_or_else(PoisonError::into_inner);
        let here = File::create("/run/lock/k3s-ha-wizard-lab-tests").unwrap();
        here.lock().unwrap();
        Self {
            _alone: alone,
            _alone_here: here,
        }
    }

    fn command(args: &[&str]) -> Command {
        let mut command = Command::new(root().join("tests/lab/lab"));
        command.args(args).stdin(Stdio::null());
        command
    }

    pub fn does(&self, args: &[&str]) {
        let output = Self::command(args).output().unwrap();
        assert!(
            output.status.success(),
            "lab {args:?}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// This machine's iptables on a host's network: what a firewall of the host would do.
    pub fn iptables(&self, host: &str, rule: &str) {
        let pid = self.first_process(host);
        let args = ["-c", "exec nsenter -t $0 -n iptables -w $1", &pid, rule];
        let output = Command::new("sh").args(args).output().unwrap();
        assert!(output.status.success(), "{host}: {rule}: {output:?}");
    }

    /// The number that a host's PID 1 has on this machine.
    pub fn first_process(&self, host: &str) -> String {
        let script = "pgrep -P \"$(pgrep -f \"^systemd-nspawn .*--machine=$0 \")\"";
        let output = Command::new("sh").args(["-c", script, host]).output();
        let pid = String::from_utf8(output.unwrap().stdout).unwrap();
        assert_ne!(pid, "", "{host} does not run");
        pid.trim().to_owned()
    }

    /// What a command of the lab prints.
    pub fn says(&self, args: &[&str]) -> String {
        let output = Self::command(args).output().unwrap();
        assert!(output.status.success(), "lab {args:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What a shell on a host prints, and whether it succeeded. The script is in no argument list.
    pub fn sh(&self, host: &str, script: &str) -> (bool, String) {
        let mut child = Self::command(&["exec", host, "sh", "-s"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(script.as_bytes()).unwrap();
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.success(), text)
    }

    /// The same, where it must succeed.
    pub fn must(&self, host: &str, script: &str) -> String {
        let (good, text) = self.sh(host, script);
        assert!(good, "{host}: {script}: {text}");
        text
    }
}

pub const HOSTS: [&str; 5] = [
    "k3s-postgres",
    "k3s-server-1",
    "k3s-server-2",
    "k3s-nginx",
    "k3s-agent",
];

/// All that a run could change on a host: files, packages, services, and who listens.
pub fn picture(lab: &Lab) -> Vec<String> {
    const LOOK: &str = r#"
        find /etc /root /usr/local /opt /var/lib/rancher /var/lib/kubelet /var/lib/k3s-ha-wizard \
            /var/lib/dpkg /etc/systemd -xdev -printf '%p %y %m %u:%g %l\n' 2>/dev/null | sort
        find /etc /root /usr/local -xdev -type f ! -path '/etc/shadow*' -print0 | sort -z | xargs -0 sha256sum
        # Without the days on which passwords were set: tests may go on over midnight.
        for file in /etc/shadow*; do
            sum=$(cut -d: -f1,2,4- $file | sha256sum); echo "${sum%-}$file"
        done
        dpkg -l 2>/dev/null
        rpm -qa 2>/dev/null | sort
        systemctl list-units --all --plain --no-legend --type=service,socket,timer |
            awk '$1 !~ /^(user|session|run-)/ { print $1, $2, $3, $4 }'
        ss -Hltun | awk '{ print $1, $5 }' | sort
        cat /var/lib/postgresql/*/main/postgresql.auto.conf /var/lib/pgsql/data/postgresql.auto.conf 2>/dev/null || :"#;
    let look = |host: &str| format!("{host}\n{}", lab.must(host, LOOK));
    std::thread::scope(|scope| {
        let looking = HOSTS.map(|host| scope.spawn(move || look(host)));
        looking.map(|thread| thread.join().unwrap()).to_vec()
    })
}

/// What is different, a line each.
pub fn changes(before: &[String], after: &[String]) -> Vec<String> {
    let pairs = before.iter().zip(after);
    pairs
        .flat_map(|(before, after)| {
            let host = before.lines().next().unwrap_or_default();
            let only = |one: &str, other: &str, sign: &str| -> Vec<String> {
                let other: HashSet<&str> = other.lines().collect();
                let lines = one.lines().filter(|line| !other.contains(line));
                lines.map(|line| format!("{host}: {sign} {line}")).collect()
            };
            [only(before, after, "-"), only(after, before, "+")].concat()
        })
        .collect()
}

/// The text without its line breaks, which are where a terminal ends.
pub fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The wizard with a state folder and a home of its own.
pub struct Wizard {
    program: PathBuf,
    pub state: tempfile::TempDir,
    answers: PathBuf,
    /// The socket of the ssh-agent that it may ask.
    pub agent: Option<PathBuf>,
    /// Environment variables that its answers name.
    pub variables: Vec<(&'static str, String)>,
}

/// A run that ended.
pub struct Ended {
    pub status: ExitStatus,
    pub events: Vec<Event>,
    /// Both outputs, as they were printed.
    pub text: String,
}

impl Wizard {
    pub fn new() -> Self {
        Self::of(Path::new(WIZARD))
    }

    /// Another version of the wizard.
    pub fn of(program: &Path) -> Self {
        Self {
            program: program.to_owned(),
            state: tempfile::tempdir().unwrap(),
            answers: root().join("tests/lab/answers.toml"),
            agent: Some(Path::new(KEPT).join("agent.sock")),
            variables: Vec::new(),
        }
    }

    /// Continues with the state folder of another one.
    pub fn with_state_of(mut self, other: Self) -> Self {
        self.state = other.state;
        self
    }

    /// With the answers for the hosts that are up.
    pub fn of_hosts(lab: &Lab) -> Self {
        Self::new().answering(|_| lab.says(&["answers"]))
    }

    /// The same state folder, with answers that are a little different.
    pub fn answering(mut self, change: impl FnOnce(String) -> String) -> Self {
        let answers = std::fs::read_to_string(&self.answers).unwrap();
        self.answers = self.state.path().join("answers.toml");
        std::fs::write(&self.answers, change(answers)).unwrap();
        self
    }

    /// Where it looks for what an operator has in theirs.
    pub fn home(&self) -> PathBuf {
        self.state.path().join("home")
    }

    fn program(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env("K3S_HA_WIZARD_STATE", self.state.path())
            .env("HOME", self.home())
            .env_remove("SSH_AUTH_SOCK")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .envs(self.agent.iter().map(|agent| ("SSH_AUTH_SOCK", agent)))
            .stdin(Stdio::null());
        command
    }

    /// `k3s-ha-wizard plan`: the exit code, and what it printed.
    pub fn plan(&self) -> (Option<i32>, String) {
        self.says(&["plan"])
    }

    /// Another command with these answers: the exit code, and what it printed.
    pub fn says(&self, what: &[&str]) -> (Option<i32>, String) {
        told(self.verb(what))
    }

    /// The same, not started.
    pub fn verb(&self, what: &[&str]) -> Command {
        let mut command = self.program();
        command.args(what).arg("--answers").arg(&self.answers);
        command
    }

    /// The same of what contacts no host, so it takes no answers.
    pub fn says_alone(&self, what: &[&str]) -> (Option<i32>, String) {
        let mut command = self.program();
        command.args(what);
        told(command)
    }

    /// `k3s-ha-wizard --answers …`, and more.
    pub fn command(&self, more: &[&str]) -> Command {
        let mut command = self.program();
        command
            .arg("--answers")
            .arg(&self.answers)
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs to the end.
    pub fn run(&self) -> Ended {
        self.run_until(|_, _| {})
    }

    /// Runs to the end; `watch` sees every event as it is printed, and may do something about the
    /// run.
    pub fn run_until(&self, mut watch: impl FnMut(&Event, &mut Child)) -> Ended {
        let mut child = self.command(&["--output", "json"]).spawn().unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let complaints = std::thread::spawn(move || {
            let mut text = String::new();
            let _ = std::io::Read::read_to_string(&mut stderr, &mut text);
            text
        });
        let out = BufReader::new(child.stdout.take().unwrap());
        let (mut events, mut text) = (Vec::new(), String::new());
        for line in out.lines().map_while(Result::ok) {
            text.push_str(&line);
            text.push('\n');
            // What a kill tore off is no event.
            if let Ok(event) = serde_json::from_str::<Event>(&line) {
                watch(&event, &mut child);
                events.push(event);
            }
        }
        let status = child.wait().unwrap();
        text.push_str(&complaints.join().unwrap());
        Ended {
            status,
            events,
            text,
        }
    }

    pub fn kept(&self, file: &str) -> String {
        std::fs::read_to_string(self.state.path().join("lab").join(file)).unwrap()
    }
}

/// The exit code, and what it printed.
fn told(mut command: Command) -> (Option<i32>, String) {
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

impl Ended {
    /// The run, where it must have succeeded.
    pub fn good(self) -> Self {
        let failures = self
            .outcomes()
            .filter(|(_, outcome)| matches!(outcome, Outcome::Failed(_) | Outcome::WontRun { .. }));
        let failures: Vec<_> = failures.collect();
        assert_eq!(
            self.status.code(),
            Some(0),
            "{failures:#?}\n{}",
            self.tail()
        );
        self
    }

    pub fn outcomes(&self) -> impl Iterator<Item = (&StepId, &Outcome)> {
        self.events.iter().filter_map(|event| match &event.what {
            What::StepEnded { step, outcome } => Some((step, outcome)),
            _ => None,
        })
    }

    /// How a step ended.
    pub fn outcome(&self, step: &str) -> &Outcome {
        let mut outcomes = self.outcomes();
        let found = outcomes.find(|(id, _)| id.as_str() == step);
        found
            .unwrap_or_else(|| panic!("{step} did not end\n{}", self.tail()))
            .1
    }

    /// The steps that changed something.
    pub fn changed(&self) -> Vec<&str> {
        self.outcomes()
            .filter(|(_, outcome)| **outcome == Outcome::Done)
            .map(|(step, _)| step.as_str())
            .collect()
    }

    fn tail(&self) -> String {
        let lines: Vec<_> = self.text.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}
