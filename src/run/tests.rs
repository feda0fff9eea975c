mod repeats;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::*;
use crate::answers::{Answers, Host};
use crate::engine::tests::{connects, step};
use crate::events::{Abort, What, log};
use crate::frontends::Output;
use crate::frontends::printed::Printed;
use crate::plan::{Phase, Plan, Step};
use crate::remote::Scripted;
use crate::remote::scripted::{Reply, Transcript};
use crate::state::{Applied, Folder, LastRun, State, complete_secrets};
use crate::steps::StepError;

const ANSWERS: &str = r#"
cluster.name = "lab"
ssh.user = "root"
ssh.config = "none"
[[hosts]]
name = "pg"
role = "postgres"
address = "198.51.100.11"
[[hosts]]
name = "s1"
role = "server"
address = "198.51.100.12"
[[hosts]]
name = "lb"
role = "load-balancer"
address = "198.51.100.13"
"#;

/// What a bare Debian says of itself.
fn facts(host: &Host) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let (now, name, address) = (now.as_secs_f64(), &host.name, &host.address);
    format!(
        "lease taken\nclock={now}\nos.id=debian\nos.name=Debian GNU/Linux 12 (bookworm)\n\
         arch=x86_64\nhostname={name}\nmachine-id=machine-{name}\nsystemd=yes\ncpus=2\n\
         memory-kib=4194304\ndisk=20000000 40000000 /\naddresses=127.0.0.1 {address}\n\
         ports=seen\ncgroup=v2 cpuset cpu io memory pids\n"
    )
}

pub(crate) fn bare(host: &Host) -> Scripted {
    let facts = facts(host);
    saying(host, move || facts.clone())
}

/// A host with these facts, which may differ from one look to the next.
fn saying(host: &Host, facts: impl Fn() -> String + Send + 'static) -> Scripted {
    let links = (0..20).map(|number| format!("reach.link={number} reached\n"));
    let links: String = links.collect();
    let around = format!("packages=reached\ndownload.good=yes\nreach=tried\n{links}");
    Scripted::new(&host.name)
        .answer(move |script| {
            script
                .contains("os.id")
                .then(|| Reply::exit(0).out(&facts()))
        })
        .on("LISTENER=", Reply::exit(0).out("listen=opened"))
        .on("reach.link=", Reply::exit(0).out(&around))
        .on("PATIENCE=", Reply::exit(0).out("lease taken"))
}

/// A cluster on hosts in memory, whose state is in a folder of its own.
pub(crate) struct ClusterWorld {
    root: tempfile::TempDir,
    pub(crate) told: BTreeMap<String, Transcript>,
}

impl ClusterWorld {
    pub(crate) fn new() -> Self {
        Self {
            root: tempfile::tempdir().unwrap(),
            told: BTreeMap::new(),
        }
    }

    pub(crate) fn open(&mut self, purpose: Purpose, host: impl Fn(&Host) -> Scripted) -> Opened {
        let answers = Answers::from_toml(ANSWERS).unwrap();
        let root = Some(self.root.path().to_owned());
        let mut opened = Opened::open(answers, root, purpose, &Tried::default()).unwrap();
        opened.connectors.clear();
        for host_of in &opened.answers.hosts {
            let scripted = host(host_of).on("", Reply::exit(0));
            self.told.insert(host_of.name.clone(), scripted.told());
            let connector = connects(&host_of.name, vec![scripted]);
            opened.connectors.push(connector);
        }
        opened
    }

    /// How often the lease of a host was given back.
    fn given_back(&self, host: &str) -> usize {
        let scripts = self.told[host].scripts().into_iter();
        let gives = |script: &String| script.contains("OWNER=") && !script.contains("PATIENCE=");
        scripts.filter(gives).count()
    }

    fn all_given_back(&self) -> bool {
        self.told.keys().all(|host| self.given_back(host) == 1)
    }

    fn folder(&self) -> Folder {
        Folder::open(Some(self.root.path().to_owned()), "lab").unwrap()
    }

    fn state(&self) -> State {
        self.folder().state().unwrap().unwrap()
    }

