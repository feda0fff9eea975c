use super::*;
use crate::cluster::datastore::Client;

fn status(when: &str, nodes: &[(&str, &str)], unseen: &[&str]) -> ClusterStatus {
    let node = |(name, status): &(&str, &str)| Node {
        name: (*name).to_owned(),
        status: (*status).to_owned(),
        version: "v1.36.2+k3s1".into(),
        ..Node::default()
    };
    ClusterStatus {
        cluster: "lab".into(),
        when: when.to_owned(),
        healthy: true,
        problems: Vec::new(),
        unseen: unseen.iter().map(|why| (*why).to_owned()).collect(),
        from: None,
        nodes: nodes.iter().map(node).collect(),
        pods: Vec::new(),
        load_balancer: None,
        virtual_address: None,
        datastore: None,
        certificates: Vec::new(),
        changes: Vec::new(),
    }
}

fn told(status: &ClusterStatus) -> Vec<String> {
    let changes = status.changes.iter();
    changes
        .map(|change| format!("{} {}", change.when, change.what))
        .collect()
}

#[test]
fn what_changed_is_told_with_its_time_and_kept() {
    let first = status("1", &[("a", "Ready"), ("b", "Ready")], &[]);
    let mut second = status("2", &[("a", "NotReady"), ("c", "Ready")], &["d: lost"]);
    second.follow(&first);
    let expected = [
        "2 no longer seen: node b: Ready v1.36.2+k3s1",
        "2 node a: Ready v1.36.2+k3s1, now NotReady v1.36.2+k3s1",
        "2 new: node c: Ready v1.36.2+k3s1",
        "2 new: not checked: d: lost",
    ];
    assert_eq!(told(&second), expected);
    // What stays so is no change, and the earlier ones are kept with their time.
    let mut third = status("3", &[("a", "NotReady"), ("c", "Ready")], &["d: lost"]);
    third.follow(&second);
    assert_eq!(told(&third), expected);
}

#[test]
fn connections_that_come_and_go_are_no_change_and_old_changes_are_forgotten() {
    let with = |connections, problem: Option<&str>| {
        let mut status = status("1", &[], &[]);
        status.datastore = Some(crate::cluster::datastore::Datastore {
            members: Vec::new(),
            clients: vec![Client {
                name: "s1".into(),
                connections,
                problem: problem.map(str::to_owned),
                ..Client::default()
            }],
        });
        status
    };
    let mut last = with(1, None);
    for number in 2..60 {
        let mut now = with(number, None);
        now.follow(&last);
        last = now;
    }
    assert_eq!(told(&last), Vec::<String>::new());
    for number in 0..60 {
        let mut now = with(1, (number % 2 == 0).then_some("is not connected"));
        now.follow(&last);
        last = now;
    }
    assert_eq!(last.changes.len(), KEPT);
}
