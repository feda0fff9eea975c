//! A run with an operator: decisions about failed steps and the start of phases.

use super::*;
use crate::events::{DecidedBy, Decision};

/// A host on which a step fails once, and is done the next time.
pub(crate) fn fails_once(step: &str) -> Scripted {
    let (failing, done) = (format!("\n{step}\n"), format!("\n{step}\n"));
    let reply = Reply::exit(44)
        .err("not yet")
        .err("This ended with status 1.");
    host("h", 1).once(&failing, reply).on(&done, Reply::exit(0))
}

pub(crate) fn attended(steps: Vec<Step>) -> World {
    World {
        control: Arc::new(Control::attended()),
        ..World::new(steps)
    }
}

#[test]
fn a_failed_step_is_tried_again_on_the_operators_word() {
    let steps = vec![step("a", "h", &[]), step("b", "h", &[("a", "h")])];
    let one = fails_once("a").on("\nb\n", Reply::exit(0));
    let (end, events) = attended(steps)
        .on("h", vec![one])
        .run_with(|control, event| {
            if let What::Asked { step } = &event.what {
                control.decide(step.clone(), Decision::Retry);
            }
        });
    assert_eq!(end, End::Done);
    assert_eq!(
        ends(&events),
        ["a@h failed: not yet", "a@h done", "b@h done"]
    );
    let attempts: Vec<_> = events
        .iter()
        .filter_map(|event| match &event.what {
            What::StepStarted { step, attempt } => Some(format!("{step} {attempt}")),
            _ => None,
        })
        .collect();
    assert_eq!(attempts, ["a@h 1", "a@h 2", "b@h 1"]);
}

#[test]
fn a_failed_step_is_given_up_on_the_operators_word_and_the_rest_goes_on() {
    let steps = vec![
        step("a", "h", &[]),
        step("b", "h", &[("a", "h")]),
        step("c", "h", &[]),
    ];
    let one = fails_once("a").on("\nc\n", Reply::exit(0));
    let (end, events) = attended(steps)
        .on("h", vec![one])
        .run_with(|control, event| {
            if let What::StepEnded {
                step,
                outcome: Outcome::Done,
            } = &event.what
            {
                // Not before the rest is done, which did not wait.
                assert_eq!(step.as_str(), "c@h");
                // A step that makes something cannot be left out.
                control.decide(StepId::new("a", Some("h")), Decision::Skip);
                control.decide(StepId::new("a", Some("h")), Decision::GiveUp);
            }
        });
    assert_eq!(end, End::Failed);
    assert_eq!(
        ends(&events),
        [
            "a@h failed: not yet",
            "c@h done",
            "b@h won't run: a@h failed"
        ]
    );
}

#[test]
fn where_nobody_watches_the_rule_decides_and_says_so() {
    let steps = vec![step("a", "h", &[])];
    let (end, events) = World::new(steps).on("h", vec![fails_once("a")]).run();
    assert_eq!(end, End::Failed);
    let decided = events.iter().find_map(|event| match &event.what {
        What::Decided { decision, by, .. } => Some((*decision, *by)),
        _ => None,
    });
    assert_eq!(decided, Some((Decision::GiveUp, DecidedBy::Rule)));
}

#[test]
fn an_abort_ends_the_wait_for_a_word() {
    let steps = vec![step("a", "h", &[])];
    let (end, events) =
        attended(steps)
            .on("h", vec![fails_once("a")])
            .run_with(|control, event| {
                if let What::Asked { .. } = &event.what {
                    control.abort(Abort::Soft, "SIGHUP");
                }
            });
    let why = "SIGHUP".to_owned();
    assert_eq!(end, End::Aborted { why });
    assert_eq!(ends(&events), ["a@h failed: not yet"]);
}

#[test]
fn a_phase_begins_when_it_may() {
    let steps = vec![step("a", "h", &[])];
    let mut world = attended(steps);
    world.plan.phases.push(Phase {
        id: "next",
        title: "Next",
        // It needs nothing: only the word is missing.
        steps: vec![step("b", "g", &[])],
    });
    world.control.let_begin(Some(0));
    let mut phases = 0;
    let (end, events) = world
        .on("h", vec![host("h", 1).on("\na\n", Reply::exit(0))])
        .on("g", vec![host("g", 1).on("\nb\n", Reply::exit(0))])
        .run_with(move |control, event| {
            if let What::Held { .. } = &event.what {
                phases += 1;
                control.let_begin(Some(phases));
            }
        });
    assert_eq!(end, End::Done);
    let order: Vec<_> = events
        .iter()
        .filter_map(|event| match &event.what {
            What::Held { before } => Some(format!("before {before}")),
            What::Released => Some("released".to_owned()),
            What::StepEnded { step, .. } => Some(step.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(
        order,
        [
            "before all",
            "released",
            "a@h",
            "before next",
            "released",
            "b@g"
        ]
    );
}
