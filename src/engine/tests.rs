//! The scheduler and the workers, on hosts in memory.

mod acts;
mod ahead;
mod answering;
pub(crate) mod decisions;
mod installer;
mod leases;
mod losses;
mod mistakes;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

pub(crate) use answering::{answers, answers_that};

use super::hosts::{ConnectionNews, Connector, ReachedHost, reach};
use super::*;
use crate::answers::Answers;
use crate::cluster::api::tests::server;
use crate::events::StepId;
use crate::events::recorder::Sink;
use crate::events::{Abort, End, Event, Outcome, What};
use crate::plan::{Neighbour, OverlayProof, Phase, Shell, Task, Value, Work};
use crate::platform::{Facts, Platform};
use crate::redact::Redactor;
use crate::remote::lease::Lease;
use crate::remote::scripted::{Reply, Transcript};
use crate::remote::{Remote, RemoteError, Scripted};

const FACTS: &str = "lease taken\nos.id=debian\nsystemd=yes\narch=x86_64";

/// A step whose shell file is its name, so that a scripted host can know it.
pub(crate) fn step(name: &'static str, host: &str, needs: &[(&str, &str)]) -> Step {
    let facts = Facts {
        os_id: "debian".into(),
        systemd: true,
        ..Facts::default()
    };
    Step {
        id: StepId::new(name, Some(host)),
        host: Some(host.to_owned()),
        title: name.to_owned(),
        needs: needs
            .iter()
            .map(|(name, host)| StepId::new(name, Some(host)))
            .collect(),
        may_be_skipped: false,
        limit: Duration::from_secs(60),
        work: Work::Shell(Shell {
            file: name,
            source: name,
            platform: Platform::of(&facts).unwrap(),
            inputs: Vec::new(),
            ready_nodes: Vec::new(),
        }),
    }
}

pub(crate) fn host(name: &str, asked: i32) -> Scripted {
    around(Scripted::new(name).answer(move |script| answers(script, asked)))
}

/// What a host says to all but its steps.
fn around(host: Scripted) -> Scripted {
    host.answer(|script| script.contains("os.id").then(|| Reply::exit(0).out(FACTS)))
        .on("PATIENCE=", Reply::exit(0).out("lease taken"))
        .on("OWNER=", Reply::exit(0))
        .on("RELEASE_URL=", Reply::exit(0).out("packages=here"))
        .on("UNIT=", Reply::exit(0))
}

/// Makes these connections, one after the other; then the host refuses the login.
pub(crate) fn connects(host: &str, connections: Vec<Scripted>) -> Connector {
    let refused = RemoteError::Auth {
        host: host.to_owned(),
        user: "u".into(),
        why: "no more connections".into(),
        wants: Vec::new(),
    };
    let mut connections = connections.into_iter();
    Box::new(move |_| {
        let next = connections.next().ok_or_else(|| refused.clone())?;
        Ok(Box::new(next) as Box<dyn Remote>)
    })
}

/// A run of these steps on hosts in memory. The hosts come in the order of their connections.
pub(crate) struct World {
    pub(crate) plan: Plan,
    hosts: Vec<(String, Vec<Scripted>)>,
    pub(crate) control: Arc<Control>,
}

impl World {
    pub(crate) fn new(steps: Vec<Step>) -> Self {
        Self {
            plan: Plan {
                procedure: "install",
                cluster: "made-up".into(),
                phases: vec![Phase {
                    id: "all",
                    title: "All",
                    steps,
                }],
            },
            hosts: Vec::new(),
            control: Arc::default(),
        }
    }

    /// A host, as it is at its first connection, its second one …
    pub(crate) fn on(mut self, name: &str, connections: Vec<Scripted>) -> Self {
        self.hosts.push((name.to_owned(), connections));
        self
    }

    fn run(self) -> (End, Vec<Event>) {
        self.run_with(|_, _| {})
    }

