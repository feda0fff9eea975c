//! From bare machines to a cluster. It can be repeated to repair drift.

use crate::events::StepId;
use crate::plan::{Phase, Plan, Step};
use crate::steps::k3s::NodeKind;
use crate::steps::{
    PlanInputs, StepContext, StepError, StepHost, bundle, certificates, cluster, external,
    firewall, k3s, load_balancer, on_each, pair, postgres, selinux, virtual_address,
};

/// Checks the data of server 1, before any other server starts.
const FIRST_DATA: &str = "k3s/datastore";

/// The plan for these answers on these hosts.
pub fn plan(given: PlanInputs<'_>) -> Result<Plan, StepError> {
    let context = StepContext::new(given)?;
    let first = lost_host(&context)?;
    let given_up: Vec<_> = first.iter().map(|step| step.id.clone()).collect();
    let phases = [
        ("firewall", "Firewalls", firewall::open(&context)),
        ("postgres", "Postgres", postgres_phase(&context)?),
        (
            "certificates",
            "Certificates",
            certificates_phase(&context)?,
        ),
        ("server-1", "Server 1", server_1(&context)?),
        ("servers", "Server 2 … N", other_servers(&context)?),
        ("load-balancer", "Load balancer", balancers(&context)?),
        ("agents", "Agents", agents(&context)?),
        ("cluster", "Cluster", whole_cluster(&context)),
    ];
    let phases = phases
        .into_iter()
        .map(|(id, title, steps)| Phase { id, title, steps });
    let mut phases: Vec<_> = phases.collect();
    let sent = bundle::supply(&context, &mut phases);
    let bundle = Phase {
        id: "bundle",
        title: "Bundle",
        steps: sent,
    };
    let mut phases: Vec<_> = [bundle].into_iter().chain(phases).collect();
    for step in phases.iter_mut().flat_map(|phase| &mut phase.steps) {
        step.needs.extend(given_up.iter().cloned());
    }
    let lost = Phase {
        id: "lost-host",
        title: "Lost host",
        steps: first,
    };
    let phases = [lost].into_iter().chain(phases);
    Ok(Plan {
        procedure: if given.replaced.is_some() {
            "replacement"
        } else {
            "install"
        },
        cluster: given.topology.cluster.clone(),
        phases: phases.filter(|phase| !phase.steps.is_empty()).collect(),
    })
}

fn postgres_phase(context: &StepContext<'_>) -> Result<Vec<Step>, StepError> {
    if context.is_external() {
        return Ok(external::role(context).into_iter().collect());
    }
    if context.has_pair() {
        let hosts = context.postgres.iter().chain(&context.monitors);
        return hosts.map(|host| pair::install(context, host)).collect();
    }
    let of_host = |host: &StepHost<'_>| {
        [
            postgres::install(context, host),
            postgres::role(context, host).needing([host.id(postgres::INSTALL)]),
            postgres::boot(context, host),
        ]
    };
    Ok(context.postgres.iter().flat_map(of_host).collect())
}

/// The lost part of a pair is given up: nothing else is changed before that.
fn lost_host(context: &StepContext<'_>) -> Result<Vec<Step>, StepError> {
    let Some(lost) = context.replaced() else {
        return Ok(Vec::new());
    };
    if lost.is_monitor {
        let members = context.postgres.iter();
        let exist = members.filter(|host| context.is_created(host));
        exist.map(|host| pair::detached(context, host)).collect()
    } else {
        let monitors = context.monitors.iter();
        Ok(monitors
            .map(|host| pair::forgotten(context, host, lost))
            .collect())
    }
}

/// The pair, from its certificates on: the monitor first, then one member after the other, those that
/// exist before new ones.
fn pair_steps(context: &StepContext<'_>) -> Result<Vec<Step>, StepError> {
    let members = context.postgres.iter().copied();
    let (exist, new): (Vec<_>, Vec<_>) = members.partition(|host| context.is_created(host));
    let (mut steps, mut before) = (Vec::new(), Vec::new());
    for host in context.monitors.iter().chain(&exist) {
        before = start(context, host, before, &mut steps)?;
    }
    // All at once: the standby waits for the primary, and the plan does not know which is which.
    let registered = exist.iter().map(|host| pair::registered(context, host));
    for registered in registered.collect::<Result<Vec<_>, _>>()? {
        let registered = registered.needing(on_each(pair::RUN, &exist));
        before.push(registered.id.clone());
        steps.push(registered);
    }
    for host in &new {
        before = start(context, host, before, &mut steps)?;
        steps.push(pair::registered(context, host)?);
    }
    for host in &context.postgres {
        let role = postgres::role(context, host);
        steps.push(role.needing(on_each(pair::RUN, &context.postgres)));
        steps.push(pair::in_sync(context, host));
    }
    Ok(steps)
}

