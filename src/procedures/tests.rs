mod bundled;
mod drill;
mod external;
mod external_balancer;
mod replacement;
mod secrets;

use std::collections::{BTreeMap, BTreeSet};

use super::install;
use crate::answers::{AdminLogin, Answers, ManageFirewall, ProxyUrl, RegistryAccess, Secret};
use crate::events::StepId;
use crate::pki::{Identity, PairUse, Pki};
use crate::plan::{
    CheckStatus, Late, LateValues, Plan, Shell, Step, UnboundInput, Value, Work, apply_script,
    read_answers,
};
use crate::platform::{Facts, PRELUDE, Platform};
use crate::secrets::{SecretText, Secrets, memory};
use crate::steps::{BundleInputs, PlanInputs};
use crate::topology::{Proxy, Replacement, Topology};

fn identity(of: &str) -> Identity {
    Identity {
        cert_pem: format!("-----BEGIN CERTIFICATE-----\n{of}\n-----END CERTIFICATE-----\n"),
        key_pem: format!("secret key of {of}\n").into(),
    }
}

struct PlanWorld {
    answers: Answers,
    topology: Topology,
    platforms: BTreeMap<String, Platform>,
    running: BTreeSet<String>,
    created: BTreeSet<String>,
    replaced: Option<Replacement>,
    enforcing: BTreeSet<String>,
    encrypts: bool,
    pki: Pki,
    secrets: Secrets,
    admin: Option<AdminLogin>,
}

impl PlanWorld {
    fn new(toml: &str) -> Self {
        Self::of(Answers::from_toml(toml).unwrap())
    }

    fn of(answers: Answers) -> Self {
        let facts = Facts {
            os_id: "debian".into(),
            os_version: "12".into(),
            systemd: true,
            arch: "x86_64".into(),
            ..Facts::default()
        };
        let platform = Platform::of(&facts).unwrap();
        let names = || answers.hosts.iter().map(|host| host.name.clone());
        Self {
            platforms: names().map(|name| (name, platform)).collect(),
            running: BTreeSet::new(),
            created: BTreeSet::new(),
            replaced: None,
            enforcing: BTreeSet::new(),
            encrypts: true,
            pki: Pki {
                ca_cert: identity("the CA").cert_pem,
                ca_key: Some(identity("the CA").key_pem),
                postgres: names()
                    .map(|name| (name.clone(), identity("Postgres")))
                    .collect(),
                servers: names()
                    .map(|name| (name.clone(), identity(&name)))
                    .collect(),
                pair: names()
                    .flat_map(|name| PairUse::ALL.map(|usage| (usage, name.clone())))
                    .map(|key| (key, identity("the pair")))
                    .collect(),
            },
            secrets: Secrets {
                token: "secret-token".to_owned().into(),
                agent_token: "secret-agent-token".to_owned().into(),
                db_password: "secret:password".to_owned().into(),
                db_verifier: "SCRAM-SHA-256$secret".to_owned().into(),
            },
            admin: None,
            topology: Topology::of(&answers).unwrap(),
            answers,
        }
    }

    fn plan(&self) -> Plan {
        self.plan_from(None)
    }

    fn plan_from(&self, bundle: Option<BundleInputs<'_>>) -> Plan {
        install::plan(PlanInputs {
            bundle,
            answers: &self.answers,
            topology: &self.topology,
            platforms: &self.platforms,
            running: &self.running,
            created: &self.created,
            replaced: self.replaced.as_ref(),
            enforcing: &self.enforcing,
            encrypts: self.encrypts,
            pki: &self.pki,
            secrets: &self.secrets,
            admin: self.admin.as_ref(),
            proxies: &Proxy::of_all(&self.answers, &self.topology).unwrap(),
            registries: &self.answers.registries.revealed().unwrap(),
        })
        .unwrap()
    }
}

/// Hosts with these roles, a letter each, at 10.0.0.1 and on.
fn hosts(roles: &str) -> String {
    let role = |letter| match letter {
        'p' => "postgres",
        's' => "server",
        'l' => "load-balancer",
        _ => "agent",
    };
    let host = |(number, letter)| {
        format!(
            "[[hosts]]\nname = \"{letter}{number}\"\nrole = \"{}\"\naddress = \"10.0.0.{number}\"\n",
            role(letter)
        )
    };
    (1..).zip(roles.chars()).map(host).collect()
}

