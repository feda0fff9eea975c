//! The address that two load balancers share: keepalived, in a separate instance.

use std::net::IpAddr;

use super::{
    PACKAGES, StepContext, StepError, StepHost, firewall, load_balancer, step_file, template,
};
use crate::events::StepId;
use crate::plan::{Step, Task};
use crate::topology::in_url;

const INSTALL: &str = "virtual-address/install";
const RUN: &str = "virtual-address/run";
const HOLDER: &str = "virtual-address/holder";
const SEEN: &str = "virtual-address/seen";
const MOVE: &str = "virtual-address/move";
const MOVED: &str = "virtual-address/moved";

/// From the installation to the proof that the address moves; none for one load balancer. They begin
/// one after the other: the first one holds the address, and then each hands it over once.
pub fn steps(context: &StepContext<'_>) -> Result<Vec<Step>, StepError> {
    let api = &context.given.topology.api;
    let Some(ip) = api.virtual_ip() else {
        return Ok(Vec::new());
    };
    let balancers = &context.balancers;
    let mut steps: Vec<_> = balancers
        .iter()
        .map(|host| install(context, host))
        .collect();
    let mut before: Vec<StepId> = Vec::new();
    for (place, host) in balancers.iter().enumerate() {
        let run = run(context, host, ip, place)?;
        // They hear each other only through open firewalls.
        steps.push(run.needing(firewall::opened(context)).needing(before));
        before = vec![host.id(RUN)];
    }
    let mut looked = None;
    for host in balancers {
        let step = host
            .task(
                HOLDER,
                "Prove that one load balancer holds the virtual address",
                Task::ProveHolder {
                    ip,
                    other: looked.map(|other: &StepHost<'_>| other.name.to_owned()),
                },
            )
            .skippable()
            .needing(before);
        looked = Some(host);
        before = vec![step.id.clone()];
        steps.push(step);
    }
    let server = context.server_1();
    let seen = server
        .task(
            SEEN,
            "Prove that the API answers at the virtual address",
            Task::ProveVirtualAddress {
                at: api.at.clone(),
                has_moved: false,
            },
        )
        .skippable()
        .needing(before)
        .needing(super::on_each(load_balancer::PROOF, balancers));
    before = vec![seen.id.clone()];
    steps.push(seen);
    for host in balancers {
        steps.push(moves(context, host, ip).needing(before));
        before = vec![host.id(MOVE)];
    }
    let moved = server
        .task(
            MOVED,
            "Prove that the API answers at the virtual address after it has moved",
            Task::ProveVirtualAddress {
                at: api.at.clone(),
                has_moved: true,
            },
        )
        .skippable()
        .needing(before);
    steps.push(moved);
    Ok(steps)
}

/// What must have happened before clients use the address; nothing for one load balancer.
pub fn proven(context: &StepContext<'_>) -> Option<StepId> {
    let ip = context.given.topology.api.virtual_ip();
    ip.map(|_| context.server_1().id(MOVED))
}

fn install(context: &StepContext<'_>, balancer: &StepHost<'_>) -> Step {
    let platform = balancer.platform;
    balancer
        .shell(
            INSTALL,
            "Install keepalived",
            step_file!("virtual-address/install"),
            context.downloading(
                balancer,
                vec![
                    ("KEEPALIVED_PACKAGE", platform.keepalived_package.into()),
                    ("KEEPALIVED", platform.keepalived.into()),
                ],
            ),
        )
        .within(PACKAGES)
        // Not beside the installation of nginx: the package manager has a lock.
        .needing([balancer.id(load_balancer::RUN)])
}

fn run(
    context: &StepContext<'_>,
    balancer: &StepHost<'_>,
    ip: IpAddr,
    place: usize,
) -> Result<Step, StepError> {
    let topology = context.given.topology;
    let keepalived = balancer.platform.keepalived;
    let peer = peer_ip(context, balancer);
    let config = template::fill(
        include_str!("../../assets/templates/k3s-vip.conf.j2"),
        minijinja::context! {
            cluster => topology.cluster.clone(),
            name => balancer.name,
            router_id => router_id(ip),
            priority => 110 - 10 * place,
            own => balancer.ip.to_string(),
            peer => peer.to_string(),
            virtual_ip => ip.to_string(),
        },
    )?;
    let check = template::fill(
        include_str!("../../assets/templates/k3s-vip-check.sh.j2"),
        minijinja::context! {
            port => topology.api.at.port,
            peer => in_url(peer),
        },
    )?;
    let unit = template::fill(
        include_str!("../../assets/templates/k3s-vip.service.j2"),
        minijinja::context! { keepalived, virtual_ip => ip.to_string() },
    )?;
    let step = balancer.shell(
        RUN,
        format!("Let keepalived give {ip} to one of the load balancers"),
        step_file!("virtual-address/run"),
        vec![
            ("VIRTUAL_IP", ip.to_string().into()),
            ("OWN_IP", balancer.ip.to_string().into()),
            ("KEEPALIVED", keepalived.into()),
            ("VIP_CONFIG", config.into()),
            ("VIP_CHECK", check.into()),
            ("VIP_UNIT", unit.into()),
        ],
    );
    Ok(step.needing([balancer.id(INSTALL), balancer.id(load_balancer::RUN)]))
}

fn moves(context: &StepContext<'_>, balancer: &StepHost<'_>, ip: IpAddr) -> Step {
    balancer.shell(
        MOVE,
        "Move the virtual address to the other load balancer, once",
        step_file!("virtual-address/move"),
        vec![
            ("VIRTUAL_IP", ip.to_string().into()),
            ("OWN_IP", balancer.ip.to_string().into()),
            ("PEER_IP", peer_ip(context, balancer).to_string().into()),
            (
                "PORT",
                context.given.topology.api.at.port.to_string().into(),
            ),
        ],
    )
}

fn peer_ip(context: &StepContext<'_>, balancer: &StepHost<'_>) -> IpAddr {
    let peer = context.given.topology.api.peer_of(balancer.name);
    peer.map_or(balancer.ip, |peer| peer.ip)
}

/// Tells pairs in one network apart, which therefore have different addresses (docs/facts.md,
/// "Virtual address").
fn router_id(ip: IpAddr) -> u8 {
    let last = match ip {
        IpAddr::V4(ip) => ip.octets()[3],
        IpAddr::V6(ip) => ip.octets()[15],
    };
    last.max(1)
}