/// A member, or the monitor, is started with its certificates: the members reach the monitor, and each
/// other. Returns what the next one needs.
fn start(
    context: &StepContext<'_>,
    host: &StepHost<'_>,
    before: Vec<StepId>,
    steps: &mut Vec<Step>,
) -> Result<Vec<StepId>, StepError> {
    let run = pair::run(context, host)?;
    let started = vec![run.id.clone()];
    steps.push(pair::tls(context, host)?.needing([certificates::kept()]));
    steps.push(run.needing(firewall::opened(context)).needing(before));
    Ok(started)
}

fn certificates_phase(context: &StepContext<'_>) -> Result<Vec<Step>, StepError> {
    let mut steps = vec![certificates::keep()];
    let is_pair = context.has_pair();
    let ready: Vec<_> = if context.is_external() {
        external::role(context)
            .map(|role| role.id)
            .into_iter()
            .collect()
    } else if is_pair {
        steps.extend(pair_steps(context)?);
        on_each(pair::IN_SYNC, &context.postgres)
    } else {
        for host in &context.postgres {
            steps.push(postgres::tls(context, host)?.needing([certificates::kept()]));
            steps.push(postgres::access(context, host));
            steps.push(postgres::settings(context, host));
        }
        let ready = [postgres::ACCESS, postgres::SETTINGS].into_iter();
        ready
            .flat_map(|step| on_each(step, &context.postgres))
            .collect()
    };
    for server in &context.servers {
        steps.push(certificates::client(context, server)?);
        steps.extend(certificates::name(context, server));
        let is_external = context.is_external();
        // It may fail over as a pair does.
        let retries = (is_pair || is_external).then(|| pair::retries(server));
        let proof = if is_external {
            external::proof(context, server)
        } else {
            certificates::proof(context, server)
        };
        let proof = proof
            .needing(retries.iter().map(|step| step.id.clone()))
            .needing(ready.iter().cloned())
            .needing(firewall::opened(context));
        steps.extend(retries);
        steps.push(proof);
    }
    Ok(steps)
}

fn server_1(context: &StepContext<'_>) -> Result<Vec<Step>, StepError> {
    let server = context.server_1();
    let mut steps: Vec<_> = k3s::tools(context, &server, NodeKind::SERVER)
        .into_iter()
        .collect();
    steps.push(k3s::installer(context));
    steps.extend(server_steps(context, &server, Vec::new())?);
    if context.is_external() {
        let data = external::data(context, FIRST_DATA);
        steps.push(data.needing([server.id(k3s::SERVER_START)]));
    }
    for host in &context.postgres {
        let data = cluster::datastore(context, FIRST_DATA, host, &[server]);
        steps.push(data.needing([server.id(k3s::SERVER_START)]));
    }
    steps.push(k3s::authority(context));
    Ok(steps)
}

/// All at once, but not before the first: older versions have no bootstrap lock, and two servers
/// on an empty datastore made two CAs (docs/facts.md, "First server").
fn other_servers(context: &StepContext<'_>) -> Result<Vec<Step>, StepError> {
    let mut steps = Vec::new();
    for server in &context.servers[1..] {
        steps.extend(k3s::tools(context, server, NodeKind::SERVER));
        let after = if context.is_external() {
            vec![context.server_1().id(FIRST_DATA)]
        } else {
            on_each(FIRST_DATA, &context.postgres)
        };
        steps.extend(server_steps(context, server, after)?);
    }
    Ok(steps)
}