    /// `watch` sees every event as it happens.
    pub(crate) fn run_with(
        self,
        watch: impl FnMut(&Control, &Event) + Send + 'static,
    ) -> (End, Vec<Event>) {
        let lease = Lease::default();
        let control = self.control;
        let reached: Vec<ReachedHost> = self
            .hosts
            .into_iter()
            .map(|(name, connections)| {
                let connector = connects(&name, connections);
                reach(&name, None, connector, Some(&lease), &control).unwrap()
            })
            .collect();

        let root = tempfile::tempdir().unwrap();
        let folder = Folder::open(Some(root.path().to_owned()), "made-up").unwrap();
        let state = State::new(&Answers::default()).unwrap();
        let secret = || SecretText::from("a secret".to_owned());
        let secrets = Secrets {
            token: secret(),
            agent_token: secret(),
            db_password: secret(),
            db_verifier: secret(),
        };
        let wanted = crate::pki::CertificateRequest {
            cluster: "made-up".into(),
            role: "k3s".into(),
            postgres: BTreeMap::new(),
            servers: Vec::new(),
            pair: BTreeMap::new(),
        };
        let now = time::OffsetDateTime::now_utc();
        let (pki, _) = crate::pki::ensure(&crate::pki::Kept::default(), &wanted, now).unwrap();
        let events = Arc::new(Mutex::new(Vec::new()));
        let (kept, watching, mut watch) = (events.clone(), control.clone(), watch);
        let sink: Sink = Box::new(move |event| {
            kept.lock().unwrap().push(event.clone());
            watch(&watching, event);
        });
        let recorder = Recorder::new(Redactor::default(), vec![sink]);
        let end = Run {
            id: "run",
            plan: &self.plan,
            pki: &pki,
            secrets: &secrets,
            bundle: None,
            memory: &Memory::new(&folder, state),
            recorder: &recorder,
            control: &control,
            measuring: &Measuring::default(),
        }
        .carry_out(reached);
        let events = events.lock().unwrap().clone();
        (end, events)
    }
}

/// How every step ended, in the order of their ends: `a@h done`.
fn ends(events: &[Event]) -> Vec<String> {
    let end = |event: &Event| match &event.what {
        What::StepEnded { step, outcome } => Some(match outcome {
            Outcome::Done => format!("{step} done"),
            Outcome::Unchanged => format!("{step} unchanged"),
            Outcome::Failed(failure) => format!("{step} failed: {}", failure.why),
            Outcome::WontRun { because } => format!("{step} won't run: {because}"),
            other => format!("{step} {other:?}"),
        }),
        _ => None,
    };
    events.iter().filter_map(end).collect()
}

fn applies(told: &Transcript, step: &str) -> usize {
    let scripts = told.scripts();
    let is_apply = |script: &&String| script.ends_with(&format!("\n{step}\ndrive\n"));
    scripts.iter().filter(is_apply).count()
}

#[test]
fn what_is_so_is_left_alone() {
    let one = host("h", 0);
    let told = one.told();
    let steps = vec![step("a", "h", &[]), step("b", "h", &[("a", "h")])];
    let (end, events) = World::new(steps).on("h", vec![one]).run();
    assert_eq!(end, End::Done);
    assert_eq!(ends(&events), ["a@h unchanged", "b@h unchanged"]);
    assert_eq!(applies(&told, "a") + applies(&told, "b"), 0);
    assert!(matches!(events.last().unwrap().what, What::Ended { .. }));
}

#[test]
fn a_change_makes_everything_behind_it_be_looked_at_again() {
    let (one, two) = (host("one", 1), host("two", 0));
    let one = one.on("\na\n", Reply::exit(0).out("changed"));
    // Though it was as it should be before.
    let two = two.on("\nb\n", Reply::exit(40)).on("\nc\n", Reply::exit(0));
    let told = two.told();
    let steps = vec![
        step("a", "one", &[]),
        step("b", "two", &[("a", "one")]),
        step("c", "two", &[("b", "two")]),
        step("d", "two", &[]),
    ];
    let (end, events) = World::new(steps)
        .on("one", vec![one])
        .on("two", vec![two])
        .run();
    assert_eq!(end, End::Done);
    let mut ends = ends(&events);
    ends.sort();
    assert_eq!(
        ends,
        [
            "a@one done",
            "b@two unchanged",
            "c@two done",
            "d@two unchanged"
        ]
    );
    assert_eq!((applies(&told, "b"), applies(&told, "d")), (1, 0));
}

#[test]
fn what_a_failed_step_was_needed_for_wont_run_and_the_rest_does() {
    let failing = host("one", 1).on(
        "\na\n",
        Reply::exit(44)
            .out("trying")
            .err("cp: No space left on device")
            .err("This ended with status 28."),
    );
    let other = host("two", 1).on("\nc\n", Reply::exit(0));
    let steps = vec![
        step("a", "one", &[]),
        step("b", "two", &[("a", "one")]),
        step("d", "two", &[("b", "two")]),
        step("c", "two", &[]),
    ];
    let (end, events) = World::new(steps)
        .on("one", vec![failing])
        .on("two", vec![other])
        .run();
    assert_eq!(end, End::Failed);
    let mut ends = ends(&events);
    ends.sort();
    assert_eq!(
        ends,
        [
            "a@one failed: cp: No space left on device",
            "b@two won't run: a@one failed",
            "c@two done",
            "d@two won't run: a@one failed"
        ]
    );
    let failure = events.iter().find_map(|event| match &event.what {
        What::StepEnded {
            outcome: Outcome::Failed(failure),
            ..
        } => Some(failure),
        _ => None,
    });
    let failure = failure.unwrap();
    assert_eq!(failure.status, Some(28));
    assert_eq!(
        failure.last_lines,
        ["trying", "cp: No space left on device"]
    );
    let hint = failure.hint.as_deref().unwrap();
    assert!(hint.starts_with("A disk is full."), "{hint}");
}

