//! The agents: they join through the load balancer, with a token of their own.

use minijinja::value::Serde;

use super::servers::{self, Kind};
use super::{
    Late, Node, Phase, PlanError, START, START_SECONDS, Step, Task, Topology, in_url,
    load_balancer, step_file, template,
};
use crate::events::StepId;

const READY: &str = "agents/ready";

pub(super) fn phase(topology: &Topology<'_>) -> Result<Phase, PlanError> {
    let mut steps = Vec::new();
    for agent in &topology.agents {
        steps.extend(agent_steps(topology, agent)?);
    }
    steps.extend(ready(topology));
    Ok(Phase {
        id: "agents",
        title: "Agents",
        steps,
    })
}

/// The step after which the agents are there; nothing where there are none.
pub(super) fn all_ready(topology: &Topology<'_>) -> Option<StepId> {
    (!topology.agents.is_empty()).then(|| topology.server_1().id(READY))
}

fn agent_steps(topology: &Topology<'_>, agent: &Node<'_>) -> Result<Vec<Step>, PlanError> {
    let port = topology.given.answers.load_balancer.port;
    let config = template::fill(
        include_str!("../../assets/templates/agent-config.yaml.j2"),
        minijinja::context! {
            server => format!("https://{}:{port}", in_url(topology.balancer.ip)),
            node_name => agent.name,
            node_ip => agent.ip.to_string(),
            settings => Serde(&topology.given.answers.k3s.agent_config),
        },
    )?;
    let config = agent.shell(
        "agents/config",
        "K3s has its configuration",
        step_file!("k3s/config"),
        vec![
            ("CONFIG_FILE", "/etc/rancher/k3s/config.yaml".into()),
            ("CONFIG", config.into()),
        ],
    );
    let tools = servers::tools(agent, "agents");
    let install = servers::install(topology, agent, "agents", Kind::AGENT)?;
    let token = agent
        .shell(
            "agents/token",
            "the agent has what it joins with",
            step_file!("k3s/token"),
            vec![("JOIN_TOKEN", Late::JoinToken.into())],
        )
        .needing([topology.server_1().id(servers::CLUSTER_CA)]);
    let way = agent
        .task(
            "agents/way",
            "the load balancer answers here, as the cluster",
            Task::ProveWay,
        )
        .needing([topology.balancer.id(load_balancer::PROOF)]);
    let start = servers::start(agent, "agents", Kind::AGENT).needing([
        config.id.clone(),
        install.id.clone(),
        token.id.clone(),
        way.id.clone(),
    ]);
    Ok(vec![tools, config, install, token, way, start])
}

fn ready(topology: &Topology<'_>) -> Option<Step> {
    if topology.agents.is_empty() {
        return None;
    }
    let agents = topology.agents.iter();
    let names: Vec<_> = agents.clone().map(|agent| agent.name).collect();
    let step = topology.server_1().shell(
        READY,
        "the agents' nodes are Ready",
        step_file!("agents/ready"),
        vec![
            ("NODES", names.join(" ").into()),
            ("WAIT", START_SECONDS.to_string().into()),
        ],
    );
    let needs = agents.map(|agent| agent.id("agents/start"));
    Some(step.needing(needs).within(START))
}
