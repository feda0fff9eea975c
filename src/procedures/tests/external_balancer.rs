//! Plans of clusters whose parts are not all the wizard's own.

use super::*;

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