    /// The state of an earlier run, of a cluster with another host.
    fn with_state(self) -> (Self, Answers) {
        let mut old = Answers::from_toml(ANSWERS).unwrap();
        old.hosts[1].address = "198.51.100.99".into();
        let mut state = State::new(&old).unwrap();
        state.last_run = Some(LastRun {
            run: "20261124T215440Z-3f2a".into(),
            when: "2026-11-24T21:54:40Z".into(),
            end: Some(End::Failed),
        });
        let folder = self.folder();
        folder.save(&state).unwrap();
        // A run leaves its secrets, too.
        let secrets = complete_secrets(None, &old, false, str::to_uppercase);
        folder.save_secrets(&secrets.unwrap()).unwrap();
        (self, old)
    }
}

/// Records what it receives.
pub(crate) struct Noting<F> {
    pub(crate) notes: Vec<String>,
    plans: F,
}

impl<F: FnMut(&Planned) -> Proceed> Noting<F> {
    pub(crate) fn new(plans: F) -> Self {
        let notes = Vec::new();
        Self { notes, plans }
    }
}

impl<F: FnMut(&Planned) -> Proceed> Frontend for Noting<F> {
    fn reached(&mut self, host: &str, _: &str) {
        self.notes.push(format!("reached {host}"));
        self.notes.sort();
    }

    fn checked(&mut self, grid: &Grid, _: &[(Link, Contact)]) {
        self.notes.push(format!("passes: {}", grid.passes()));
    }

    fn planned(&mut self, planned: &Planned) -> Proceed {
        self.notes.push("planned".into());
        (self.plans)(planned)
    }

    fn event(&mut self, event: &Event) {
        if let What::Ended { end } = &event.what {
            self.notes.push(format!("{end:?}"));
        }
    }

    fn log_lost(&mut self, why: &io::Error) {
        self.notes.push(why.to_string());
    }
}

fn leaves(_: &Planned) -> Proceed {
    Proceed::Leave
}

#[test]
fn a_plan_that_is_left_changes_nothing() {
    let (mut world, old) = ClusterWorld::new().with_state();
    let opened = world.open(Purpose::Run, bare);
    let mut frontend = Noting::new(leaves);
    let ended = carry_out(opened, &Reach::All, &Control::default(), &mut frontend);
    assert!(matches!(ended, Ok(None)), "{ended:?}");
    assert_eq!(
        frontend.notes,
        [
            "reached lb",
            "reached pg",
            "reached s1",
            "passes: true",
            "planned"
        ]
    );
    assert!(world.all_given_back());
    assert_eq!(world.state().answers, old);
}

#[test]
fn secrets_are_on_the_disk_before_anything_happens_on_a_host() {
    let mut world = ClusterWorld::new();
    let opened = world.open(Purpose::Run, bare);
    assert!(world.folder().secrets().unwrap().is_some());
    assert!(world.told.values().all(|told| told.scripts().is_empty()));
    drop(opened);
}

#[test]
fn a_look_takes_no_lease() {
    let mut world = ClusterWorld::new();
    let opened = world.open(Purpose::Look, bare);
    let mut frontend = Noting::new(leaves);
    carry_out(opened, &Reach::All, &Control::default(), &mut frontend).unwrap();
    for told in world.told.values() {
        assert_eq!(told.count("OWNER="), 0);
    }
}

#[test]
fn a_preflight_that_fails_gives_the_leases_back_and_keeps_the_old_answers() {
    let (mut world, old) = ClusterWorld::new().with_state();
    let opened = world.open(Purpose::Run, |host| {
        let facts = facts(host).replace("systemd=yes\n", "");
        let answers =
            move |script: &str| script.contains("os.id").then(|| Reply::exit(0).out(&facts));
        Scripted::new(&host.name).answer(answers)
    });
    let mut frontend = Noting::new(leaves);
    let ended = carry_out(opened, &Reach::All, &Control::default(), &mut frontend);
    assert!(matches!(ended, Err(RunError::Unfit)), "{ended:?}");
    assert_eq!(frontend.notes.last().unwrap(), "passes: false");
    assert!(world.all_given_back());
    assert_eq!(world.state().answers, old);
}

#[test]
fn a_host_that_is_not_reached_gives_the_leases_of_the_others_back() {
    let mut world = ClusterWorld::new();
    let opened = world.open(Purpose::Run, |host| match &*host.name {
        "s1" => Scripted::new("s1").on("os.id", Reply::lost()),
        _ => bare(host),
    });
    let mut frontend = Noting::new(leaves);
    let ended = carry_out(opened, &Reach::All, &Control::default(), &mut frontend);
    assert_eq!(exit::code(&ended), exit::UNSEEN);
    assert_eq!((world.given_back("pg"), world.given_back("lb")), (1, 1));
}

