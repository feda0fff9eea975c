use super::super::Purpose;
use super::super::tests::{ClusterWorld, bare};
use super::*;
use crate::cluster::api;
use crate::engine::tests::{answers, answers_that};
use crate::remote::Scripted;
use crate::remote::scripted::Reply;
use crate::report::schema::CHECK;
use crate::report::schema::tests::{fits, is_on_the_page};

#[test]
fn hosts_are_compared_with_their_steps_and_nothing_is_changed() {
    let node = |ready| {
        format!(
            r#"{{"items": [{{"kind": "Node", "metadata": {{"name": "s1"}}, "status":
                {{"conditions": [{{"type": "Ready", "status": "{ready}"}}]}}}}]}}"#
        )
    };
    for (status, ready, expected) in [
        (0, "True", 0),
        (0, "False", exit::DRIFTED),
        (1, "True", exit::DRIFTED),
        (2, "True", exit::UNSEEN),
        (3, "True", exit::DRIFTED),
    ] {
        let mut world = ClusterWorld::new();
        let opened = world.open(Purpose::Look, |host| {
            let host = bare(host).answer(move |script| answers(script, status));
            api::tests::server(host, &node(ready), r#"{"items": []}"#)
        });
        let comparison = opened.check(&Control::default(), &|_, _| {}).unwrap();
        fits(CHECK, &comparison);
        // What only an earlier step makes known, such as the install script, is no drift.
        let unknown = comparison
            .unseen
            .iter()
            .filter(|drift| drift.reason != "why");
        assert_eq!(unknown.count(), 1, "{comparison}");
        let drifted = comparison.drifted.len();
        assert_eq!(drifted > 0, expected == exit::DRIFTED, "{comparison}");
        let printed = comparison.to_string();
        if drifted > 0 {
            assert_eq!(comparison.exit_code(), exit::DRIFTED);
            let files = printed.contains("drifted  k3s/config@s1: ");
            assert_eq!(files, ready == "True", "{printed}");
        }
        // What the hosts cannot say, the API does.
        let unready = printed.contains("not Ready: s1 is NotReady");
        assert_eq!(unready, ready == "False", "{printed}");
        assert!(!printed.contains("the host did not answer"), "{printed}");
        for told in world.told.values() {
            assert_eq!(told.count("OWNER="), 0);
            assert_eq!(told.count("\ndrive\n"), 0);
        }
    }
}

/// A lost connection, to a host or to K3s on it, is no drift.
#[test]
fn what_does_not_answer_is_not_seen_to_differ() {
    let compared = |host: &dyn Fn(&crate::answers::Host) -> Scripted| {
        let mut world = ClusterWorld::new();
        let opened = world.open(Purpose::Look, host);
        opened
            .check(&Control::default(), &|_, _| {})
            .expect("compared")
    };
    let silent =
        compared(&|host| api::tests::silent_server(bare(host).answer(|script| answers(script, 0))));
    let lost = compared(&|host| {
        let asked = |script: &str| answers(script, 0).map(|_| Reply::lost());
        bare(host).answer(asked)
    });
    for (comparison, expected, why) in [
        (
            silent,
            "k3s/start@s1",
            "s1: the connection ended without an answer",
        ),
        (lost, "k3s/config@s1", "s1: the connection was lost"),
    ] {
        assert_eq!(comparison.drifted, [], "{comparison}");
        fits(CHECK, &comparison);
        assert_eq!(comparison.exit_code(), exit::UNSEEN);
        let mut unseen = comparison.unseen.iter();
        let seen = unseen.find(|unseen| unseen.step == expected);
        let reason = &seen.unwrap_or_else(|| panic!("{comparison}")).reason;
        assert!(reason.starts_with(why), "{reason}");
    }
}

#[test]
fn the_page_for_programs_shows_a_comparison() {
    let (mut world, other) = (ClusterWorld::new(), super::super::Purpose::Look);
    let opened = world.open(other, |host| {
        // Only the load balancer differs. This is what its step says on Debian.
        let status = i32::from(host.name == "lb");
        let why = "the package libnginx-mod-stream is not installed";
        bare(host).answer(move |script| answers_that(script, status, why))
    });
    let mut comparison = opened.check(&Control::default(), &|_, _| {}).unwrap();
    comparison.drifted.truncate(1);
    comparison.unseen.truncate(1);
    is_on_the_page(&comparison);
}
