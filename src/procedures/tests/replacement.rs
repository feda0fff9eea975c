//! A new machine in the place of a lost part of a pair.

use super::*;

/// The standby's machine is another one; the monitor's is new.
pub(super) fn worlds() -> [PlanWorld; 2] {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let servers = ["k3s-server-1", "k3s-server-2"];
    let applied = pair().answers;
    let mut member = pair();
    let host = member.answers.hosts.last_mut().unwrap();
    host.name = "k3s-postgres-3".into();
    host.address = "198.51.100.9".into();
    let mut member = PlanWorld::of(member.answers);
    member.replaced = Replacement::of(&applied, &member.answers, "k3s-postgres-2").ok();
    member.created = names(&["k3s-postgres", "k3s-nginx"]);
    member.running = names(&servers);
    let mut monitor = pair();
    monitor.replaced = Replacement::of(&applied, &applied, "k3s-nginx").ok();
    monitor.created = names(&["k3s-postgres", "k3s-postgres-2"]);
    monitor.running = names(&servers);
    assert!(member.replaced.is_some() && monitor.replaced.is_some());
    [member, monitor]
}

/// The steps of the pair, each with what it waits for.
fn pair_steps(world: &PlanWorld) -> String {
    let plan = world.plan();
    let steps = plan
        .steps()
        .filter(|step| step.id.as_str().starts_with("pair/"));
    let lines = steps.map(|step| {
        let needs: Vec<_> = step.needs.iter().map(StepId::as_str).collect();
        format!("{}: {}\n  after {}", step.id, step.title, needs.join(" "))
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_lost_member_is_forgotten_before_the_new_one_joins() {
    let [member, _] = worlds();
    insta::assert_snapshot!(pair_steps(&member));
    // The new one has the rules and certificates of its own address; the lost one is let in nowhere.
    let text = member.plan().to_string();
    assert!(text.contains("198.51.100.9/32"), "{text}");
    assert!(!text.contains("198.51.100.8/32"), "{text}");
}

#[test]
fn members_are_detached_before_there_is_a_new_monitor() {
    let [_, monitor] = worlds();
    insta::assert_snapshot!(pair_steps(&monitor));
}

/// What may begin an empty database, or an empty monitor, and where.
#[test]
fn a_cluster_that_exists_is_not_begun_again() {
    let existing = |world: &PlanWorld| -> Vec<String> {
        let plan = world.plan();
        let runs = shells(&plan).into_iter();
        let runs = runs.filter(|(_, shell)| shell.file == "pair/run");
        runs.map(|(step, shell)| match input(shell, "EXISTING") {
            Value::Plain(names) => format!("{}: {names}", step.host.as_deref().unwrap()),
            _ => panic!("it is no secret"),
        })
        .collect()
    };
    assert_eq!(
        existing(&pair()),
        ["k3s-nginx: ", "k3s-postgres: ", "k3s-postgres-2: "]
    );
    let [member, monitor] = worlds();
    assert_eq!(
        existing(&member),
        [
            "k3s-nginx: k3s-postgres",
            "k3s-postgres: k3s-server-1 k3s-server-2",
            "k3s-postgres-3: k3s-postgres k3s-server-1 k3s-server-2",
        ]
    );
    assert_eq!(
        existing(&monitor),
        [
            "k3s-nginx: ",
            "k3s-postgres: k3s-postgres-2 k3s-server-1 k3s-server-2",
            "k3s-postgres-2: k3s-postgres k3s-server-1 k3s-server-2",
        ]
    );
}
