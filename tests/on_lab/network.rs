//! The pod network on the lab: proved where it works, reported where it is cut, and never claimed
//! where it was not tested. It needs root.

use crate::install::installed;
use crate::lab::{Ended, Lab, Wizard};
use k3s_ha_wizard::events::{Outcome, What};

const NODES: [&str; 3] = ["k3s-server-1", "k3s-server-2", "k3s-agent"];

fn outcome<'a>(run: &'a Ended, node: &str) -> &'a Outcome {
    run.outcome(&format!("cluster/overlay@{node}"))
}

/// The proofs of a node: to whom, and whether they hold.
fn proofs(run: &Ended, node: &str) -> Vec<(String, bool)> {
    let id = format!("cluster/overlay@{node}");
    let proofs = run.events.iter().filter_map(|event| match &event.what {
        What::Proved {
            step, case, holds, ..
        } if step.as_str() == id => Some((case.clone(), *holds)),
        _ => None,
    });
    proofs.collect()
}

#[test]
fn a_tunnel_that_is_cut_is_told() {
    let lab = Lab::fresh();
    let wizard = Wizard::new();
    let run = wizard.run().good();
    for node in NODES {
        assert_eq!(*outcome(&run, node), Outcome::Unchanged);
        let others = NODES.into_iter().filter(|other| *other != node);
        let all: Vec<_> = others.map(|other| (other.to_owned(), true)).collect();
        assert_eq!(proofs(&run, node), all);
    }

    // Only what carries the tunnel: the nodes reach each other as before.
    lab.iptables("k3s-agent", "-I INPUT -p udp --dport 8472 -j DROP");
    let run = wizard.run();
    assert_eq!(run.status.code(), Some(1), "{}", run.text);
    for (node, others, own, theirs) in [
        (
            "k3s-server-1",
            "k3s-agent",
            "198.51.100.12",
            "198.51.100.15",
        ),
        (
            "k3s-server-2",
            "k3s-agent",
            "198.51.100.13",
            "198.51.100.15",
        ),
        (
            "k3s-agent",
            "k3s-server-1, k3s-server-2",
            "198.51.100.15",
            "198.51.100.12, 198.51.100.13",
        ),
    ] {
        let Outcome::Failed(failure) = outcome(&run, node) else {
            panic!("{node}: {:?}", outcome(&run, node));
        };
        let who = format!("{node} does not reach {others} through the pod network");
        assert!(failure.why.starts_with(&who), "{}", failure.why);
        let what = format!("8472/udp must be open, both ways, between {own} and {theirs}");
        assert!(failure.why.contains(&what), "{}", failure.why);
        assert!(failure.hint.as_ref().unwrap().contains("UDP port 8472"));
    }
    let between_servers = ("k3s-server-2".to_owned(), true);
    assert!(proofs(&run, "k3s-server-1").contains(&between_servers));
    assert_eq!(
        *run.outcome("cluster/health@k3s-server-1"),
        Outcome::Unchanged
    );

    lab.iptables("k3s-agent", "-F INPUT");
    let run = wizard.run().good();
    assert_eq!(run.changed(), Vec::<&str>::new());
    assert_eq!(*outcome(&run, "k3s-agent"), Outcome::Unchanged);

    // Another backend has no tunnel of this kind: that is no proof, and no failure.
    let wizard = wizard.answering(|text| {
        let section = "[k3s.server_config]\n";
        text.replace(
            section,
            &format!("{section}flannel-backend = \"host-gw\"\n"),
        )
    });
    let run = wizard.run().good();
    for node in NODES {
        let Outcome::Warned { why } = outcome(&run, node) else {
            panic!("{node}: {:?}", outcome(&run, node));
        };
        assert!(why.starts_with("not tested: flannel-backend"), "{why}");
        assert_eq!(proofs(&run, node), []);
    }

    // K3s takes the device with it.
    let device = "ip link show flannel.1 >/dev/null 2>&1 && echo there || echo gone";
    assert_eq!(lab.must("k3s-agent", device), "there\n");
    lab.must("k3s-agent", "k3s-agent-uninstall.sh >/dev/null 2>&1");
    assert_eq!(lab.must("k3s-agent", device), "gone\n");
}

/// Connections that failed, as those of agents do that come before the servers: nginx then leaves
/// the servers alone for some seconds, and ends every connection at once.
#[test]
fn a_load_balancer_that_leaves_its_servers_alone_is_asked_again() {
    let (lab, wizard) = installed();
    let asks = "curl -sk --max-time 2 https://198.51.100.14:6443/ping";
    let servers =
        "OUTPUT -p tcp -d 198.51.100.12/31 --dport 6443 -j REJECT --reject-with tcp-reset";
    // The proof comes after the start of this server.
    lab.must("k3s-server-1", "systemctl stop k3s");
    let mut gave_up = false;
    let run = wizard.run_until(|event, _| {
        if matches!(&event.what, What::StepApplies { step } if step.as_str() == "k3s/start@k3s-server-1") {
            // Each worker of nginx counts for itself, and a connection goes to any of them.
            gave_up = (0..20).any(|_| {
                lab.iptables("k3s-nginx", &format!("-I {servers}"));
                lab.sh("k3s-nginx", &format!("for i in 1 2 3 4 5 6 7 8; do {asks}; done"));
                lab.iptables("k3s-nginx", &format!("-D {servers}"));
                !lab.sh("k3s-nginx", asks).0
            });
        }
    });
    assert!(gave_up, "nginx has given up no server");
    assert_eq!(run.good().changed(), ["k3s/start@k3s-server-1"]);
}
