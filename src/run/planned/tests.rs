use super::super::Purpose;
use super::super::tests::{ClusterWorld, bare, planned};
use super::*;
use crate::engine::tests::{answers, step};
use crate::plan::Step;

#[test]
fn a_plan_tells_what_is_left_by_what_the_hosts_say() {
    for (status, expected) in [
        (0, (2, 0, 0)),
        (1, (0, 2, 0)),
        (2, (0, 0, 2)),
        (3, (0, 2, 0)),
    ] {
        let mut world = ClusterWorld::new();
        let opened = world.open(Purpose::Run, |host| {
            bare(host).answer(move |script| answers(script, status))
        });
        // Steps of this machine, and of a host that is not reached, are not known.
        let here = Step {
            host: None,
            ..step("here", "s1", &[])
        };
        let steps = vec![step("a", "s1", &[]), step("b", "pg", &[]), here];
        let Remaining {
            done,
            to_do,
            unknown,
        } = planned(opened, steps).outlook().left;
        assert_eq!((done, to_do, unknown - 1), expected, "{status}");
        for told in world.told.values() {
            assert_eq!(told.count("\ndrive\n"), 0, "nothing is applied");
        }
    }
    let left = Remaining {
        done: 31,
        to_do: 9,
        unknown: 0,
    };
    let text = "31 of 40 steps are already done, 9 are left.";
    assert_eq!(left.to_string(), text);
}