#[test]
fn what_must_not_be_done_is_not_done() {
    for asked in [2, 3] {
        let one = host("h", asked);
        let told = one.told();
        let (end, events) = World::new(vec![step("a", "h", &[])])
            .on("h", vec![one])
            .run();
        assert_eq!(end, End::Failed);
        assert_eq!(ends(&events), ["a@h failed: why"]);
        assert_eq!(applies(&told, "a"), 0);
    }
}

#[test]
fn hosts_work_at_the_same_time_but_each_on_one_step() {
    // Each apply waits until the other host's has started too: one after the other would wait
    // forever.
    let meeting = Arc::new(std::sync::Barrier::new(2));
    let busy = Arc::new(AtomicUsize::new(0));
    let meets = |name: &str| {
        let (meeting, busy) = (meeting.clone(), busy.clone());
        host(name, 1).answer(move |script| {
            script.ends_with("\ndrive\n").then(|| {
                meeting.wait();
                busy.fetch_add(1, Ordering::SeqCst);
                Reply::exit(0)
            })
        })
    };
    let steps = vec![
        step("a", "one", &[]),
        step("b", "one", &[]),
        step("a", "two", &[]),
        step("b", "two", &[]),
    ];
    let (end, events) = World::new(steps)
        .on("one", vec![meets("one")])
        .on("two", vec![meets("two")])
        .run();
    assert_eq!(end, End::Done);
    assert_eq!(busy.load(Ordering::SeqCst), 4);
    for host in ["one", "two"] {
        let mut running = 0;
        for event in &events {
            match &event.what {
                What::StepStarted { step, .. } if step.as_str().ends_with(host) => running += 1,
                What::StepEnded { step, .. } if step.as_str().ends_with(host) => running -= 1,
                _ => {}
            }
            assert!(running <= 1);
        }
    }
}

#[test]
fn a_lost_connection_is_made_again_and_the_work_goes_on() {
    let first = host("h", 1).on("\na\n", Reply::lost());
    let second = host("h", 1).on("\na\n", Reply::exit(0).out("went on"));
    let (end, events) = World::new(vec![step("a", "h", &[])])
        .on("h", vec![first, second])
        .run();
    assert_eq!(end, End::Done, "{events:?}");
    assert_eq!(ends(&events), ["a@h done"]);
    let starts = events
        .iter()
        .filter(|event| matches!(event.what, What::StepStarted { .. }));
    assert_eq!(starts.count(), 1);
    let connections = events
        .iter()
        .filter(|event| matches!(event.what, What::Connection { .. }));
    assert_eq!(connections.count(), 2, "lost, and up again");
}

#[test]
fn a_soft_abort_lets_the_step_at_work_end() {
    let (begun, wait) = mpsc::channel::<()>();
    let (aborted, go_on) = mpsc::channel::<()>();
    let (begun, go_on) = (Mutex::new(begun), Mutex::new(go_on));
    let slow = host("h", 1).answer(move |script| {
        script.ends_with("\na\ndrive\n").then(|| {
            begun.lock().unwrap().send(()).unwrap();
            go_on.lock().unwrap().recv().unwrap();
            Reply::exit(0)
        })
    });
    let steps = vec![step("a", "h", &[]), step("b", "h", &[("a", "h")])];
    let world = World::new(steps).on("h", vec![slow]);
    let (end, events) = world.run_with(move |control, event| match &event.what {
        What::StepApplies { .. } => control.abort(Abort::Soft, "SIGINT"),
        What::Aborting { .. } => {
            wait.recv().unwrap();
            aborted.send(()).unwrap();
        }
        _ => {}
    });
    let why = "SIGINT".to_owned();
    assert_eq!(end, End::Aborted { why });
    assert_eq!(
        ends(&events),
        ["a@h done", "b@h won't run: the run was aborted (SIGINT)"]
    );
}

#[test]
fn a_hard_abort_ends_the_unit_on_the_host() {
    let first = host("h", 1).on("\na\n", Reply::cancelled());
    let second = host("h", 1);
    let told = second.told();
    let (_, events) = World::new(vec![step("a", "h", &[])])
        .on("h", vec![first, second])
        .run();
    assert_eq!(
        ends(&events),
        ["a@h failed: interrupted, because the run was aborted"]
    );
    assert_eq!(told.count("systemctl stop"), 1);
}

