//! What many hosts cost: a run on 10 agents and one on 100, each agent with one step of 10 s. (With
//! `--short`, to try the benchmark itself: 2 agents and 4, and a step of 1 s.) All of
//! them are one sshd on loopback, each with a /run and a systemd of its own (`support::elsewhere`).
//! So this machine does the work of all hosts besides the wizard's.
//!
//! `cargo bench --bench many_hosts`. Prints what it measures beside what is wanted, and fails only
//! when a run does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // as a test

use std::collections::BTreeMap;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use k3s_ha_wizard::answers::{Answers, Host, Role};
use k3s_ha_wizard::engine::control::Control;
use k3s_ha_wizard::engine::hosts::{Connector, ReachedHost, reach};
use k3s_ha_wizard::engine::{Measuring, Memory, Run};
use k3s_ha_wizard::events::StepId;
use k3s_ha_wizard::events::log::RunLog;
use k3s_ha_wizard::events::recorder::{Recorder, Sink};
use k3s_ha_wizard::events::{End, Outcome, What};
use k3s_ha_wizard::pki;
use k3s_ha_wizard::plan::{Phase, Plan, Shell, Step, Value, Work};
use k3s_ha_wizard::redact::Redactor;
use k3s_ha_wizard::remote::lease::Lease;
use k3s_ha_wizard::remote::{Credentials, Remote, Ssh, Trials};
use k3s_ha_wizard::secrets::SecretText;
use k3s_ha_wizard::secrets::Secrets;
use k3s_ha_wizard::state::{Folder, State};
use support::elsewhere::Elsewhere;
use support::sshd::Sshd;
use time::OffsetDateTime;

/// How many agents there are, few and many, and how many seconds their step takes.
const WHOLE: ([usize; 2], u32) = ([10, 100], 10);
const SHORT: ([usize; 2], u32) = ([2, 4], 1);
const MOST_RATIO: f64 = 1.5;
const MOST_MEMORY_KIB: u64 = 64 * 1024;
/// What makes of this program the process that is measured; the number of hosts follows, and the
/// seconds of their step.
const MEASURE: &str = "--measure";

/// A step that takes a while, made up.
const STEP: &str = r#"
satisfied() { [ -e "$MARK" ]; }
apply() { sleep "$SECONDS"; : >"$MARK"; }
"#;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().collect();
    if let Some(at) = words.iter().position(|word| word == MEASURE) {
        let (hosts, seconds) = (
            words[at + 1].parse().unwrap(),
            words[at + 2].parse().unwrap(),
        );
        measure(hosts, seconds).print();
        return ExitCode::SUCCESS;
    }
    println!("agents  reached  steps done  in all   the wizard's own: processor  memory at most");
    let (hosts, seconds) = if words.iter().any(|word| word == "--short") {
        SHORT
    } else {
        WHOLE
    };
    let [few, many] = hosts.map(|hosts| {
        let figures = Figures::of_a_process(hosts, seconds);
        println!(
            "{hosts:6}  {:5.2} s  {:8.2} s  {:5.2} s  {:25.2} s  {:10.1} MiB",
            figures.reached,
            figures.all - figures.reached,
            figures.all,
            figures.processor,
            mib(figures.memory_kib)
        );
        figures
    });
    let ratio = many.all / few.all;
    let load = std::fs::read_to_string("/proc/loadavg").unwrap();
    let load = load.split(' ').next().unwrap();
    let processors = std::thread::available_parallelism().unwrap();
    let judged = |holds| if holds { "ok" } else { "missed" };
    println!(
        "ratio {ratio:.2} (wanted: {MOST_RATIO}) {}",
        judged(ratio <= MOST_RATIO)
    );
    println!(
        "memory at most (wanted: {} MiB) {}",
        mib(MOST_MEMORY_KIB),
        judged(many.memory_kib <= MOST_MEMORY_KIB)
    );
    println!("on {processors} processors, load {load} at the end");
    ExitCode::SUCCESS
}

#[allow(clippy::cast_precision_loss)] // not before 2^53
fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

struct Figures {
    /// Seconds until every host was reached.
    reached: f64,
    /// Seconds until the run had ended.
    all: f64,
    /// Seconds of processor time.
    processor: f64,
    memory_kib: u64,
}

impl Figures {
    /// Measured in a separate process, so that the memory is its own.
    fn of_a_process(hosts: usize, seconds: u32) -> Self {
        let output = Command::new(std::env::current_exe().unwrap())
            .args([MEASURE, &hosts.to_string(), &seconds.to_string()])
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        assert!(output.status.success(), "the run on {hosts} hosts failed");
        let text = String::from_utf8(output.stdout).unwrap();
        let words: Vec<&str> = text.split_whitespace().collect();
        Self {
            reached: words[0].parse().unwrap(),
            all: words[1].parse().unwrap(),
            processor: words[2].parse().unwrap(),
            memory_kib: words[3].parse().unwrap(),
        }
    }

    fn print(&self) {
        let (reached, all) = (self.reached, self.all);
        println!("{reached} {all} {} {}", self.processor, self.memory_kib);
    }
}

