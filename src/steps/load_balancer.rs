//! The load balancer: nginx at layer 4, in a separate instance; or an external one, which is proven alone.

use std::net::SocketAddr;
use std::time::Duration;

use super::{PACKAGES, StepContext, StepError, StepHost, on_each, step_file, template};
use crate::events::StepId;
use crate::events::external::BALANCER_PROOF;
use crate::plan::{BalancerProof, ExternalBalancerProof, Step, Task};
use crate::topology::API;

pub const INSTALL: &str = "load-balancer/install";
pub const RUN: &str = "load-balancer/run";
pub const PROOF: &str = "load-balancer/proof";
/// Its own checks may take a while to find new servers.
const EXTERNAL_LIMIT: Duration = Duration::from_secs(10 * 60);

pub fn install(context: &StepContext<'_>, balancer: &StepHost<'_>) -> Step {
    balancer
        .shell(
            INSTALL,
            "Install nginx with its stream module",
            step_file!("load-balancer/install"),
            context.downloading(
                balancer,
                vec![
                    ("NGINX_PACKAGE", balancer.platform.nginx_package.into()),
                    (
                        "STREAM_PACKAGE",
                        balancer.platform.nginx_stream_package.into(),
                    ),
                    ("NGINX", balancer.platform.nginx.into()),
                    ("NGINX_USER", balancer.platform.nginx_user.into()),
                ],
            ),
        )
        .within(PACKAGES)
}

pub fn run(context: &StepContext<'_>, balancer: &StepHost<'_>) -> Result<Step, StepError> {
    let platform = balancer.platform;
    let topology = context.given.topology;
    let port = topology.api.at.port;
    let servers = topology.servers.iter();
    let upstreams: Vec<_> = servers.map(|server| server.at(API).to_string()).collect();
    let config = template::fill(
        include_str!("../../assets/templates/k3s-lb.conf.j2"),
        minijinja::context! {
            module => platform.nginx_stream_module,
            user => platform.nginx_user,
            cluster => topology.cluster.clone(),
            servers => upstreams,
            rest => BalancerProof::REST.as_secs(),
            port,
            is_pair => topology.api.virtual_ip().is_some(),
            // Only where it is used: on a host without IPv6, nginx would not start with it.
            ipv6 => balancer.ip.is_ipv6(),
        },
    )?;
    let unit = template::fill(
        include_str!("../../assets/templates/k3s-lb.service.j2"),
        minijinja::context! { nginx => platform.nginx },
    )?;
    let logrotate = template::fill(
        include_str!("../../assets/templates/k3s-lb.logrotate.j2"),
        minijinja::context! { log_group => platform.log_group },
    )?;
    let step = balancer.shell(
        RUN,
        format!("Let nginx forward port {port} to the servers"),
        step_file!("load-balancer/run"),
        vec![
            ("LB_PORT", port.to_string().into()),
            ("LB_CONFIG", config.into()),
            ("LB_UNIT", unit.into()),
            ("NGINX", platform.nginx.into()),
            ("STREAM_MODULE", platform.nginx_stream_module.into()),
            ("LB_LOGROTATE", logrotate.into()),
            ("LOG_GROUP", platform.log_group.into()),
        ],
    );
    Ok(step.needing([balancer.id(INSTALL)]))
}

pub fn proof(context: &StepContext<'_>, balancer: &StepHost<'_>) -> Step {
    let proof = BalancerProof {
        at: balancer.member.at(context.given.topology.api.at.port),
        servers: servers(context),
    };
    balancer
        .task(
            PROOF,
            "Prove that every server answers through the load balancer",
            Task::ProveBalancer(proof),
        )
        .skippable()
        .needing([balancer.id(RUN)])
}

/// From a client of the API; `None` for load balancers of the wizard's own.
pub fn external_proof(context: &StepContext<'_>) -> Option<Step> {
    let api = &context.given.topology.api;
    if !api.is_external() {
        return None;
    }
    let names = [&api.address].into_iter().chain(&api.names);
    let proof = ExternalBalancerProof {
        at: api.at.clone(),
        names: names.cloned().collect(),
        servers: servers(context),
    };
    let step = context.api_client().task(
        BALANCER_PROOF,
        "Prove that every server answers through the external load balancer",
        Task::ProveExternalBalancer(proof),
    );
    Some(step.skippable().within(EXTERNAL_LIMIT))
}

/// What must have happened before agents join through the load balancers.
pub fn proven(context: &StepContext<'_>) -> Vec<StepId> {
    if context.given.topology.api.is_external() {
        vec![context.api_client().id(BALANCER_PROOF)]
    } else {
        on_each(PROOF, &context.balancers)
    }
}

fn servers(context: &StepContext<'_>) -> Vec<(String, SocketAddr)> {
    let servers = context.given.topology.servers.iter();
    let named = servers.map(|server| (server.name.clone(), server.at(API)));
    named.collect()
}
