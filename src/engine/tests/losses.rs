//! Connections that are lost again and again.

use super::*;
use crate::events::Decision;

#[test]
fn a_host_that_ends_every_connection_is_given_up() {
    let lost = |_| host("h", 1).on("\na\n", Reply::lost());
    let (end, events) = World::new(vec![step("a", "h", &[]), step("b", "h", &[("a", "h")])])
        .on("h", (0..40).map(lost).collect())
        .run();
    assert_eq!(end, End::Failed);
    let ends = ends(&events);
    assert!(ends[0].contains("11 times during this step"), "{ends:?}");
    assert!(
        ends[0].contains("find out what ends its connections"),
        "{ends:?}"
    );
    assert!(ends[1].starts_with("b@h won't run"), "{ends:?}");
}

#[test]
fn a_retry_first_waits_for_the_end_of_the_earlier_attempt() {
    let one = Scripted::new("h")
        .on("TENTHS=", Reply::exit(60).out("the end of the first"))
        .answer(|script| answers(script, 1))
        .once("\na\n", Reply::timed_out());
    let told = one.told();
    let one = around(one).on("\na\n", Reply::exit(0));
    let mut world = World::new(vec![step("a", "h", &[])]).on("h", vec![one]);
    world.control = Arc::new(Control::attended());
    let mut decisions = [Decision::GiveUp, Decision::Retry].to_vec();
    let (end, events) = world.run_with(move |control, event| {
        if let What::Asked { step } = &event.what {
            control.decide(step.clone(), decisions.pop().unwrap());
        }
    });
    assert_eq!(end, End::Done, "{events:?}");
    let scripts = told.scripts();
    let at = |text: &str| scripts.iter().position(|script| script.contains(text));
    let second = scripts.iter().rposition(|script| script.contains("\na\n"));
    assert!(at("TENTHS=").is_some() && at("TENTHS=") < second);
    let shown = |event: &Event| matches!(&event.what, What::Output { text, .. } if text.starts_with("the end"));
    assert!(events.iter().any(shown), "{events:?}");
}

#[test]
fn an_abort_does_not_wait_for_what_an_earlier_run_has_left() {
    let facts = format!("{FACTS}\nlease unit k3s-ha-wizard.old.a");
    let one = Scripted::new("h")
        .answer(move |script| script.contains("os.id").then(|| Reply::exit(0).out(&facts)))
        .on("TENTHS=", Reply::exit(0))
        .on("UNIT=", Reply::exit(0).out("running"));
    let told = one.told();
    let (end, _) = World::new(vec![step("a", "h", &[])])
        .on("h", vec![around(one)])
        .run_with(|control, event| {
            if let What::Warned { .. } = &event.what {
                control.abort(Abort::Soft, "SIGINT");
            }
        });
    let why = "SIGINT".to_owned();
    assert_eq!(end, End::Aborted { why });
    assert_eq!(told.count("systemctl stop"), 0, "it is left running");
    assert_eq!(
        told.count("OWNER="),
        3,
        "the lease is taken twice and given back"
    );
}
