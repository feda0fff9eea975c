//! The plain frontend on scripted input: the transcript contains the input, as a terminal shows it.

use std::io::{BufReader, Read};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crossbeam_channel::{Receiver, unbounded};

use super::echo::Shown;
use super::run::Wish;
use super::text::help as say_help;
use super::*;
use crate::address::Endpoint;
use crate::answers::{Answers, Role};
use crate::engine::tests::decisions::{attended, fails_once};
use crate::engine::tests::{World, host, step};
use crate::events::estimate::EarlierRuns;
use crate::events::feed::{self, RunNews};
use crate::events::{Abort, End, Event};
use crate::plan::{Phase, Task, Work};
use crate::remote::scripted::Reply;
use crate::report::lines::{Context, Lines};

#[derive(Clone, Default)]
struct PlainWalk(Arc<Mutex<Vec<u8>>>);

impl PlainWalk {
    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn text(&self) -> String {
        String::from_utf8(self.bytes().clone()).expect("text")
    }
}

impl Write for PlainWalk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Shows what is read from it, a line at a time.
struct TypedLines {
    rest: &'static [u8],
    shown: PlainWalk,
}

impl Read for TypedLines {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let line = self.rest.iter().position(|byte| *byte == b'\n');
        let line = line.map_or(self.rest.len(), |end| end + 1);
        let (line, rest) = self.rest.split_at(line.min(into.len()));
        into[..line.len()].copy_from_slice(line);
        self.shown.bytes().extend_from_slice(line);
        self.rest = rest;
        Ok(line.len())
    }
}

fn walk(typed: &'static str, found: Found, root: Option<PathBuf>) -> (Walk, PlainWalk) {
    let transcript = PlainWalk::default();
    let input = BufReader::new(TypedLines {
        rest: typed.as_bytes(),
        shown: transcript.clone(),
    });
    let console = Console::new(input, transcript.clone(), Box::new(Shown), None, || None);
    let walk = Walk::new(console.expect("a thread"), found, root);
    (walk, transcript)
}

/// Walks until nothing more is typed.
fn walked(typed: &'static str, found: Found) -> (Walk, String) {
    let (mut walk, transcript) = walk(typed, found, None);
    // That has a snapshot of its own.
    walk.greeted = true;
    assert_eq!(walk.walk(), 0);
    let text = transcript.text();
    assert!(!text.contains('\u{1b}'));
    (walk, text)
}

fn hosts_are_added_and_what_is_wrong_is_asked_again() -> String {
    let typed = "1\nlab\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n1\n\
        Db One\n?\ndb\npostgres\nback\n\n10.0.0.5\nnowhere\n\nkay\nssh\n99999\n2222\n\n\n\n\n\n\n\n\n\n\
        2\nserver-1 10.0.0.11\n10.0.0.12 server-2\nlb 10.0.0.2\n\n\
        3\n4\n-\n\nback\nback\n\
        4\n2\nmaybe\nyes\n5\n2\n9\nback\n2\nno\n1\nback\nquit\n";
    let (walk, text) = walked(typed, Found::default());
    let hosts = walk.interview.answers.hosts.iter();
    let hosts: Vec<_> = hosts
        .map(|host| (host.name.as_str(), host.role()))
        .collect();
    assert_eq!(hosts.len(), 3);
    assert_eq!(hosts[0], ("server-2", Role::Server));
    text
}

/// One file, so that a sentence that is reworded changes one file. The screens' snapshots have what
/// they show, too.
#[test]
fn transcripts() {
    let walks = [
        ("greeting", an_operator_is_greeted()),
        ("hosts", hosts_are_added_and_what_is_wrong_is_asked_again()),
        (
            "options",
            options_are_asked_for_and_the_review_leads_back_to_each(),
        ),
        (
            "unfinished",
            a_cluster_that_is_unfinished_comes_first_and_a_bad_file_is_told(),
        ),
        (
            "failed-step",
            a_failed_step_is_asked_about_and_tried_again(),
        ),
        ("held-phase", a_held_phase_says_what_it_will_do()),
    ];
    let all = walks.map(|(name, walk)| {
        let said = crate::interview::shared::named(&walk);
        format!("=== {name}\n{said}")
    });
    insta::assert_snapshot!(all.join("\n\n"));
}

