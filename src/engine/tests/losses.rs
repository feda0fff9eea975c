//! Connections that are lost again and again.

use super::*;

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