#[test]
fn what_cannot_be_planned_gives_the_leases_back() {
    let mut world = ClusterWorld::new();
    let opened = world.open(Purpose::Run, bare);
    let reached = opened.reach(&Reach::All, &Control::default(), &|_| {});
    let mut checked = reached.unwrap().check();
    checked.hosts[0].platform = None;
    let planned = checked.plan().map(drop);
    assert!(matches!(
        planned,
        Err(RunError::Steps(StepError::NoFacts(_)))
    ));
    assert!(world.all_given_back());
}

#[test]
fn a_state_that_cannot_be_written_gives_the_leases_back() {
    let mut world = ClusterWorld::new();
    let opened = world.open(Purpose::Run, bare);
    let path = world.folder().path().join("state.json");
    let mut frontend = Noting::new(|_: &Planned| {
        std::fs::write(&path, "{").unwrap();
        Proceed::Go
    });
    let ended = carry_out(opened, &Reach::All, &Control::default(), &mut frontend);
    assert!(matches!(ended, Err(RunError::State(_))), "{ended:?}");
    assert!(world.all_given_back());
}

#[test]
fn a_frontend_that_panics_gives_the_leases_back() {
    let mut world = ClusterWorld::new();
    let opened = world.open(Purpose::Run, bare);
    let mut frontend = Noting::new(|_: &Planned| panic!("on purpose"));
    let control = Control::default();
    let run = AssertUnwindSafe(|| carry_out(opened, &Reach::All, &control, &mut frontend));
    assert!(catch_unwind(run).is_err());
    assert!(world.all_given_back());
}

#[test]
fn what_is_aborted_before_it_began_begins_nothing() {
    let mut world = ClusterWorld::new();
    let opened = world.open(Purpose::Run, bare);
    let control = Control::default();
    let mut frontend = Noting::new(|_: &Planned| {
        control.abort(Abort::Hard, "SIGTERM");
        Proceed::Go
    });
    let ended = carry_out(opened, &Reach::All, &control, &mut frontend);
    assert_eq!(exit::code(&ended), 143);
    assert!(world.all_given_back());
    assert_eq!(world.state().last_run, None);
}

#[test]
fn a_run_reaches_the_hosts_that_it_needs_and_no_other() {
    let mut world = ClusterWorld::new();
    let opened = world.open(Purpose::Run, |host| match &*host.name {
        // It is dead.
        "s1" => Scripted::new("s1").on("os.id", Reply::lost()),
        _ => bare(host),
    });
    let needed = Reach::Needed(["pg", "lb"].map(str::to_owned).into());
    let reached = opened.reach(&needed, &Control::default(), &|_| {});
    let names: Vec<_> = reached
        .unwrap()
        .check()
        .hosts
        .iter()
        .map(|host| host.name.clone())
        .collect();
    assert_eq!(names, ["pg", "lb"]);
    assert_eq!(world.told["s1"].scripts(), Vec::<String>::new());
}

/// A plan of these steps in the place of the installation's.
pub(super) fn planned(opened: Opened, steps: Vec<Step>) -> Planned {
    let reached = opened.reach(&Reach::All, &Control::default(), &|_| {});
    let planned = reached.unwrap().check().plan().unwrap();
    let phase = Phase {
        id: "all",
        title: "All",
        steps,
    };
    Planned {
        plan: Plan {
            procedure: "install",
            cluster: "lab".into(),
            phases: vec![phase],
        },
        ..planned
    }
}

