//! Mistakes of the wizard's own: one host's worker panics, and the run comes to its end all the same.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

/// A host on which the wizard goes wrong at the first script that has this text.
fn wrong_at(text: &'static str) -> Scripted {
    let armed = AtomicBool::new(true);
    let panics = move |script: &str| {
        assert!(
            !(script.contains(text) && armed.swap(false, Ordering::Relaxed)),
            "on purpose"
        );
        None
    };
    let facts = |script: &str| script.contains("os.id").then(|| Reply::exit(0).out(FACTS));
    Scripted::new("h")
        .answer(facts)
        .answer(panics)
        .answer(|script| answers(script, 1))
        .on("PATIENCE=", Reply::exit(0).out("lease taken"))
        .on("OWNER=", Reply::exit(0))
        .on("UNIT=", Reply::exit(0))
        .on("\na\n", Reply::exit(0))
}

#[test]
fn a_panic_in_a_question_leaves_the_step_to_look_for_itself() {
    let (end, events) = World::new(vec![step("a", "h", &[])])
        .on("h", vec![wrong_at("\ncheck\n")])
        .run();
    assert_eq!(end, End::Done, "{events:?}");
    assert_eq!(ends(&events), ["a@h done"]);
}

#[test]
fn a_panic_in_a_step_fails_it_and_what_needs_it() {
    let steps = vec![step("a", "h", &[]), step("b", "h", &[("a", "h")])];
    let (end, events) = World::new(steps)
        .on("h", vec![wrong_at("\na\ndrive\n")])
        .run();
    assert_eq!(end, End::Failed);
    let ends = ends(&events);
    assert!(ends[0].contains("internal error of the wizard"), "{ends:?}");
    assert!(ends[1].starts_with("b@h won't run"), "{ends:?}");
}

#[test]
fn a_panic_before_the_first_step_holds_the_host() {
    let (end, events) = World::new(vec![step("a", "h", &[])])
        .on("h", vec![wrong_at("PATIENCE=")])
        .run();
    assert_eq!(end, End::Failed);
    let ends = ends(&events);
    assert!(ends[0].contains("internal error of the wizard"), "{ends:?}");
}
