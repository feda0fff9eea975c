//! Plans of clusters whose parts are not all the wizard's own.

use super::*;
use crate::events::external::ExternalParts;

/// What is planned around an external load balancer, without the inputs of shell steps.
fn around_the_balancer(roles: &str) -> String {
    let external = "[load_balancer]\nendpoint = \"lb.example:443\"\nnames = [\"api.example\"]\n";
    let world = PlanWorld::new(&format!("{}{external}", hosts(roles)));
    let plan = world.plan();
    let phases = plan.phases.iter();
    let phases = phases.filter(|phase| ["load-balancer", "agents"].contains(&phase.id));
    let phases: Vec<_> = phases.map(ToString::to_string).collect();
    short(&phases.join("\n"))
}

#[test]
fn an_external_load_balancer_is_proven_before_agents_join() {
    insta::assert_snapshot!(around_the_balancer("pssaa"));
    let alone = around_the_balancer("ps");
    assert!(alone.contains("load-balancer/external@s2"), "{alone}");
}

#[test]
fn agents_and_certificates_have_its_name() {
    let external = "[load_balancer]\nendpoint = \"lb.example:443\"\n";
    let world = PlanWorld::new(&format!("{}{external}", hosts("pssa")));
    let plan = world.plan();
    let shells = shells(&plan);
    let config = |id: &str| {
        let (_, shell) = shells
            .iter()
            .find(|(step, _)| step.id.as_str() == id)
            .unwrap();
        match input(shell, "CONFIG") {
            Value::Plain(text) => text.clone(),
            Value::Secret(text) => text.expose().to_owned(),
            Value::Late(_) => panic!("it is known"),
        }
    };
    assert!(config("agent/config@a4").contains("https://lb.example:443"));
    assert!(config("k3s/config@s2").contains("lb.example"));
}

/// Texts and hints are chosen by the steps of a run.
#[test]
fn the_steps_tell_which_parts_are_external() {
    let parts = |answers: &str| {
        let plan = PlanWorld::new(answers).plan();
        ExternalParts::of_run(plan.steps().map(|step| &step.id))
    };
    let postgres = "[postgres]\nendpoints = [\"db.example:5432\"]\nca_file = \"ca.pem\"\n";
    let balancer = "[load_balancer]\nendpoint = \"lb.example:6443\"\n";
    for (external, roles, wanted) in [
        ("", "pssla", (false, false)),
        (postgres, "ssla", (true, false)),
        (balancer, "pssa", (false, true)),
    ] {
        let parts = parts(&format!("{external}{}", hosts(roles)));
        assert_eq!((parts.postgres, parts.load_balancer), wanted, "{roles}");
    }
}