#[test]
fn what_a_run_does_not_change_is_refused_until_it_is_taken_over() {
    let world = ClusterWorld::new();
    let mut old = Answers::from_toml(ANSWERS).unwrap();
    old.k3s.version = "v1.35.0+k3s1".into();
    let mut state = State::new(&old).unwrap();
    state.applied = Some(Applied {
        run: "20261124T215440Z-3f2a".into(),
        when: "2026-11-24T21:54:40Z".into(),
        answers: old.without_secrets(),
        marks: None,
    });
    world.folder().save(&state).unwrap();
    let open = |purpose| {
        let answers = Answers::from_toml(ANSWERS).unwrap();
        let root = Some(world.root.path().to_owned());
        Opened::open(answers, root, purpose, &Tried::default())
    };
    for purpose in [Purpose::Run, Purpose::Look, Purpose::Compare] {
        let Err(RunError::Refused(refused)) = open(purpose) else {
            panic!("{purpose:?}");
        };
        assert_eq!(refused.len(), 1, "{refused:?}");
        assert!(refused[0].what.starts_with("k3s.version: "), "{refused:?}");
    }
    assert_eq!(world.folder().secrets().unwrap(), None);
    // A new token would be that of no server.
    let Err(RunError::Secrets(lost)) = open(Purpose::TakeOver) else {
        panic!("its secrets are lost");
    };
    assert!(lost.to_string().contains("restore it"), "{lost}");
    let secrets = crate::state::complete_secrets(None, &old, false, |_| String::new());
    world.folder().save_secrets(&secrets.unwrap()).unwrap();
    let taken_over = open(Purpose::TakeOver).unwrap();
    assert_eq!(taken_over.differences.len(), 1);
    assert!(world.folder().lock().is_err(), "another run may begin");
}

#[test]
fn what_is_applied_is_kept_only_when_the_run_was_done() {
    let (mut world, old) = ClusterWorld::new().with_state();
    let new = Answers::from_toml(ANSWERS).unwrap();
    for (status, end) in [(44, End::Failed), (0, End::Done), (44, End::Failed)] {
        let opened = world.open(Purpose::Run, |host| {
            bare(host).on("\na\ndrive\n", Reply::exit(status).err("no"))
        });
        let planned = planned(opened, vec![step("a", "pg", &[])]);
        let before = world.state().applied;
        let mut frontend = Noting::new(leaves);
        let ended = planned.carry_out(&Control::default(), &mut frontend);
        assert_eq!(ended.unwrap(), end);
        assert_eq!(frontend.notes, [format!("{end:?}")]);
        let state = world.state();
        assert_eq!(state.last_run.unwrap().end, Some(end.clone()));
        assert_eq!(state.answers, new.without_secrets());
        match (end, state.applied) {
            (End::Done, Some(applied)) => {
                assert_eq!(applied.answers, new.without_secrets());
                assert_ne!(applied.answers, old);
                let marks = applied.marks.unwrap();
                assert_eq!((marks.token.len(), marks.agent_token.len()), (12, 12));
                let names: Vec<_> = marks.serials.keys().collect();
                assert_eq!(names, ["ca", "postgres-pg", "server-s1"]);
            }
            (_, applied) => assert_eq!(applied, before),
        }
    }
}

#[test]
fn what_a_cluster_cannot_become_is_refused_before_a_host_is_reached() {
    let mut world = ClusterWorld::new();
    let opened = world.open(Purpose::Run, |host| {
        bare(host).on("\na\ndrive\n", Reply::exit(0))
    });
    let mut frontend = Noting::new(leaves);
    let planned = planned(opened, vec![step("a", "pg", &[])]);
    planned
        .carry_out(&Control::default(), &mut frontend)
        .unwrap();
    let before = world.state();
    let open = |change: fn(&mut Answers)| {
        let mut answers = Answers::from_toml(ANSWERS).unwrap();
        change(&mut answers);
        let root = Some(world.root.path().to_owned());
        Opened::open(answers, root, Purpose::Run, &Tried::default())
    };
    let refused = open(|answers| answers.k3s.version = "v1.37.0+k3s1".into()).map(drop);
    let refused = refused.unwrap_err();
    assert!(refused.to_string().contains("k3s.version"), "{refused}");
    assert!(
        refused.to_string().ends_with("Nothing was changed."),
        "{refused}"
    );
    assert_eq!(exit::of_error(&refused), exit::USAGE);
    assert_eq!(world.state(), before);
    // Changes that restart nodes are reported and carried out.
    let opened = open(|answers| answers.k3s.tls_san.push("k3s.example".into())).unwrap();
    assert_eq!(opened.differences.len(), 1);
}