/// At every list that the walk comes to, `?` is about that list.
#[test]
fn a_question_mark_explains_the_list_that_is_asked_about() {
    let help = [
        ("?\nquit\n", say_help::WELCOME),
        ("1\nback\n?\nquit\n", say_help::WELCOME),
        ("1\n?\nquit\n", "Names the cluster"),
    ];
    for (typed, wanted) in help {
        let (_, text) = walked(typed, Found::default());
        assert!(joined(&text).contains(wanted), "{typed:?}: {text}");
    }
    let answers = Answers::from_toml(crate::answers::example()).expect("valid");
    let drafted = || Found {
        draft: Some(answers.clone()),
        ..Found::default()
    };
    for (typed, wanted) in [
        ("1\n?\nquit\n", say_help::HOSTS),
        ("1\n3\n?\nquit\n", say_help::WHICH_HOST),
        ("1\n4\n1\n?\nquit\n", text::REMOVE_HELP),
        ("2\n?\nquit\n", text::START_ANEW_HELP),
    ] {
        let (_, text) = walked(typed, drafted());
        assert!(joined(&text).contains(wanted), "{typed:?}: {text}");
    }
    let known = offers::Known {
        name: "prod".into(),
        answers: answers.clone(),
        story: "done".into(),
        unfinished: true,
        is_installed: true,
    };
    let found = Found {
        clusters: vec![known],
        ..Found::default()
    };
    let (_, text) = walked("1\n?\nquit\n", found);
    assert!(joined(&text).contains(say_help::REVIEW), "{text}");
    let world = attended(vec![step("a", "h", &[])]).on("h", vec![fails_once("a")]);
    let (_, _, text) = followed(world, "?\nquit\n");
    assert!(joined(&text).contains(say_help::FAILED), "{text}");
}

/// Without the line ends of paragraphs.
fn joined(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_host_without_name_and_address_is_not_added() {
    let typed =
        "1\nlab\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n1\n\n\n\n\nkay\n\n\n\n\n\n\n\n\n\n\nquit\n";
    let (walk, text) = walked(typed, Found::default());
    let said = "No host was added: a host needs a name and an address.";
    assert!(text.contains(said), "{text}");
    assert_eq!(walk.interview.answers.hosts.len(), 0);
}

fn options_are_asked_for_and_the_review_leads_back_to_each() -> String {
    let answers = Answers::from_toml(crate::answers::example()).expect("valid");
    let found = Found {
        draft: Some(answers.clone()),
        ..Found::default()
    };
    // The draft: back from its hosts, and on; then Enter to the review, except for a few fields.
    let typed = "1\nback\n\
        Not a name\nprod\n\n\n\n\n\n\n\naccept\n2\n\n\n\n\n\n\n\n\n\n\
        6\n\
        \n\n\nnine\n5433\n\n\n\n\
        \nshort\na-token-of-22-letters-0\n\ncluster-cidr = \"10.1.0.0/16\"\ndisable = [\"traefik\"]\n\n\n\n\n\n\n\n\n\
        \n\n\n\n\
        \n\n\
        4\nback\n4\nshop\nback\n\n=save\n\n\n\n\n\n12\nback\n3\nquit\n";
    let (walk, text) = walked(typed, found);
    let answers = &walk.interview.answers;
    assert_eq!(answers.cluster.name, "prod");
    assert_eq!(answers.postgres.port, 5433);
    let asked = (&*answers.postgres.database, &*answers.postgres.user);
    assert_eq!(asked, ("shop", "save"));
    assert_eq!(answers.k3s.server_config.len(), 2);
    text
}

fn a_cluster_that_is_unfinished_comes_first_and_a_bad_file_is_told() -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("answers.toml");
    std::fs::write(&file, "[cluster]\nnane = \"x\"\n").expect("written");
    let known = offers::Known {
        name: "prod".into(),
        answers: Answers::from_toml(crate::answers::example()).expect("valid"),
        story: "failed, started 2026-11-24T21:54:40Z, 3 changes".into(),
        unfinished: true,
        is_installed: true,
    };
    let found = Found {
        clusters: vec![known],
        ..Found::default()
    };
    let path: &'static str = format!("nothing\n4\n3\n{}\nback\n\nquit\n", file.display()).leak();
    let (_, text) = walked(path, found);
    text.replace(&folder.path().display().to_string(), "FOLDER")
}

