//! Where to look when nothing that was printed says more.

use crate::platform::hints::{Sign, at};

const PACKAGES: &str = "The last lines are what the host's package manager said. Try the same by \
    hand there, put it right, and start the wizard again: it goes on here.";
const SERVER: &str = "K3s says more in its journal: `journalctl -u k3s -n 100`. Put it right, and \
    start the wizard again: it goes on here.";
const AGENT: &str = "K3s says more in its journal: `journalctl -u k3s-agent -n 100`. Put it right, \
    and start the wizard again: it goes on here.";
const SCRIPT: &str = "The install script ended without saying why. Mostly k3s.version is no \
    release for this host: there must be a file for its processor in it. Then start the wizard \
    again.";

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
        "nginx says more in its journal: `journalctl -u k3s-lb -n 50`, and `nginx -t -c \
         /etc/k3s-lb/nginx.conf`. Put it right, and start the wizard again: it goes on here.",
    ),
];

pub(super) const ANY: &[Sign] = &[at(
    "",
    &[],
    "Put right what the last lines say, and start the wizard again: it goes on here.",
)];
