//! What `SELinux` must allow, where it enforces.

use super::k3s::NodeKind;
use super::{PACKAGES, StepContext, StepHost, step_file};
use crate::plan::Step;
use crate::platform::SELINUX_TOOLS as TOOLS;
use crate::topology::API;

const LOAD_BALANCER: &str = "selinux/load-balancer";
const K3S: &str = "selinux/k3s";

/// For nginx.
pub fn load_balancer(context: &StepContext<'_>, balancer: &StepHost<'_>) -> Option<Step> {
    let ports = format!("{}\n{API}", context.given.topology.api.at.port);
    let step = balancer.shell(
        LOAD_BALANCER,
        "Let nginx forward to the servers under SELinux",
        step_file!("selinux/load-balancer"),
        context.downloading(
            balancer,
            vec![("PORTS", ports.into()), ("TOOLS", TOOLS.into())],
        ),
    );
    context.confines(balancer).then(|| step.within(PACKAGES))
}

/// For K3s, between its installation and its start.
pub fn k3s(context: &StepContext<'_>, node: &StepHost<'_>, kind: NodeKind) -> Option<Step> {
    let step = node.shell(
        K3S,
        "Install the SELinux policy of K3s",
        step_file!("selinux/k3s"),
        context.downloading(node, Vec::new()),
    );
    let step = step
        .within(PACKAGES)
        .needing([node.id(&kind.step("install"))]);
    context.confines(node).then_some(step)
}
