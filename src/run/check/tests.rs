use super::super::Purpose;
use super::super::tests::{ClusterWorld, bare};
use super::*;
use crate::cluster::api;
use crate::engine::tests::answers;

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
        for told in world.told.values() {
            assert_eq!(told.count("OWNER="), 0);
            assert_eq!(told.count("\ndrive\n"), 0);
        }
    }
}
