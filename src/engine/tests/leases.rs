//! Leases of hosts that another run takes, and how a run releases its own.

use super::*;
use crate::remote::Script;
use crate::remote::lease::LeaseError;

/// The answer of a host whose lease another run has taken after this one's expired.
pub(super) const HELD: &str = "lease held\nlease idle 120\nlease was operator=kay\nlease was from=jump-2\n\
                    lease was cluster=other\nlease was since=2026-11-24T21:54:40Z\n\
                    lease was run=20261124T215440Z-3f2a";

/// A host of which another run takes the lease between the plan and its start.
fn taken_over(name: &str) -> Scripted {
    Scripted::new(name)
        .answer(|script| script.contains("os.id").then(|| Reply::exit(0).out(FACTS)))
        .once("PATIENCE=", Reply::exit(0).out(HELD))
}

#[test]
fn a_lease_that_another_run_has_taken_meanwhile_ends_the_work_on_that_host() {
    let held = taken_over("one").on("PATIENCE=", Reply::exit(0).out(HELD));
    let one = held.on("OWNER=", Reply::exit(0));
    let told = one.told();
    let steps = vec![
        step("a", "one", &[]),
        step("b", "one", &[("a", "one")]),
        step("c", "two", &[]),
    ];
    let two = host("two", 1).on("\nc\n", Reply::exit(0));
    let (end, events) = World::new(steps)
        .on("one", vec![one])
        .on("two", vec![two])
        .run();
    assert_eq!(end, End::Failed);
    let mut ends = ends(&events);
    ends.sort();
    assert_eq!(
        ends,
        [
            "a@one failed: one: kay on jump-2 is using this host, for the cluster other, since \
             2026-11-24T21:54:40Z (run 20261124T215440Z-3f2a; idle for 2 min, expires after 60). \
             Wait until that run ends, or stop it there",
            "b@one won't run: a@one failed",
            "c@two done"
        ]
    );
    // Nothing was so much as asked.
    assert_eq!(told.count("satisfied"), 0);
}

#[test]
fn a_lease_that_is_free_again_is_taken_when_its_step_is_retried() {
    let free = taken_over("h").on("PATIENCE=", Reply::exit(0).out("lease taken"));
    let one = free
        .on("OWNER=", Reply::exit(0))
        .on("\na\n", Reply::exit(0))
        .on("UNIT=", Reply::exit(0));
    let mut world = World::new(vec![step("a", "h", &[])]).on("h", vec![one]);
    world.control = Arc::new(Control::attended());
    let (end, _) = world.run_with(|control, event| {
        if let What::Asked { step } = &event.what {
            control.decide(step.clone(), crate::events::Decision::Retry);
        }
    });
    assert_eq!(end, End::Done);
}

#[test]
fn a_step_does_not_start_under_the_lease_of_another_run() {
    let mut taken = 0;
    let one = Scripted::new("h")
        .answer(|script| answers(script, 1))
        .answer(|script| script.contains("os.id").then(|| Reply::exit(0).out(FACTS)))
        .answer(move |script| {
            // Before the first step, after it was not started, and when it is retried.
            let is_lease = script.contains("PATIENCE=");
            taken += usize::from(is_lease);
            let says = if taken == 2 { HELD } else { "lease taken" };
            is_lease.then(|| Reply::exit(0).out(says))
        })
        .once("\na\n", Reply::held())
        .on("\na\n", Reply::exit(0));
    let mut world = World::new(vec![step("a", "h", &[])]).on("h", vec![around(one)]);
    world.control = Arc::new(Control::attended());
    let told = Arc::new(Mutex::new(Vec::new()));
    let asked = told.clone();
    let (end, _) = world.run_with(move |control, event| match &event.what {
        What::StepEnded {
            outcome: Outcome::Failed(failure),
            ..
        } => asked.lock().unwrap().push(failure.why.clone()),
        What::Asked { step } => control.decide(step.clone(), crate::events::Decision::Retry),
        _ => {}
    });
    assert_eq!(end, End::Done);
    let told = told.lock().unwrap();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("h: kay on jump-2 is using this host"),
        "{told:?}"
    );
}

#[test]
fn a_lease_that_cannot_be_taken_over_a_lost_connection_is_taken_by_the_next_one() {
    let first = Scripted::new("h")
        .answer(|script| script.contains("os.id").then(|| Reply::exit(0).out(FACTS)))
        .on("PATIENCE=", Reply::lost());
    let second = host("h", 1).on("\na\n", Reply::exit(0));
    let told = second.told();
    let (end, _) = World::new(vec![step("a", "h", &[])])
        .on("h", vec![first, second])
        .run();
    assert_eq!(end, End::Done);
    assert_eq!(told.count("PATIENCE="), 1);
}

