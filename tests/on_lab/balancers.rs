//! Two load balancers with a virtual address on the lab: installed, and then taken away in turn. It
//! needs root, and the package sources of the lab's hosts.

use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use crate::install::{must_be_a_cluster, must_change_nothing};
use crate::lab::{Lab, Wizard};

const BALANCERS: [&str; 2] = ["k3s-nginx", "k3s-nginx-2"];
const VIRTUAL_IP: &str = "198.51.100.130";
/// Long enough for every election, on a busy machine.
const RECOVERY: Duration = Duration::from_secs(120);

/// The load balancers that have the address.
fn holders(lab: &Lab) -> Vec<&'static str> {
    let script = format!("ip -o addr show to {VIRTUAL_IP}");
    let has_it = |host: &&str| !lab.must(host, &script).is_empty();
    BALANCERS.into_iter().filter(has_it).collect()
}

/// Waits until one load balancer holds the address and the API answers there.
fn recovers(lab: &Lab, what: &str) -> &'static str {
    let began = Instant::now();
    let script = format!("test \"$(curl -sk -m 2 https://{VIRTUAL_IP}:6443/ping)\" = pong");
    loop {
        let found = holders(lab);
        if let [one] = found[..]
            && lab.sh("k3s-agent", &script).0
        {
            return one;
        }
        assert!(began.elapsed() < RECOVERY, "{what}: {found:?}");
        sleep(Duration::from_millis(200));
    }
}

/// Does something to the holder, and undoes it: one load balancer holds the address in the end, and
/// the API answers. Prints the longest time without an answer, as an agent saw it.
fn survives(lab: &Lab, what: &str, fault: impl FnOnce(&str), healed: impl FnOnce(&str)) {
    let probe = format!(
        "rm -f /run/probed; until [ -e /run/probed ]; do
            [ \"$(curl -sk -m 1 https://{VIRTUAL_IP}:6443/ping)\" != pong ] || date +%s.%N
            sleep 0.05
        done"
    );
    let holder = recovers(lab, what);
    let answers = scope(|scope| {
        let probing = scope.spawn(|| lab.must("k3s-agent", &probe));
        sleep(Duration::from_secs(1));
        fault(holder);
        // Not before the fault is felt: what it does takes a moment.
        sleep(Duration::from_secs(5));
        healed(holder);
        recovers(lab, what);
        sleep(Duration::from_secs(5));
        recovers(lab, what);
        lab.must("k3s-agent", "touch /run/probed");
        probing.join().unwrap()
    });
    let times: Vec<f64> = answers.lines().map(|line| line.parse().unwrap()).collect();
    let gaps = times.windows(2).map(|pair| pair[1] - pair[0]);
    let longest = gaps.fold(0.0, f64::max);
    assert!(times.len() > 10, "{what}: {answers}");
    println!("{what}, on {holder}: {longest:.1} s without an answer");
}

#[test]
fn the_virtual_address_survives_the_loss_of_its_holder() {
    let lab = Lab::of_topology("balancers");
    let wizard = Wizard::of_hosts(&lab);
    let first = wizard.run().good();
    must_be_a_cluster(&first);
    for host in BALANCERS {
        let moved = format!("virtual-address/move@{host}");
        assert!(first.changed().contains(&moved.as_str()), "{moved}");
    }
    assert!(wizard.kept("kubeconfig").contains(VIRTUAL_IP));
    let second = wizard.run().good();
    must_be_a_cluster(&second);
    must_change_nothing(&second);

    let on = |script: &'static str| {
        let lab = &lab;
        move |host: &str| drop(lab.must(host, script))
    };
    let nothing = |_: &str| {};
    survives(&lab, "nginx killed", on("pkill -9 nginx"), nothing);
    let killed = on("pkill -9 -x keepalived");
    survives(&lab, "keepalived killed", killed, nothing);
    let (stopped, started) = (on("systemctl stop k3s-vip"), on("systemctl start k3s-vip"));
    survives(&lab, "keepalived stopped", stopped, started);
    let (cut, heal) = (
        |host: &str| lab.does(&["cut", host]),
        |host: &str| {
            lab.does(&["heal", host]);
        },
    );
    survives(&lab, "network cut", cut, heal);
    must_change_nothing(&wizard.run().good());
}