/// A run on so many hosts, as the wizard does it, with a log and everything.
fn measure(hosts: usize, seconds: u32) -> Figures {
    // With an empty home: bash reads its `.bashrc` at every login, and what this machine's does is no
    // matter of the wizard's.
    let home = tempfile::tempdir().unwrap();
    let sshd = Sshd::with(&format!("SetEnv HOME={}", home.path().display()));
    let systems: Vec<_> = (0..hosts).map(|_| Arc::new(Elsewhere::create())).collect();
    let root = tempfile::tempdir().unwrap();
    let folder = Folder::open(Some(root.path().to_owned()), "made-up").unwrap();
    let answers = answers(hosts);
    let state = State::new(&answers).unwrap();
    let secret = || SecretText::from("a secret".to_owned());
    let secrets = Secrets {
        token: secret(),
        agent_token: secret(),
        db_password: secret(),
        db_verifier: secret(),
    };
    let wanted = pki::CertificateRequest {
        cluster: "made-up".into(),
        role: "k3s".into(),
        postgres: BTreeMap::new(),
        pair: BTreeMap::new(),
        servers: Vec::new(),
    };
    let now = OffsetDateTime::now_utc();
    let (pki, _) = pki::ensure(&pki::Kept::default(), &wanted, now).unwrap();
    let control = Control::default();

    let (begun, spent) = (Instant::now(), processor_seconds());
    let reached = reach_all(&answers, &sshd, &systems, &control);
    let seconds_to_reach = begun.elapsed().as_secs_f64();
    let plan = plan(&reached, &systems, seconds);
    let done = Arc::new(AtomicUsize::new(0));
    let log = RunLog::create(&folder.run_log("run")).unwrap();
    let sinks = vec![log.sink(|error| panic!("{error}")), counter(&done)];
    let recorder = Recorder::new(Redactor::default(), sinks);
    let end = Run {
        id: "run",
        plan: &plan,
        pki: &pki,
        secrets: &secrets,
        bundle: None,
        memory: &Memory::new(&folder, state),
        recorder: &recorder,
        control: &control,
        measuring: &Measuring::default(),
    }
    .carry_out(reached);
    let all = begun.elapsed().as_secs_f64();

    assert_eq!(end, End::Done);
    assert_eq!(done.load(Ordering::Relaxed), hosts);
    assert!(systems.iter().all(|system| system.started() == 1));
    Figures {
        reached: seconds_to_reach,
        all,
        processor: processor_seconds() - spent,
        memory_kib: peak_memory_kib(),
    }
}

fn answers(hosts: usize) -> Answers {
    let mut answers = Answers::default();
    let agent = |number| Host::new(format!("agent-{number}"), Role::Agent, "127.0.0.1");
    answers.hosts = (1..=hosts).map(agent).collect();
    // Hosts try where they get K3s from: not from the internet, and nobody is there.
    answers.k3s.artifact_url = Some("http://127.0.0.1:9".into());
    answers
}

/// All at once, as the wizard does.
fn reach_all(
    answers: &Answers,
    sshd: &Sshd,
    systems: &[Arc<Elsewhere>],
    control: &Control,
) -> Vec<ReachedHost> {
    let trials = Trials::default();
    std::thread::scope(|scope| {
        let hosts = answers.hosts.iter().zip(systems);
        let reaching: Vec<_> = hosts
            .map(|(host, system)| {
                let connector = connector(host, sshd, system, &trials);
                scope.spawn(move || {
                    let lease = Lease {
                        owner: "bench".into(),
                        ..Lease::default()
                    };
                    reach(&host.name, None, connector, Some(&lease), control).unwrap()
                })
            })
            .collect();
        let reached = reaching.into_iter().map(|thread| thread.join().unwrap());
        reached.collect()
    })
}

fn connector(host: &Host, sshd: &Sshd, system: &Arc<Elsewhere>, trials: &Trials) -> Connector {
    let mut target = sshd.target();
    target.name.clone_from(&host.name);
    let credentials = Credentials {
        trials: trials.clone(),
        ..Credentials::default()
    };
    let system = system.clone();
    Box::new(move |cancel| {
        let ssh = Ssh::connect(&target, &credentials, cancel)?;
        Ok(Box::new(system.on(ssh)) as Box<dyn Remote>)
    })
}

/// One step a host, none of which needs another.
fn plan(reached: &[ReachedHost], systems: &[Arc<Elsewhere>], seconds: u32) -> Plan {
    let steps = reached.iter().zip(systems).map(|(host, system)| Step {
        id: StepId::new("bench/sleep", Some(&host.name)),
        host: Some(host.name.clone()),
        title: "a while has passed".into(),
        needs: Vec::new(),
        may_be_skipped: false,
        limit: Duration::from_secs(120),
        work: Work::Shell(Shell {
            file: "bench/sleep",
            source: STEP,
            platform: host.platform.expect("this machine is no Debian"),
            inputs: vec![
                (
                    "MARK",
                    Value::Plain(system.run().join("mark").display().to_string()),
                ),
                ("SECONDS", Value::Plain(seconds.to_string())),
            ],
            ready_nodes: Vec::new(),
        }),
    });
    Plan {
        procedure: "install",
        cluster: "made-up".into(),
        phases: vec![Phase {
            id: "bench",
            title: "Bench",
            steps: steps.collect(),
        }],
    }
}

/// Counts the steps that were done: neither found done, nor given up.
fn counter(done: &Arc<AtomicUsize>) -> Sink {
    let done = done.clone();
    Box::new(move |event| {
        if let What::StepEnded { step, outcome } = &event.what {
            match outcome {
                Outcome::Done => drop(done.fetch_add(1, Ordering::Relaxed)),
                other => eprintln!("{step}: {other:?}"),
            }
        }
    })
}

/// The most that this process has had at once, shared libraries and stacks and all.
fn peak_memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.unwrap().trim().trim_end_matches(" kB");
    peak.parse().unwrap()
}

/// What this process has used, without its children.
fn processor_seconds() -> f64 {
    const TICKS: f64 = 100.0; // a second, on every Linux that is likely
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, behind_name) = stat.rsplit_once(')').unwrap();
    let times = behind_name.split_whitespace().skip(11).take(2);
    times
        .map(|ticks| ticks.parse::<f64>().unwrap())
        .sum::<f64>()
        / TICKS
}