fn lab() -> PlanWorld {
    PlanWorld::new(include_str!("../../tests/lab/answers.toml"))
}

/// The answers for the lab with a second load balancer.
fn balancers() -> String {
    format!(
        "{}\n[load_balancer]\nvirtual_ip = \"198.51.100.130\"\n\
         [[hosts]]\nname = \"k3s-nginx-2\"\nrole = \"load-balancer\"\naddress = \"198.51.100.124\"\n",
        include_str!("../../tests/lab/answers.toml")
    )
}

/// The lab with a second load balancer, and a second Postgres whose monitor is on the first.
fn pair() -> PlanWorld {
    let roles = "roles = [\"load-balancer\", \"monitor\"]";
    let answers = balancers().replacen("role = \"load-balancer\"", roles, 1);
    let second = "name = \"k3s-postgres-2\"\nrole = \"postgres\"\naddress = \"198.51.100.8\"";
    PlanWorld::new(&format!("{answers}\n[[hosts]]\n{second}\n"))
}

/// The kind of a step: its id without the host.
fn kind(id: &str) -> &str {
    id.trim().split('@').next().unwrap_or_default()
}

/// A part of a plan, without what the snapshot of the plan of the lab says of the same steps in words.
fn short(part: &str) -> String {
    let lab = lab().plan();
    let known: BTreeSet<&str> = lab.steps().map(|step| kind(step.id.as_str())).collect();
    let mut is_known = false;
    let kept = part.lines().filter(|line| {
        let words = line.trim_start();
        match line.len() - words.len() {
            2 => is_known = known.contains(kind(words)),
            4 => return !is_known || ["after ", "assets/"].iter().any(|it| words.starts_with(it)),
            _ => {}
        }
        true
    });
    kept.collect::<Vec<_>>().join("\n")
}

fn many() -> PlanWorld {
    PlanWorld::new(&hosts("pssslaa"))
}

fn shells(plan: &Plan) -> Vec<(&Step, &Shell)> {
    plan.steps()
        .filter_map(|step| match &step.work {
            Work::Shell(shell) => Some((step, shell)),
            Work::Act(_) | Work::Task(_) => None,
        })
        .collect()
}

fn input<'a>(shell: &'a Shell, wanted: &str) -> &'a Value {
    let mut inputs = shell.inputs.iter();
    &inputs.find(|(name, _)| *name == wanted).unwrap().1
}

#[test]
fn the_plan_of_the_lab() {
    insta::assert_snapshot!(lab().plan());
}

#[test]
fn two_load_balancers_share_an_address_and_hand_it_over_once() {
    let plan = PlanWorld::new(&balancers()).plan();
    let phases = plan.phases.iter();
    let phases = phases.filter(|phase| ["load-balancer", "agents"].contains(&phase.id));
    let phases: Vec<_> = phases.map(ToString::to_string).collect();
    insta::assert_snapshot!(short(&phases.join("\n")));
}

#[test]
fn two_postgres_hosts_have_a_monitor_and_are_in_sync_before_servers_start() {
    let plan = pair().plan();
    let phases = plan.phases.iter();
    let phases = phases.filter(|phase| ["postgres", "certificates"].contains(&phase.id));
    let phases: Vec<_> = phases.map(ToString::to_string).collect();
    insta::assert_snapshot!(short(&phases.join("\n")));
}

#[test]
fn one_server_and_no_agents() {
    insta::assert_snapshot!(short(&PlanWorld::new(&hosts("psl")).plan().to_string()));
}

