//! Hosts that are cut off for a while, and hosts that are rebooted.

use std::time::Duration;

use super::ground::{bare, ends_well, failures, host_of, installed, is_whole, run_with};
use super::{Fault, Row};
use crate::lab::{Lab, Wizard};

/// The steps that take long.
const LONG: [&str; 4] = [
    "postgres/install@k3s-postgres",
    "k3s/start@k3s-server-1",
    "k3s/start@k3s-server-2",
    "load-balancer/install@k3s-nginx",
];

pub fn cuts() -> Vec<Fault> {
    let fault = |(id, seconds): (&'static str, u64)| {
        Fault::new(format!("{seconds} s in {id}"), move || {
            let (lab, wizard) = (bare(), Wizard::new());
            let run = run_with(&wizard, id, |_| {
                lab.does(&["cut", host_of(id)]);
                std::thread::sleep(Duration::from_secs(seconds));
                lab.does(&["heal", host_of(id)]);
            });
            Row {
                did: format!("{} without network for {seconds} s", host_of(id)),
                said: match run.status.code() {
                    Some(0) => "the run went on and ended well".to_owned(),
                    _ => failures(&run),
                },
                continued: ends_well(&lab, &wizard),
            }
        })
    };
    let all = LONG
        .into_iter()
        .flat_map(|id| [5, 30, 120].map(|seconds| (id, seconds)));
    all.map(fault).collect()
}

/// Whether the nodes are Ready and Postgres answers, as a server says it.
fn is_up(lab: &Lab) -> bool {
    let script = "k3s kubectl get nodes --no-headers";
    let (good, nodes) = lab.sh("k3s-server-1", script);
    good && nodes.matches(" Ready ").count() == 3
}

/// An orderly reboot: a container ends with it, and is started again.
fn reboot(lab: &Lab, host: &str) {
    lab.sh(host, "systemctl reboot --no-block");
    let mut tries = 0;
    while lab.sh(host, "true").0 {
        tries += 1;
        assert!(tries < 240, "{host} does not shut down");
        std::thread::sleep(Duration::from_millis(500));
    }
    lab.does(&["start", host]);
}

pub fn reboots() -> Vec<Fault> {
    let all_at_once = Fault::new("all, after the installation", || {
        let (lab, wizard) = installed();
        let hosts = crate::lab::HOSTS;
        lab.does(&[&["stop"][..], &hosts].concat());
        lab.does(&[&["start"][..], &hosts].concat());
        let mut tries = 0;
        while !is_up(&lab) {
            tries += 1;
            assert!(tries < 240, "the cluster does not come back by itself");
            std::thread::sleep(Duration::from_millis(500));
        }
        // The services may still be finding each other: what follows asks each of them.
        let run = wizard.run().good();
        assert_eq!(run.changed(), Vec::<&str>::new(), "the wizard was needed");
        is_whole(&lab, &wizard);
        Row {
            did: "the power of all hosts off and on".to_owned(),
            said: "the wizard was not there".to_owned(),
            continued: "the cluster came back by itself; a run changed nothing".to_owned(),
        }
    });
    let one = |id: &'static str| {
        Fault::new(format!("in {id}"), move || {
            let (lab, wizard) = (bare(), Wizard::new());
            let run = run_with(&wizard, id, |_| {
                std::thread::sleep(Duration::from_millis(300));
                reboot(&lab, host_of(id));
            });
            Row {
                did: format!("an orderly reboot within {id}"),
                said: match run.status.code() {
                    Some(0) => "the run went on and ended well".to_owned(),
                    _ => failures(&run),
                },
                continued: ends_well(&lab, &wizard),
            }
        })
    };
    let mut all: Vec<_> = LONG.map(one).into();
    all.push(all_at_once);
    all
}
