//! The address that two load balancers share: who holds it, and what answers there.

use std::net::IpAddr;
use std::time::Duration;

use super::{Site, Trouble, proofs};
use crate::address::Endpoint;
use crate::engine::from_here;
use crate::engine::hosts::output;
use crate::engine::look::OWN_ADDRESS;
use crate::events::Outcome;
use crate::plan::Late;
use crate::proof::balancer::BalancerVerdict;
use crate::remote::Script;

/// How long one look may take.
const LOOK: Duration = Duration::from_secs(20);
const INSTEAD: &str = "If the network does not let an address move, as in most clouds, use one load balancer \
                       without virtual_ip, or an external one";

/// Whether this load balancer holds the address; with what was seen of the other one, exactly one.
pub(super) fn holder(
    site: &mut Site<'_, '_>,
    ip: IpAddr,
    other: Option<&str>,
) -> Result<Outcome, Trouble> {
    let script = Script::new(OWN_ADDRESS).input("VIRTUAL_IP", ip.to_string());
    let (_, said, _) = output(site.remote, &script, LOOK)?;
    let holds = !said.is_empty();
    let Some(other) = other else {
        let name = if holds { site.host } else { "" };
        site.bind(Late::Holder, name.to_owned().into());
        return Ok(Outcome::Unchanged);
    };
    let before = site.bound(Late::Holder);
    let before = before.ok_or_else(|| Trouble::because(format!("{other} was not looked at")))?;
    let is_held_there = !before.expose().is_empty();
    let here = site.host;
    let (got, why) = match (is_held_there, holds) {
        (true, false) => (format!("{other} holds it"), None),
        (false, true) => (format!("{here} holds it"), None),
        (true, true) => (
            "both hold it".to_owned(),
            Some(format!(
                "{other} and {here} both hold {ip}: they do not receive each other's packets. VRRP (IP \
                 protocol 112) must be open between them, both ways; some clouds drop it. {INSTEAD}"
            )),
        ),
        (false, false) => (
            "neither holds it".to_owned(),
            Some(format!(
                "neither {other} nor {here} holds {ip}: nginx is down on both. `journalctl -u \
                 k3s-vip` there shows why"
            )),
        ),
    };
    site.proved(&ip.to_string(), "one holds it", got, why.is_none())?;
    match why {
        None => Ok(Outcome::Unchanged),
        Some(why) => Err(Trouble::because(why)),
    }
}

/// What answers at the address, for a server, and for this machine if it could connect before the
/// address moved.
pub(super) fn seen(
    site: &mut Site<'_, '_>,
    at: &Endpoint,
    has_moved: bool,
) -> Result<Outcome, Trouble> {
    let ca = proofs::cluster_ca(site)?;
    let verdict = proofs::ping(site, at, &ca)?;
    let mut broken = told(site, "the virtual address from here", &verdict)?;
    // A look ahead must not wait for a machine that may not be let through.
    if site.ahead.is_none() {
        let verdict = from_here::ping(at, &ca);
        let reached_before = site.bound(Late::ReachedFromHere);
        let reached_before = reached_before.is_some_and(|reached| reached.expose() == "yes");
        if verdict.holds() || (has_moved && reached_before) {
            broken = broken.or(told(
                site,
                "the virtual address from this machine",
                &verdict,
            )?);
        }
        if !has_moved {
            let reached = if verdict.holds() { "yes" } else { "" };
            site.bind(Late::ReachedFromHere, reached.to_owned().into());
        }
    }
    match broken {
        None => Ok(Outcome::Unchanged),
        Some(got) if has_moved => Err(Trouble::because(format!(
            "the API does not answer at {at} after the address has moved: {got}. {INSTEAD}"
        ))),
        Some(got) => Err(Trouble::because(format!(
            "the API does not answer at the virtual address {at}: {got}"
        ))),
    }
}

/// Records a verdict; what was got, if it does not hold.
fn told(
    site: &mut Site<'_, '_>,
    case: &str,
    verdict: &BalancerVerdict,
) -> Result<Option<String>, Trouble> {
    let (got, holds) = (verdict.got.to_string(), verdict.holds());
    site.proved(case, verdict.expected(), got.clone(), holds)?;
    Ok((!holds).then_some(got))
}
