use super::*;

fn external(postgres: &str) -> PlanWorld {
    PlanWorld::new(&format!(
        "[postgres]\nendpoints = [\"db.example:5432\"]\nca_file = \"ca.pem\"\n{postgres}\n{}",
        hosts("sslaa")
    ))
}

fn told(plan: &Plan) -> String {
    let phases = plan.phases.iter();
    let ids = ["postgres", "certificates", "server-1", "servers", "cluster"];
    let phases = phases.filter(|phase| ids.contains(&phase.id));
    let phases: Vec<_> = phases.map(ToString::to_string).collect();
    short(&phases.join("\n"))
}

#[test]
fn an_external_postgres_is_proven_and_not_touched() {
    let mut world = external("");
    world.pki.servers.clear();
    let plan = world.plan();
    insta::assert_snapshot!(told(&plan));
    let touched = |step: &Step| kind(step.id.as_str()).starts_with("postgres/");
    assert!(!plan.steps().any(touched));
    let config = shells(&plan);
    let mut config = config
        .iter()
        .filter(|(step, _)| kind(step.id.as_str()) == "k3s/config");
    let Value::Secret(config) = input(config.next().unwrap().1, "CONFIG") else {
        panic!("the configuration has the password");
    };
    let config = config.expose();
    let endpoint =
        "postgres://k3s:secret%3Apassword@db.example:5432/k3s?target_session_attrs=read-write";
    assert!(config.contains(endpoint), "{config}");
    assert!(config.contains("datastore-cafile") && !config.contains("datastore-certfile"));
}

#[test]
fn an_administrator_creates_role_and_database_and_is_not_shown() {
    let mut world = external("cert_file = \"client.pem\"\nkey_file = \"client.key\"");
    world.admin = AdminLogin::parse("postgres://dba:hunter22hunter22@db.example/postgres");
    let plan = world.plan();
    let created = "postgres/role@s1".to_owned();
    let proofs = plan
        .steps()
        .filter(|step| kind(step.id.as_str()) == "external/proof");
    for proof in proofs {
        let mut needs = proof.needs.iter();
        assert!(needs.any(|id| id.as_str() == created), "{:?}", proof.needs);
    }
    let printed = format!("{plan}{plan:?}");
    for secret in ["hunter22hunter22", "SCRAM-SHA-256$secret", "secret key of"] {
        assert!(!printed.contains(secret), "{secret}");
    }
    // The client certificate is the same for all.
    let steps = shells(&plan);
    let reads = steps
        .iter()
        .filter(|(step, _)| kind(step.id.as_str()) == "k3s/start");
    for (_, shell) in reads {
        let Value::Plain(files) = input(shell, "READS") else {
            panic!("paths are no secret");
        };
        assert!(files.contains("client.key"), "{files}");
    }
}