fn an_operator_is_greeted() -> String {
    let found = Found {
        needs_tmux: true,
        trouble: Some("The state folder cannot be read.".into()),
        ..Found::default()
    };
    let (mut walk, transcript) = walk("quit\n", found, None);
    assert_eq!(walk.walk(), 0);
    transcript.text()
}

#[test]
fn a_draft_is_kept_after_every_answer() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("state");
    let (mut walk, transcript) = walk("1\ndb\n", Found::default(), Some(root.clone()));
    assert_eq!(walk.hosts(), Err(NoAnswer::Gone(Gone::End)));
    let draft = drafts::load(&root).unwrap_or_else(|| panic!("none: {}", transcript.text()));
    assert_eq!(draft.hosts[0].name, "db");
}

/// A run of this world, followed by the plain frontend with this input.
fn followed(world: World, typed: &'static str) -> (End, Wish, String) {
    let (mut walk, transcript) = walk(typed, Found::default(), None);
    let (end, wish) = follow(&mut walk, world);
    (end, wish, transcript.text())
}

fn follow(walk: &mut Walk, world: World) -> (End, Wish) {
    let context = Context {
        log: "run.jsonl".into(),
        kubeconfig: Some("kubeconfig".into()),
        again: text::AGAIN.into(),
        next: Vec::new(),
        verbose: false,
        earlier: EarlierRuns::default(),
        width: None,
    };
    // The lines of a run have snapshots of their own: here are the questions.
    let (elsewhere, _) = super::tests::walk("", Found::default(), None);
    let mut lines = Lines::new(elsewhere.console.out(), context);
    let (reader, inbox) = unbounded();
    let mut sink = feed::sink(reader);
    let control = world.control.clone();
    let outline = world.plan.outline();
    // As a session begins a run, and without the time that it takes.
    sink(&Event {
        seq: 0,
        at: 0,
        what: crate::events::What::Started {
            format: crate::events::FORMAT,
            run: "20261124T215440Z-3f2a".into(),
            when: "2026-11-24T21:54:40Z".into(),
            operator: "root@jump".into(),
            version: "0.1.0".into(),
            plan: outline,
        },
    });
    let running = std::thread::spawn(move || {
        let timeless = move |_: &Control, event: &Event| {
            sink(&Event {
                at: 0,
                ..event.clone()
            });
        };
        world.run_with(timeless).0
    });
    let mut wish = Wish::ToTheEnd;
    for news in inbox {
        let RunNews::Event(event) = news else {
            continue;
        };
        let wished = walk.happened(&event, &control, &mut lines, &[]);
        wish = wished.unwrap_or(wish);
    }
    let end = running.join().expect("an end");
    (end, wish)
}

/// No input, until the other end is dropped.
struct Nobody(Receiver<()>);

impl Read for Nobody {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        let _ = self.0.recv();
        Ok(0)
    }
}