/// What must be proven of the datastore before a server starts.
fn proven(context: &StepContext<'_>) -> &'static str {
    if context.is_external() {
        external::PROOF
    } else {
        certificates::PROOF
    }
}

fn server_steps(
    context: &StepContext<'_>,
    server: &StepHost<'_>,
    after: Vec<StepId>,
) -> Result<Vec<Step>, StepError> {
    let before = context.before(server, &context.servers);
    let confined = selinux::k3s(context, server, NodeKind::SERVER);
    let start = k3s::start(context, server, NodeKind::SERVER)
        .needing([server.id(proven(context))])
        .needing(confined.iter().map(|step| step.id.clone()))
        .needing(after);
    let mut steps = vec![
        k3s::server_config(context, server)?.needing(before.map(|one| one.id(k3s::SERVER_START))),
        k3s::install(context, server, NodeKind::SERVER)?,
    ];
    steps.extend(confined);
    steps.push(start);
    Ok(steps)
}

fn balancers(context: &StepContext<'_>) -> Result<Vec<Step>, StepError> {
    let mut steps = Vec::new();
    for host in &context.balancers {
        let confined = selinux::load_balancer(context, host);
        let run = load_balancer::run(context, host)?;
        let run = run.needing(confined.iter().map(|step| step.id.clone()));
        steps.push(load_balancer::install(context, host));
        steps.extend(confined);
        steps.push(run);
        let proof = load_balancer::proof(context, host)
            .needing(firewall::opened(context))
            .needing(on_each(k3s::SERVER_START, &context.servers))
            .needing([context.server_1().id(k3s::AUTHORITY)]);
        steps.push(proof);
    }
    steps.extend(virtual_address::steps(context)?);
    steps.extend(load_balancer::external_proof(context).map(|proof| {
        proof
            .needing(firewall::opened(context))
            .needing(on_each(k3s::SERVER_START, &context.servers))
            .needing([context.server_1().id(k3s::AUTHORITY)])
    }));
    Ok(steps)
}

fn agents(context: &StepContext<'_>) -> Result<Vec<Step>, StepError> {
    let mut steps = Vec::new();
    let mut balancers = load_balancer::proven(context);
    balancers.extend(virtual_address::proven(context));
    for agent in &context.agents {
        let token = k3s::token(context, agent);
        let endpoint = k3s::endpoint_proof(context, agent).needing(balancers.clone());
        let before = context.before(agent, &context.agents);
        let config = k3s::agent_config(context, agent)?;
        let confined = selinux::k3s(context, agent, NodeKind::AGENT);
        let start = k3s::start(context, agent, NodeKind::AGENT)
            .needing(confined.iter().map(|step| step.id.clone()))
            .needing([token.id.clone(), endpoint.id.clone()]);
        steps.extend(k3s::tools(context, agent, NodeKind::AGENT));
        steps.extend([
            config.needing(before.map(|one| one.id(k3s::AGENT_START))),
            k3s::install(context, agent, NodeKind::AGENT)?,
            token,
            endpoint,
        ]);
        steps.extend(confined);
        steps.push(start);
    }
    steps.extend(k3s::agents(context));
    Ok(steps)
}

fn whole_cluster(context: &StepContext<'_>) -> Vec<Step> {
    let server = context.server_1();
    let servers = on_each(k3s::SERVER_START, &context.servers);
    let agents = (!context.agents.is_empty()).then(|| server.id(k3s::AGENTS));
    let of_host = |host| {
        cluster::datastore(context, cluster::DATASTORE, host, &context.servers)
            .skippable()
            .needing(servers.clone())
    };
    let mut steps: Vec<_> = context.postgres.iter().map(of_host).collect();
    if context.is_external() {
        let data = external::data(context, cluster::DATASTORE).skippable();
        steps.push(data.needing(servers.clone()));
    }
    steps.push(cluster::kubeconfig(context).needing([server.id(k3s::SERVER_START)]));
    // Not after `health`: it waits long for a cluster that may be unhealthy only because its pods
    // cannot reach each other.
    if context.nodes().count() > 1 {
        let networks = cluster::networks(context);
        steps.push(networks.needing(servers.clone()).needing(agents.clone()));
        steps.extend(context.nodes().map(|node| cluster::overlay(context, node)));
    }
    let proofs = firewall::proofs(context).into_iter();
    steps.extend(proofs.map(|proof| {
        let running = servers.iter().chain(&agents).cloned();
        proof.needing(running.chain(on_each(load_balancer::RUN, &context.balancers)))
    }));
    let health = cluster::health(context);
    steps.push(health.needing(servers.clone()).needing(agents));
    steps
}
