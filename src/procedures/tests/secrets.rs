use super::*;

#[test]
fn nothing_that_is_printed_is_secret() {
    let world = lab();
    let plan = world.plan();
    let mut printed = plan.to_string();
    for (_, shell) in shells(&plan) {
        printed.push_str(&shell.to_read());
    }
    let mut secrets: Vec<_> = world.secrets.all().map(SecretText::expose).to_vec();
    secrets.push("secret%3Apassword");
    secrets.push("secret key of");
    for secret in secrets {
        assert!(!printed.contains(secret), "{secret}");
    }
}

/// The operator's settings may hold a secret, such as a password among the arguments of the kubelet.
#[test]
fn an_agents_own_settings_are_not_shown() {
    let config = |world: &PlanWorld| {
        let plan = world.plan();
        let shells = shells(&plan);
        let mut found = shells
            .iter()
            .filter(|(step, _)| step.id.as_str().starts_with("agent/config"));
        input(found.next().unwrap().1, "CONFIG").clone()
    };
    let mut world = lab();
    assert!(matches!(config(&world), Value::Plain(_)));
    let settings = &mut world.answers.k3s.agent_config;
    settings.insert("kubelet-arg".into(), "registry-burst=secret".into());
    assert!(matches!(config(&world), Value::Secret(_)));
}

#[test]
fn no_secret_is_in_memory_after_a_plan() {
    let (traced, trace): (Vec<_>, Vec<_>) = (0..4).map(|_| memory::traced()).unzip();
    let copies = || trace.iter().map(memory::Trace::copies).collect::<Vec<_>>();
    let mut world = lab();
    let mut traced = traced.into_iter();
    let mut next = || traced.next().unwrap();
    world.secrets.token = next();
    world.secrets.db_password = next();
    let url = format!("http://kay:{}@proxy:3128", next().expose());
    world.answers.proxy.https = Some(ProxyUrl::Text(url));
    let access = RegistryAccess {
        username: Some("kay".into()),
        password: Some(Secret::Inline(next())),
        ..RegistryAccess::default()
    };
    world
        .answers
        .registries
        .configs
        .insert("registry.example.com".into(), access);

    let plan = world.plan();
    let shells = plan.steps().filter_map(|step| match &step.work {
        Work::Shell(shell) => Some(shell),
        _ => None,
    });
    let scripts = shells.filter_map(|shell| apply_script(shell, &LateValues::new()).ok());
    let texts: Vec<_> = scripts.map(|script| script.text().unwrap()).collect();
    let while_used = copies();
    assert!(
        while_used.iter().all(|copies| *copies > 2),
        "{while_used:?}"
    );
    drop((plan, world, texts));
    assert_eq!(copies(), [0; 4]);
}