#[test]
fn a_signal_ends_a_run_that_waits_for_a_word() {
    let (_typist, nobody) = unbounded();
    let (signal, signals) = unbounded();
    let (input, shown) = (BufReader::new(Nobody(nobody)), PlainWalk::default());
    let console = Console::new(
        input,
        shown.clone(),
        Box::new(Shown),
        Some(&signals),
        || None,
    );
    let mut walk = Walk::new(console.expect("a thread"), Found::default(), None);
    let world = attended(vec![step("a", "h", &[])]).on("h", vec![fails_once("a")]);
    let control = world.control.clone();
    let watching = std::thread::spawn(move || {
        while !shown.text().contains("Number [1]:") {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        control.abort(Abort::Soft, "SIGTERM");
        signal.send(15)
    });
    let (end, _) = follow(&mut walk, world);
    let why = "SIGTERM".to_owned();
    assert_eq!(end, End::Aborted { why });
    watching.join().expect("an end").expect("heard");
}

fn a_failed_step_is_asked_about_and_tried_again() -> String {
    let steps = vec![step("a", "h", &[]), step("b", "h", &[("a", "h")])];
    let one = fails_once("a").on("\nb\n", Reply::exit(0));
    let (end, wish, text) = followed(attended(steps).on("h", vec![one]), "back\n7\n?\n1\n");
    assert_eq!((end, wish), (End::Done, Wish::ToTheEnd));
    text
}

#[test]
fn a_run_is_stopped_at_a_failed_step_also_by_the_end_of_the_input() {
    for typed in ["4\n", "quit\n", ""] {
        let steps = vec![step("a", "h", &[])];
        let world = attended(steps).on("h", vec![fails_once("a")]);
        let (end, wish, text) = followed(world, typed);
        assert!(matches!(end, End::Aborted { .. }), "{text}");
        assert_eq!(wish, Wish::Stop);
    }
    let world = attended(vec![step("a", "h", &[])]).on("h", vec![fails_once("a")]);
    let (end, wish, _) = followed(world, "3\n");
    assert!(matches!(end, End::Aborted { .. }));
    assert_eq!(wish, Wish::Edit);
}

#[test]
fn only_what_looks_may_be_left_out() {
    let mut looks = step("a", "h", &[]);
    looks.work = Work::Task(Task::ProveEndpoint {
        at: Endpoint::parse("192.0.2.1", 6443).unwrap(),
    });
    let looks = looks.skippable();
    let steps = vec![looks, step("b", "h", &[("a", "h")])];
    let world = attended(steps).on("h", vec![host("h", 1).on("\nb\n", Reply::exit(0))]);
    let (end, _, text) = followed(world, "2\n");
    assert_eq!(end, End::Done, "{text}");
    assert!(text.contains("2. Skip: "), "{text}");

    let steps = vec![step("a", "h", &[]), step("b", "h", &[("a", "h")])];
    let world = attended(steps).on("h", vec![fails_once("a")]);
    let (end, _, text) = followed(world, "2\n");
    assert_eq!(end, End::Failed, "{text}");
    assert!(text.contains("2. Continue without it: "), "{text}");
    assert!(
        text.contains("1 step will be skipped without it."),
        "{text}"
    );
}

fn a_held_phase_says_what_it_will_do() -> String {
    let mut world = attended(vec![step("a", "h", &[])]);
    world.plan.phases[0].id = "postgres";
    for id in ["certificates", "cluster"] {
        world.plan.phases.push(Phase {
            id,
            title: "Next",
            steps: vec![step(id, "h", &[("a", "h")])],
        });
    }
    world.control.let_begin(Some(0));
    let one = host("h", 1)
        .on("\na\n", Reply::exit(0))
        .on("\ncertificates\n", Reply::exit(0))
        .on("\ncluster\n", Reply::exit(0));
    let (end, wish, text) = followed(world.on("h", vec![one]), "?\n\nback\n2\n");
    assert_eq!((end, wish), (End::Done, Wish::ToTheEnd));
    text
}