#[test]
fn work_of_an_earlier_run_is_waited_for() {
    let unit = "k3s-ha-wizard.earlier.a";
    let facts = format!("{FACTS}\nlease unit {unit}");
    let one = Scripted::new("h")
        .answer(move |script| script.contains("os.id").then(|| Reply::exit(0).out(&facts)))
        .once("TENTHS=", Reply::exit(60).out("finishing"))
        .answer(|script| answers(script, 0))
        .on("OWNER=", Reply::exit(0))
        .on("RELEASE_URL=", Reply::exit(0).out("packages=here"))
        .on("UNIT=", Reply::exit(0));
    let (end, events) = World::new(vec![step("a", "h", &[])])
        .on("h", vec![one])
        .run();
    assert_eq!(end, End::Done);
    let seen: Vec<_> = events
        .iter()
        .filter_map(|event| match &event.what {
            What::Output { step, text, .. } => Some(format!("{step}: {text}")),
            _ => None,
        })
        .collect();
    assert_eq!(seen, ["a@h: finishing"]);
}

#[test]
fn an_input_that_never_came_is_said() {
    let mut one = step("a", "h", &[]);
    if let Work::Shell(shell) = &mut one.work {
        shell.inputs.push(("TOKEN", Value::Late(Late::JoinToken)));
    }
    let (end, events) = World::new(vec![one]).on("h", vec![host("h", 1)]).run();
    assert_eq!(end, End::Failed);
    let ends = ends(&events);
    assert!(
        ends[0].ends_with("the agents' token with the hash of the cluster's CA is not known yet")
    );
}

/// Two nodes; the pod network is tried from the first one, which says this.
fn tried(second_range: &str, said: &str, untried_because: Option<&str>) -> (Outcome, usize) {
    let task = |name: &'static str, task| Step {
        work: Work::Task(task),
        ..step(name, "one", &[])
    };
    let networks = task("cluster/networks", Task::LearnPodNetworks);
    let mut proof = task(
        "cluster/overlay",
        Task::ProveOverlay(OverlayProof {
            own: "192.0.2.1".parse().unwrap(),
            untried_because: untried_because.map(str::to_owned),
            neighbours: vec![Neighbour {
                name: "two".into(),
                ip: "192.0.2.2".parse().unwrap(),
            }],
        }),
    );
    proof.needs.push(networks.id.clone());
    let nodes = format!(
        "{{\"items\": [{{\"kind\": \"Node\", \"metadata\": {{\"name\": \"two\"}}, \
         \"spec\": {{{second_range}}}}}]}}"
    );
    let one = server(Scripted::new("one"), &nodes, r#"{"items": []}"#)
        .on("DEVICE=", Reply::exit(0).out(said))
        .answer(|script| script.contains("os.id").then(|| Reply::exit(0).out(FACTS)))
        .on("OWNER=", Reply::exit(0));
    let (_, events) = World::new(vec![networks, proof]).on("one", vec![one]).run();
    let outcome = events.iter().find_map(|event| match &event.what {
        What::StepEnded { step, outcome } if step.as_str() == "cluster/overlay@one" => {
            Some(outcome.clone())
        }
        _ => None,
    });
    let proofs = events
        .iter()
        .filter(|event| matches!(event.what, What::Proved { .. }));
    (outcome.unwrap(), proofs.count())
}

#[test]
fn a_pods_network_that_cannot_be_tried_is_no_proof() {
    const RANGE: &str = "\"podCIDR\": \"198.18.1.0/24\"";
    const ANSWERS: &str = "reach=tried\nreach.link=0 reached\noverlay.device=vxlan\n\
                           overlay.way=198.18.1.0 via 198.18.1.0 dev flannel.1 src 198.18.0.0";
    assert_eq!(tried(RANGE, ANSWERS, None), (Outcome::Unchanged, 1));
    for (range, said, untried_because, why) in [
        (
            RANGE,
            ANSWERS,
            Some("flannel-backend is"),
            "flannel-backend is",
        ),
        (
            RANGE,
            "reach=tried\nreach.link=0 reached",
            None,
            "there is no flannel.1",
        ),
        ("", ANSWERS, None, "two has no network for pods"),
        (
            RANGE,
            "overlay.device=vxlan\noverlay.way=198.18.1.0 via 192.0.2.2 dev eth0\nreach=tried\n\
             reach.link=0 reached",
            None,
            "two: it is reached directly",
        ),
    ] {
        let (outcome, proofs) = tried(range, said, untried_because);
        let Outcome::Warned { why: told } = outcome else {
            panic!("{outcome:?}");
        };
        assert!(told.starts_with(&format!("not tested: {why}")), "{told}");
        assert_eq!(proofs, 0);
    }
}