/// What is done over these connections, one after the other, after the lease was taken on the
/// first one; and how often the last one is asked to release it, when the run is over.
fn releases(connections: Vec<Scripted>, does: impl FnOnce(&mut ReachedHost)) -> usize {
    let told = connections.last().unwrap().told();
    let connector = connects("h", connections);
    let lease = Lease {
        owner: "ours".to_owned(),
        ..Lease::default()
    };
    let mut host = reach("h", None, connector, Some(&lease), &Control::default()).unwrap();
    does(&mut host);
    drop(host);
    let scripts = told.scripts().into_iter();
    let releases = |script: &String| script.contains("OWNER=") && !script.contains("PATIENCE=");
    scripts.filter(releases).count()
}

fn leased() -> Scripted {
    Scripted::new("h").answer(|script| script.contains("os.id").then(|| Reply::exit(0).out(FACTS)))
}

fn free() -> Scripted {
    Scripted::new("h").on("", Reply::exit(0))
}

fn fails(host: &mut ReachedHost) {
    let script = Script::new("fails");
    let limit = Duration::from_secs(1);
    let done = host
        .connection
        .now("h", |remote| remote.run(&script, limit, &mut |_, _| ()));
    assert!(done.unwrap_err().ends_connection());
}

#[test]
fn a_lease_is_released_when_an_abort_cuts_the_script_that_takes_it() {
    let (cut, next) = (
        Scripted::new("h").on("PATIENCE=", Reply::cancelled()),
        free(),
    );
    let told = next.told();
    let connector = connects("h", vec![cut, next]);
    let lease = Lease {
        owner: "ours".to_owned(),
        ..Lease::default()
    };
    let reached = reach("h", None, connector, Some(&lease), &Control::default());
    assert!(matches!(
        reached.err(),
        Some(LeaseError::Remote(RemoteError::Cancelled { .. }))
    ));
    assert_eq!(told.count("OWNER='ours'"), 1);
}

#[test]
fn a_lease_is_released_over_a_new_connection_when_the_other_was_idle_in_an_abort() {
    let cut = leased().on("OWNER=", Reply::cancelled());
    assert_eq!(releases(vec![cut, free()], |_| ()), 1);
}

#[test]
fn a_lease_is_released_when_an_abort_cuts_its_refresh() {
    let cut = leased().on("PATIENCE=", Reply::cancelled());
    let refreshes = |host: &mut ReachedHost| host.connection.take_lease().unwrap();
    assert_eq!(releases(vec![cut, free()], refreshes), 1);
}

#[test]
fn a_lease_is_released_when_an_abort_cuts_the_next_connection() {
    let lost = leased().on("fails", Reply::lost());
    let cut = Scripted::new("h").on("PATIENCE=", Reply::cancelled());
    let reconnects = |host: &mut ReachedHost| {
        fails(host);
        let mut nothing = |_: &ConnectionNews| ();
        let again = host
            .connection
            .with("h", &Control::default(), &mut nothing, |_| Ok(()));
        assert!(matches!(again, Err(RemoteError::Cancelled { .. })));
    };
    assert_eq!(releases(vec![lost, cut, free()], reconnects), 1);
}

#[test]
fn a_lease_is_released_on_a_host_that_is_there_again() {
    let lost = leased().on("fails", Reply::lost());
    assert_eq!(releases(vec![lost, free()], fails), 1);
    // And when only the release finds out.
    let lost = leased().on("OWNER=", Reply::lost());
    assert_eq!(releases(vec![lost, free()], |_| ()), 1);
    // One that is not there ends it all the same.
    let lost = leased().on("fails", Reply::lost());
    assert_eq!(releases(vec![lost], fails), 0);
}

#[test]
fn an_idle_connection_that_an_abort_has_cut_stops_nothing() {
    let cut = leased().on("", Reply::cancelled());
    let stops = |host: &mut ReachedHost| {
        let script = Script::new("stops");
        let limit = Duration::from_secs(1);
        let stopped = host
            .connection
            .at_last("h", |remote| remote.run(&script, limit, &mut |_, _| ()));
        assert_eq!(stopped, Ok(0));
    };
    assert_eq!(releases(vec![cut, free()], stops), 1);
}