#[test]
fn three_servers_and_two_agents() {
    let plan = many().plan();
    let lines: Vec<_> = plan
        .steps()
        .map(|step| {
            let needs: Vec<_> = step.needs.iter().map(StepId::as_str).collect();
            format!("{} < {}", step.id, needs.join(" "))
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn steps_come_after_what_they_need() {
    let [member, monitor] = replacement::worlds();
    for world in [
        lab(),
        pair(),
        many(),
        PlanWorld::new(&hosts("psl")),
        member,
        monitor,
    ] {
        let plan = world.plan();
        let mut seen = BTreeSet::new();
        let mut missing = Vec::new();
        for step in plan.steps() {
            missing.extend(step.needs.iter().filter(|need| !seen.contains(*need)));
            assert!(seen.insert(&step.id), "{} stands there twice", step.id);
        }
        // A need may be in a later phase, but it must exist, and there must be no cycle.
        assert!(
            missing.iter().all(|need| seen.contains(*need)),
            "{missing:?}"
        );
        let mut done: BTreeSet<&StepId> = BTreeSet::new();
        loop {
            let before = done.len();
            for step in plan.steps() {
                if step.needs.iter().all(|need| done.contains(need)) {
                    done.insert(&step.id);
                }
            }
            if done.len() == before {
                break;
            }
        }
        assert_eq!(done.len(), seen.len(), "steps wait for each other");
    }
}

/// K3s does not notice when servers on an external datastore differ (docs/facts.md, "Settings").
#[test]
fn servers_have_one_configuration() {
    let plan = many().plan();
    let configs: BTreeSet<_> = shells(&plan)
        .into_iter()
        .filter(|(step, _)| step.id.as_str().starts_with("k3s/config@"))
        .map(|(_, shell)| {
            let Value::Secret(config) = input(shell, "CONFIG") else {
                panic!("the configuration of a server is secret");
            };
            let lines = config.expose().lines();
            let canonical: Vec<_> = lines.filter(|line| !line.starts_with("node-")).collect();
            canonical.join("\n")
        })
        .collect();
    assert_eq!(configs.len(), 1);
}

#[test]
fn a_servers_configuration() {
    let world = PlanWorld::new(&format!(
        "{}[k3s]\ntls_san = [\"k3s.example.com\"]\n[k3s.server_config]\ndisable = [\"traefik\"]\n\
         secrets-encryption = true\n[postgres]\nname = \"db.example.com\"\n",
        hosts("pssl")
    ));
    let plan = world.plan();
    let shells = shells(&plan);
    let (_, shell) = shells
        .iter()
        .find(|(step, _)| step.id.as_str() == "k3s/config@s3")
        .unwrap();
    let Value::Secret(config) = input(shell, "CONFIG") else {
        panic!("the configuration of a server is secret");
    };
    insta::assert_snapshot!(config.expose());
}

/// What the configuration of server 1 says about the encryption of Secrets.
fn encryption(world: &PlanWorld) -> Option<String> {
    let plan = world.plan();
    let shells = shells(&plan);
    let mut servers = shells.iter();
    let server = servers.find(|(step, _)| step.id.as_str().starts_with("k3s/config@"));
    let Value::Secret(config) = input(server.unwrap().1, "CONFIG") else {
        panic!("the configuration of a server is secret");
    };
    let mut lines = config.expose().lines();
    let line = lines.find(|line| line.starts_with("secrets-encryption"));
    line.map(str::to_owned)
}

#[test]
fn a_new_cluster_encrypts_its_secrets_and_another_one_keeps_what_it_does() {
    let mut world = PlanWorld::new(&hosts("psl"));
    assert_eq!(
        encryption(&world).as_deref(),
        Some("secrets-encryption: true")
    );
    world.encrypts = false;
    assert_eq!(encryption(&world), None);
    let said = "[k3s.server_config]\nsecrets-encryption = false\n";
    let world = PlanWorld::new(&format!("{}{said}", hosts("psl")));
    assert_eq!(
        encryption(&world).as_deref(),
        Some("secrets-encryption: false")
    );
}

/// Every step file says which inputs it takes, and is given exactly these: some with a proxy, with
/// names, or from a bundle.
#[test]
fn inputs_are_what_the_files_say() {
    let proxy = "[proxy]\nhttps = \"http://proxy:3128\"\n";
    let proxied = || PlanWorld::new(&format!("{}{proxy}", hosts("pssslaa")));
    let plan = proxied().plan();
    let named = PlanWorld::new(&format!(
        "{}{proxy}[postgres]\nname = \"db.example.com\"\n",
        hosts("psl")
    ));
    let named = named.plan();
    let mut guarded = proxied();
    guarded.answers.firewall.manage = ManageFirewall::Open;
    guarded.enforcing = guarded.platforms.keys().cloned().collect();
    let mut pair = pair();
    pair.answers.proxy = proxied().answers.proxy;
    let bundled = [guarded.bundled(), pair.bundled()];
    let (guarded, pair) = (guarded.plan(), pair.plan());
    let mut all = vec![plan, named, guarded, pair];
    all.extend(bundled);
    all.extend(replacement::worlds().map(|world| world.plan()));
    let mut given: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (_, shell) in all.iter().flat_map(shells) {
        let inputs = shell.inputs.iter().map(|(name, _)| *name);
        given.entry(shell.file).or_default().extend(inputs);
    }
    for (step, shell) in all.iter().flat_map(shells) {
        let declared: BTreeSet<_> = shell
            .source
            .lines()
            .take_while(|line| line.starts_with('#'))
            .filter(|line| line.contains("inputs: ") || line.contains("secret: "))
            .flat_map(str::split_whitespace)
            .filter(|word| {
                word.chars().all(|letter| {
                    letter.is_ascii_uppercase() || letter == '_' || letter.is_ascii_digit()
                })
            })
            .collect();
        let given = &given[shell.file];
        assert_eq!(declared, *given, "{}", step.id);
        let around = [PRELUDE, shell.platform.family.functions];
        for name in given {
            let assigned = |text: &&&str| {
                text.lines()
                    .any(|line| line.starts_with(&format!("{name}=")))
            };
            assert!(
                around.iter().find(assigned).is_none(),
                "{name} is a variable of the prelude's"
            );
        }
        let has = |function: &str| shell.source.contains(&format!("{function}() {{"));
        assert!(
            has("files") || has("satisfied") && has("apply"),
            "{} says nothing that must be so",
            shell.file
        );
    }
}

#[test]
fn answers_are_read_step_by_step() {
    let lines = ["", "m 0", "it is", "not there", "m 1", "", "m 3", "cut"].map(str::to_owned);
    let asked = read_answers("m", &lines);
    let said: Vec<_> = asked
        .iter()
        .map(|asked| (asked.status, asked.reason.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            (CheckStatus::Satisfied, ""),
            (CheckStatus::Not, "it is not there"),
            (CheckStatus::MustNot, "")
        ]
    );
}

#[test]
fn a_load_balancer_listens_on_ipv6_where_it_has_such_an_address() {
    let listens = |toml: &str| {
        let plan = PlanWorld::new(toml).plan();
        let shells = shells(&plan);
        let run = shells
            .iter()
            .find(|(_, shell)| shell.file == "load-balancer/run");
        let Value::Plain(config) = input(run.unwrap().1, "LB_CONFIG") else {
            panic!("it is no secret");
        };
        let listens = config.lines().map(str::trim);
        let listens = listens.filter(|line| line.starts_with("listen "));
        listens.map(str::to_owned).collect::<Vec<_>>()
    };
    let ipv4 = "listen 6443 so_keepalive=30s:10s:3;";
    let ipv6 = "listen [::]:6443 so_keepalive=30s:10s:3;";
    assert_eq!(listens(&hosts("psl")), [ipv4]);
    let with_ipv6 = hosts("psl").replace("10.0.0.3", "2001:db8::3");
    assert_eq!(listens(&with_ipv6), [ipv4, ipv6]);
}

#[test]
fn what_is_not_known_yet_cannot_be_sent() {
    let plan = lab().plan();
    let (_, shell) = shells(&plan)
        .into_iter()
        .find(|(step, _)| step.id.as_str() == "agent/token@k3s-agent")
        .unwrap();
    let nothing = LateValues::new();
    assert!(!shell.is_bound(&nothing));
    assert_eq!(
        apply_script(shell, &nothing),
        Err(UnboundInput(Late::JoinToken))
    );
    let token = BTreeMap::from([(Late::JoinToken, "K10it's".to_owned().into())]);
    let script = apply_script(shell, &token).unwrap();
    let text = script.text().unwrap();
    assert!(text.expose().starts_with("JOIN_TOKEN='K10it'\\''s'\n"));
}

/// A change that restarts K3s takes one node away at a time, and none after one that fails.
#[test]
fn nodes_that_run_are_restarted_one_after_the_other() {
    let mut world = many();
    let waits = |world: &PlanWorld| -> Vec<String> {
        let plan = world.plan();
        let waits = plan
            .steps()
            .filter(|step| step.id.as_str().contains("/config@"));
        let waits = waits.flat_map(|step| {
            let needs = step
                .needs
                .iter()
                .filter(|need| need.as_str().contains("/start@"));
            needs.map(|need| format!("{} after {need}", step.id))
        });
        waits.collect()
    };
    assert_eq!(waits(&world), Vec::<String>::new());
    // The second server and the second agent are new.
    world.running = ["s2", "s4", "a6"].map(str::to_owned).into();
    assert_eq!(waits(&world), ["k3s/config@s4 after k3s/start@s2"]);
    world.running = world
        .answers
        .hosts
        .iter()
        .map(|host| host.name.clone())
        .collect();
    assert_eq!(
        waits(&world),
        [
            "k3s/config@s3 after k3s/start@s2",
            "k3s/config@s4 after k3s/start@s3",
            "agent/config@a7 after agent/start@a6",
        ]
    );
}

#[test]
fn firewalls_are_opened_before_what_needs_the_links() {
    let mut world = lab();
    let firewall = |plan: &Plan| {
        let steps = plan
            .steps()
            .filter(|step| step.id.as_str().starts_with("firewall/"));
        steps.map(|step| step.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(firewall(&world.plan()), Vec::<String>::new());
    world.answers.firewall.manage = ManageFirewall::Open;
    let plan = world.plan();
    let ids = firewall(&plan);
    // Five hosts; Postgres reaches none.
    assert_eq!(ids.len(), 9, "{ids:?}");
    let needs = |id: &str| {
        let step = plan.steps().find(|step| step.id.as_str() == id).unwrap();
        step.needs.iter().map(StepId::as_str).collect::<Vec<_>>()
    };
    let first = plan
        .steps()
        .find(|step| step.id.as_str().ends_with("proof@k3s-server-1"));
    assert!(needs(first.unwrap().id.as_str()).contains(&"firewall/open@k3s-postgres"));
    assert!(needs("load-balancer/proof@k3s-nginx").contains(&"firewall/open@k3s-server-2"));
    assert!(needs("firewall/proof@k3s-agent").contains(&"k3s/start@k3s-server-2"));
    let (_, shell) = shells(&plan)
        .into_iter()
        .find(|(step, _)| step.id.as_str() == "firewall/open@k3s-postgres")
        .unwrap();
    let peers = Value::Plain("198.51.100.12 5432 tcp\n198.51.100.13 5432 tcp".into());
    assert_eq!(*input(shell, "PEERS"), peers);
}

#[test]
fn where_selinux_enforces_it_is_told_what_to_allow() {
    let mut world = lab();
    world.enforcing = ["k3s-nginx", "k3s-server-2", "k3s-agent"]
        .map(str::to_owned)
        .into();
    let plan = world.plan();
    let needs = |id: &str| {
        let step = plan.steps().find(|step| step.id.as_str() == id).unwrap();
        step.needs.iter().map(StepId::as_str).collect::<Vec<_>>()
    };
    assert!(needs("load-balancer/run@k3s-nginx").contains(&"selinux/load-balancer@k3s-nginx"));
    assert!(needs("k3s/start@k3s-server-2").contains(&"selinux/k3s@k3s-server-2"));
    assert!(needs("selinux/k3s@k3s-agent").contains(&"agent/install@k3s-agent"));
    assert!(!needs("k3s/start@k3s-server-1").contains(&"selinux/k3s@k3s-server-1"));
    let confined = |id: &str| {
        let mut all = shells(&plan).into_iter();
        let (_, shell) = all.find(|(step, _)| step.id.as_str() == id).unwrap();
        match input(shell, "CONFIG") {
            Value::Plain(text) => text.contains("\nselinux: true\n"),
            Value::Secret(text) => text.expose().contains("\nselinux: true\n"),
            Value::Late(_) => false,
        }
    };
    assert!(confined("k3s/config@k3s-server-2") && confined("agent/config@k3s-agent"));
    assert!(!confined("k3s/config@k3s-server-1"));
}
