use std::time::Duration;

use super::*;
use crate::procedures::drill;
use crate::steps::drill::DrillContext;
use crate::topology::Topology;

fn names(world: &PlanWorld) -> Vec<String> {
    let all = drill::all(&world.topology).into_iter();
    all.map(|drill| drill.to_string()).collect()
}

fn drills(world: &PlanWorld, names: &[&str]) -> Plan {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let chosen = drill::chosen(&world.topology, &names).unwrap();
    let context = DrillContext {
        topology: &world.topology,
        platforms: &world.platforms,
        version: &world.answers.k3s.version,
        ssh_ports: &BTreeMap::from([("k3s-server-1".to_owned(), 2222)]),
        limit: Duration::from_secs(30),
    };
    drill::plan(&context, &chosen).unwrap()
}

#[test]
fn every_machine_and_every_service_of_a_pair_is_taken_away() {
    let pair = pair();
    let all = drill::all(&pair.topology).into_iter();
    let lines = all.map(|drill| {
        let second = if drill.has_second {
            ""
        } else {
            ", the only one"
        };
        format!("{drill}: {}{second}", drill.title())
    });
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
}

#[test]
fn what_has_no_second_one_has_no_limit() {
    let lab = lab();
    let all = drill::all(&lab.topology);
    let only: Vec<_> = all.iter().filter(|drill| !drill.has_second).collect();
    let hosts = ["k3s-nginx", "k3s-postgres"];
    assert_eq!(only.len(), 8, "{only:?}");
    assert!(
        only.iter()
            .all(|drill| hosts.contains(&drill.host.as_str()))
    );
}

#[test]
fn a_drill_is_planned_from_its_first_question_to_its_figures() {
    insta::assert_snapshot!(drills(&pair(), &["reset@k3s-server-1", "switchover"]));
}

#[test]
fn drills_have_names_kinds_and_hosts() {
    let lab = lab();
    let topology = &lab.topology;
    let chosen = |name: &str| {
        let chosen = drill::chosen(topology, &[name.to_owned()]);
        chosen.map(|drills| drills.len())
    };
    assert_eq!(chosen("reset@k3s-server-1"), Ok(1));
    assert_eq!(chosen("reset"), Ok(5));
    assert_eq!(chosen("kill-k3s"), Ok(2));
    assert_eq!(chosen("k3s-nginx"), Ok(4));
    let unknown = chosen("reset@k3s-server-3").unwrap_err().to_string();
    assert!(
        unknown.starts_with("there is no drill \"reset@k3s-server-3\""),
        "{unknown}"
    );
    assert!(unknown.contains("reset@k3s-server-2"), "{unknown}");
    assert_eq!(names(&lab).len(), 20);
}

#[test]
fn the_only_node_is_never_taken_away() {
    let single = PlanWorld::new(&hosts("psl"));
    let chosen = |names: &[&str]| {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        drill::chosen(&single.topology, &names)
    };
    let only = chosen(&["reset@s2"]).unwrap_err().to_string();
    assert!(only.starts_with("s2 is the cluster's only node"), "{only}");
    for names in [&[] as &[&str], &["reset"]] {
        let chosen = chosen(names).unwrap();
        assert!(!chosen.is_empty());
        assert!(chosen.iter().all(|drill| drill.host != "s2"), "{chosen:?}");
    }
}

/// With what they showed last, and why some cannot be done.
#[test]
fn drills_are_offered_with_what_they_risk() {
    let pair = pair();
    let figures = crate::events::DrillFigures {
        drill: "reset@k3s-server-1".into(),
        acknowledged: 85,
        lost: 0,
        stale_reads: 0,
        longest_without_write: 2_340,
        longest_without_read: 2_300,
        longest_without_kept: 3_000,
        broken_connections: 1,
        redundant_after: 41_250,
    };
    let last = BTreeMap::from([(figures.drill.clone(), figures)]);
    let offers = |topology: &Topology| drill::offers(topology, Duration::from_secs(30), &last);
    let all = offers(&pair.topology);
    assert_eq!(all.len(), drill::all(&pair.topology).len());
    assert!(
        all.iter()
            .all(|offer| offer.refused.is_none() && !offer.interrupts)
    );
    let known: Vec<_> = all.iter().filter(|offer| offer.last.is_some()).collect();
    assert!(matches!(&known[..], [reset] if reset.name == "reset@k3s-server-1"));
    let of_lab = offers(&lab().topology);
    let risks = all.iter().chain(&of_lab).map(|offer| offer.risk.clone());
    let risks: BTreeSet<_> = risks.collect();
    insta::assert_snapshot!(Vec::from_iter(risks).join("\n"));

    let single = PlanWorld::new(&hosts("psl"));
    let all = offers(&single.topology);
    let refused: Vec<_> = all.iter().filter(|offer| offer.refused.is_some()).collect();
    assert!(!refused.is_empty() && refused.iter().all(|offer| offer.name.ends_with("@s2")));
    let mut external = lab().topology;
    external.api.members.clear();
    assert!(external.api.is_external());
    let all = offers(&external);
    let refused = all.last().and_then(|offer| offer.refused.as_ref());
    assert_eq!(refused, Some(&drill::NoDrill::ExternalBalancer));
}

/// One thing at a time: everything after the first checks is one chain.
#[test]
fn a_drill_begins_when_the_one_before_is_over() {
    let plan = drills(&pair(), &[]);
    let steps: Vec<_> = plan.steps().collect();
    let drills = plan.phases[1].steps.iter();
    for step in drills.filter(|step| step.id.as_str().contains("/watch@")) {
        let at = steps.iter().position(|other| other.id == step.id).unwrap();
        let before = &steps[at - 1];
        assert!(
            step.needs.contains(&before.id),
            "{} begins before {}",
            step.id,
            before.id
        );
    }
    let ids: BTreeSet<_> = steps.iter().map(|step| &step.id).collect();
    assert_eq!(ids.len(), steps.len(), "ids are unique");
}

#[test]
fn a_drill_is_measured_from_a_node_that_it_leaves_alone() {
    for step in drills(&lab(), &[]).steps() {
        let id = step.id.as_str();
        let Some((drill, from)) = id.split_once("/watch@") else {
            continue;
        };
        assert!(!drill.ends_with(from), "{id}");
    }
    // There is no other node than the one server.
    let alone = PlanWorld::new(&hosts("psl"));
    let plan = drills(&alone, &[]);
    assert!(
        plan.steps().all(|step| !step.id.as_str().contains(".s2/")),
        "{plan}"
    );
}
