//! Where to look when no sign matches.

use crate::platform::hints::{Sign, at};

const PACKAGES: &str = "The last lines are from the host's package manager. Try the same by hand \
                        there, fix it, then retry.";
const SERVER: &str =
    "The K3s journal has more: `journalctl -u k3s -n 100`. Fix the problem, then retry.";
const AGENT: &str =
    "The K3s journal has more: `journalctl -u k3s-agent -n 100`. Fix the problem, then retry.";
const SCRIPT: &str = "The install script failed and did not say why. Usually k3s.version has no \
                      file for this host's processor architecture.";

/// By step.
pub(super) const STEPS: &[Sign] = &[
    at("postgres/install", &[], PACKAGES),
    at("load-balancer/install", &[], PACKAGES),
    at("k3s/tools", &[], PACKAGES),
    at("agent/tools", &[], PACKAGES),
    at("k3s/install@", &[], SCRIPT),
    at("agent/install@", &[], SCRIPT),
    at("k3s/start", &[], SERVER),
    at("agent/start", &[], AGENT),
    at(
        "load-balancer/run",
        &[],
        "The nginx journal has more: `journalctl -u k3s-lb -n 50`, and `nginx -t -c /etc/k3s-lb/nginx.conf`. \
         Fix the problem, then retry.",
    ),
];

pub(super) const ANY: &[Sign] = &[at("", &[], "Fix what the last lines report, then retry.")];
