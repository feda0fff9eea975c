//! The load balancer: nginx at layer 4, an instance of its own beside whatever is there.

use std::net::SocketAddr;

use super::{PACKAGES, Phase, PlanError, Task, Topology, servers, step_file, template};

pub(super) const PROOF: &str = "load-balancer/proof";

/// The port on which every server answers.
const SERVER_PORT: u16 = 6443;

pub(super) fn phase(topology: &Topology<'_>) -> Result<Phase, PlanError> {
    let balancer = &topology.balancer;
    let platform = balancer.platform;
    let port = topology.given.answers.load_balancer.port;
    let upstreams: Vec<_> = topology
        .servers
        .iter()
        .map(|server| SocketAddr::new(server.ip, SERVER_PORT).to_string())
        .collect();

    let install = balancer
        .shell(
            "load-balancer/install",
            "nginx is installed, with its stream module",
            step_file!("load-balancer/install"),
            vec![("NGINX_PACKAGES", platform.nginx_packages.into())],
        )
        .within(PACKAGES);
    let config = template::fill(
        include_str!("../../assets/templates/k3s-lb.conf.j2"),
        minijinja::context! {
            module => platform.nginx_stream_module,
            user => platform.nginx_user,
            cluster => topology.given.answers.cluster.name.clone(),
            servers => upstreams,
            port,
        },
    )?;
    let unit = template::fill(
        include_str!("../../assets/templates/k3s-lb.service.j2"),
        minijinja::context! { nginx => platform.nginx },
    )?;
    let run = balancer
        .shell(
            "load-balancer/run",
            format!("nginx sends port {port} to the servers"),
            step_file!("load-balancer/run"),
            vec![
                ("LB_PORT", port.to_string().into()),
                ("LB_CONFIG", config.into()),
                ("LB_UNIT", unit.into()),
                (
                    "LB_LOGROTATE",
                    include_str!("../../assets/templates/k3s-lb.logrotate.j2").into(),
                ),
            ],
        )
        .needing([install.id.clone()]);
    let proof = balancer
        .task(
            PROOF,
            "every server answers through the load balancer",
            Task::ProveBalancer,
        )
        .needing([run.id.clone()])
        .needing(servers::all_started(topology))
        .needing([topology.server_1().id(servers::CLUSTER_CA)]);
    Ok(Phase {
        id: "load-balancer",
        title: "Load balancer",
        steps: vec![install, run, proof],
    })
}
