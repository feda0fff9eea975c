use proptest::prelude::*;

use super::*;
use crate::events::Failure;
use crate::events::fixtures;
use crate::events::fixtures::{Tape, outline, step};

fn status(progress: &Progress, step: &str) -> Status {
    progress.step(&fixtures::id(step)).unwrap().status.clone()
}

fn small() -> Tape {
    Tape::new(outline(&[
        (
            "postgres",
            &[step("install@db", &[]), step("role@db", &["install@db"])],
        ),
        ("server-1", &[step("start@s1", &["role@db"])]),
    ]))
}

#[test]
fn steps_and_phases_go_through_their_states() {
    let mut tape = small();
    let mut progress = tape.progress();
    assert_eq!(progress.counts().not_started, 3);
    assert_eq!(progress.run.as_ref().unwrap().cluster, "made-up");
    assert_eq!(progress.hosts(), ["db", "s1"]);
    let phase =
        |progress: &Progress, number: usize| progress.phase_status(&progress.phases[number]);
    assert_eq!(phase(&progress, 0), PhaseStatus::NotStarted);

    tape.at(10).started("install@db").applies("install@db");
    progress = tape.progress();
    let running = Status::Running {
        since: 10,
        attempt: 1,
        applying: true,
    };
    assert_eq!(status(&progress, "install@db"), running);
    assert_eq!(phase(&progress, 0), PhaseStatus::Running);

    tape.at(50).ended("install@db", Outcome::Done);
    progress = tape.progress();
    let done = Status::Ended {
        outcome: Outcome::Done,
        took: 40,
    };
    assert_eq!(status(&progress, "install@db"), done);
    assert_eq!(phase(&progress, 0), PhaseStatus::Running);

    let failure = Outcome::Failed(Failure {
        why: "no".into(),
        status: Some(1),
        last_lines: vec![],
        hint: None,
    });
    let wont_run = Outcome::WontRun {
        because: "role@db failed".into(),
    };
    tape.at(60).started("role@db");
    tape.at(70).ended("role@db", failure);
    tape.at(70).ended("start@s1", wont_run.clone());
    progress = tape.progress();
    assert_eq!(phase(&progress, 0), PhaseStatus::Failed);
    assert_eq!(phase(&progress, 1), PhaseStatus::WontRun);
    let never = Status::Ended {
        outcome: wont_run,
        took: 0,
    };
    assert_eq!(status(&progress, "start@s1"), never);
    let counts = progress.counts();
    assert_eq!((counts.done, counts.failed, counts.wont_run), (1, 1, 1));
    assert_eq!(counts.total, 3);
}

#[test]
fn a_second_attempt_replaces_the_first() {
    let mut tape = small();
    tape.at(5).started("role@db").proved("role@db", "a", false);
    tape.at(9)
        .started_again("role@db", 2)
        .proved("role@db", "a", true);
    let progress = tape.progress();
    let running = Status::Running {
        since: 9,
        attempt: 2,
        applying: false,
    };
    assert_eq!(status(&progress, "role@db"), running);
    assert_eq!(progress.proofs.len(), 1);
    assert!(progress.proofs[0].holds);
    let step = progress.step(&fixtures::id("role@db")).unwrap();
    assert_eq!((step.started, step.ended), (Some(5), None));
    assert_eq!(step.attempt, 2);
    let moment = progress.moment(9000).unwrap();
    assert_eq!(moment.to_hms(), (21, 54, 49));
}

#[test]
fn only_the_last_lines_are_kept() {
    let mut tape = small();
    for number in 0..50 {
        tape.at(number)
            .output("install@db", &format!("line {number}"));
    }
    let progress = tape.progress();
    let step = progress.step(&fixtures::id("install@db")).unwrap();
    assert_eq!(step.printed, 50);
    assert_eq!(step.lines.len(), KEPT_LINES);
    assert_eq!(step.lines.front().unwrap().text, "line 30");
    assert_eq!(step.lines.back().unwrap().text, "line 49");
}

#[test]
fn lost_connections_are_counted() {
    let mut tape = small();
    tape.connection("db", ConnectionState::Up);
    tape.at(7).connection("db", ConnectionState::Lost);
    tape.at(9).connection("db", ConnectionState::Up);
    let progress = tape.progress();
    let connection = &progress.connections["db"];
    assert_eq!(connection.state, ConnectionState::Up);
    assert_eq!((connection.since, connection.lost), (9, 1));

    // Each try that fails is told as lost.
    tape.at(10).started("install@db");
    tape.at(20).connection("db", ConnectionState::Lost);
    tape.at(30).connection("db", ConnectionState::Lost);
    let progress = tape.progress();
    assert_eq!(progress.connections["db"].lost, 2);
    let since = |step| progress.lost_since(progress.step(&fixtures::id(step)).unwrap());
    assert_eq!((since("install@db"), since("role@db")), (Some(20), None));
}

#[test]
fn steps_that_the_plan_does_not_have_are_ignored() {
    let mut tape = small();
    let before = tape.progress();
    tape.started("nowhere")
        .applies("nowhere")
        .output("nowhere", "x");
    tape.proved("nowhere", "a", true)
        .ended("nowhere", Outcome::Done);
    assert_eq!(tape.progress(), before);
}

proptest! {
    /// Also shows that no order of events is too strange.
    #[test]
    fn saved_loaded_and_folded_on_equals_the_whole(
        (events, cut) in fixtures::any_events()
            .prop_flat_map(|events| (Just(events.clone()), 0..=events.len())),
    ) {
        let mut whole = Progress::keeping(3);
        let mut halves = whole.clone();
        for event in &events {
            whole.add(event);
        }
        for event in &events[..cut] {
            halves.add(event);
        }
        let saved = serde_json::to_string(&halves).unwrap();
        let mut halves: Progress = serde_json::from_str(&saved).unwrap();
        for event in &events[cut..] {
            halves.add(event);
        }
        prop_assert_eq!(&halves, &whole);

        let counts = whole.counts();
        let sum = counts.not_started + counts.running + counts.done + counts.unchanged
            + counts.warned + counts.skipped + counts.failed + counts.wont_run;
        prop_assert_eq!(sum, counts.total);
        for phase in &whole.phases {
            whole.phase_status(phase);
        }
        prop_assert!(whole.steps.iter().all(|step| step.lines.len() <= 3));
    }
}