#[test]
fn certificates_that_are_new_are_told() {
    let mut world = ClusterWorld::new();
    let opened = world.open(Purpose::Run, bare);
    let planned = planned(opened, Vec::new());
    let log = planned.context(String::new(), false).log;
    let mut frontend = Noting::new(leaves);
    planned
        .carry_out(&Control::default(), &mut frontend)
        .unwrap();
    let events = log::read(&log).unwrap();
    let told = events.iter().filter_map(|event| match &event.what {
        What::Renewed { certificate, why } => Some(format!("{certificate}: {why}")),
        _ => None,
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            "certificate authority: created",
            "certificate of Postgres on pg: created",
            "client certificate of s1: created"
        ]
    );
}

/// An output whose reader waits for a signal before it reads.
#[derive(Clone, Default)]
struct Stopped(Arc<(Mutex<StalledReader>, Condvar)>);

#[derive(Default)]
struct StalledReader {
    reads: bool,
    bytes: Vec<u8>,
}

impl Stopped {
    fn reads(&self) {
        self.0.0.lock().unwrap().reads = true;
        self.0.1.notify_all();
    }

    fn bytes(&self) -> Vec<u8> {
        self.0.0.lock().unwrap().bytes.clone()
    }
}

impl Write for Stopped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let reader = self.0.0.lock().unwrap();
        let mut reader = self.0.1.wait_while(reader, |reader| !reader.reads).unwrap();
        reader.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn wait_until(path: &Path, what: impl Fn() -> bool) {
    let begun = Instant::now();
    while !what() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "{}",
            path.display()
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_reader_that_stops_reading_stops_no_run_and_misses_nothing_but_output() {
    const LINES: usize = 40_000;
    let mut world = ClusterWorld::new();
    let opened = world.open(Purpose::Run, |host| {
        let flood = "a line\n".repeat(LINES);
        bare(host).on("\na\ndrive\n", Reply::exit(0).out(&flood))
    });
    let steps = vec![step("a", "pg", &[]), step("b", "s1", &[("a", "pg")])];
    let planned = planned(opened, steps);
    let log = planned.context(String::new(), false).log;
    let out = Stopped::default();
    let stdout = || out.clone();
    std::thread::scope(|scope| {
        let running = scope.spawn(|| {
            let again = String::new();
            let err = io::sink();
            let mut json = Printed::new(Output::Json, false, again, None, &stdout, err, &|| {});
            assert_eq!(json.planned(&planned), Proceed::Go);
            planned.carry_out(&Control::default(), &mut json)
        });
        // Though nothing was read of it.
        wait_until(&log, || {
            let last = world.state().last_run;
            last.is_some_and(|run| run.end == Some(End::Done)) && world.all_given_back()
        });
        assert!(out.bytes().is_empty());
        out.reads();
        assert_eq!(running.join().unwrap().unwrap(), End::Done);
    });
    let text = String::from_utf8(out.bytes()).unwrap();
    let schema = crate::report::schema::tests::validator(crate::report::schema::EVENT);
    for line in text.lines() {
        let event = serde_json::from_str(line).unwrap();
        assert!(schema.is_valid(&event), "{event}");
    }
    let read: Vec<Event> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let all = log::read(&log).unwrap();
    let missed = read.iter().filter_map(|event| match event.what {
        What::Missed { lines } => Some(lines),
        _ => None,
    });
    let missed: u64 = missed.sum();
    assert!(missed > 0);
    let is_output = |event: &&Event| matches!(event.what, What::Output { .. });
    let outputs = |events: &[Event]| events.iter().filter(is_output).count() as u64;
    assert_eq!(outputs(&all), LINES as u64);
    assert_eq!(outputs(&read) + missed, LINES as u64);
    let others = |events: &[Event]| -> Vec<Event> {
        let missed = |event: &&Event| matches!(event.what, What::Missed { .. });
        let others = events
            .iter()
            .filter(|event| !is_output(event) && !missed(event));
        others.cloned().collect()
    };
    assert_eq!(others(&read), others(&all));
}

#[test]
fn what_is_shown_of_a_plan_has_no_secret() {
    let mut world = ClusterWorld::new();
    let opened = world.open(Purpose::Look, bare);
    let password = opened.secrets.db_password.expose().to_owned();
    let mut leaks = step("leaks", "s1", &[]);
    leaks.title = format!("with {password}");
    let planned = planned(opened, vec![leaks]);
    let redactor = planned.redactor();
    let text = redactor.text(&planned.plan().to_string()).into_owned();
    assert!(
        text.contains("with [secret]") && !text.contains(&password),
        "{text}"
    );
}
