//! An external load balancer on the lab: `HAProxy`, configured with what the wizard prints. They need root,
//! and the package sources of the lab's hosts.

use std::thread::scope;
use std::time::Duration;

use k3s_ha_wizard::events::{Outcome, What};

use crate::install::{must_be_a_cluster, must_change_nothing};
use crate::lab::{Ended, Lab, Wizard};

const ENDPOINT: &str = "198.51.100.14:6443";
const PROOF: &str = "load-balancer/external@k3s-agent";

/// The lab with `HAProxy`, changed a little from the recipe.
fn balanced(change: impl FnOnce(String) -> String) -> (Lab, Wizard) {
    let lab = Lab::of_topology("external-balancer");
    let wizard = Wizard::of_hosts(&lab);
    configured(&lab, &wizard, change);
    (lab, wizard)
}

fn configured(lab: &Lab, wizard: &Wizard, change: impl FnOnce(String) -> String) {
    let (code, recipe) = wizard.says(&["load-balancer", "recipe", "--for", "haproxy"]);
    assert_eq!(code, Some(0), "{recipe}");
    let file = wizard.state.path().join("haproxy.cfg");
    std::fs::write(&file, change(recipe)).unwrap();
    lab.does(&["balancer", file.to_str().unwrap()]);
}

/// What the proof of the load balancer showed: each case with its result.
fn proven(run: &Ended) -> Vec<(String, String, bool)> {
    let proofs = run.events.iter().filter_map(|event| match &event.what {
        What::Proved {
            step,
            case,
            got,
            holds,
            ..
        } if step.as_str() == PROOF => Some((case.clone(), got.clone(), *holds)),
        _ => None,
    });
    proofs.collect()
}

#[test]
fn a_cluster_behind_others_haproxy_goes_on_without_a_server() {
    let (lab, wizard) = balanced(|recipe| recipe);
    let first = wizard.run().good();
    must_be_a_cluster(&first);
    let proofs = proven(&first);
    let cases: Vec<_> = proofs.iter().map(|(case, ..)| case.as_str()).collect();
    let expected = [
        "198.51.100.14",
        "k3s-server-1",
        "k3s-server-2",
        "connections",
        "from this machine",
    ];
    assert_eq!(cases, expected, "{proofs:?}");
    assert!(wizard.kept("kubeconfig").contains(ENDPOINT));
    must_change_nothing(&wizard.run().good());

    // New connections go to the other server at once; one that it had accepted is lost.
    let probe = format!(
        "for n in $(seq 100); do
            [ \"$(curl -sk -m 2 https://{ENDPOINT}/ping)\" = pong ] || echo lost
            sleep 0.05
        done"
    );
    let lost = scope(|scope| {
        let probing = scope.spawn(|| lab.must("k3s-agent", &probe));
        std::thread::sleep(Duration::from_secs(1));
        lab.must("k3s-server-2", "systemctl stop k3s");
        probing.join().unwrap()
    });
    assert!(lost.lines().count() <= 2, "{lost}");
    lab.must("k3s-server-2", "systemctl start k3s");
    let (code, said) = wizard.says(&["status"]);
    assert!(
        said.contains(&format!("{ENDPOINT}: answers pong")),
        "{code:?} {said}"
    );
}

#[test]
#[ignore = "takes minutes: tests/run --all"]
fn what_is_wrong_with_it_is_told() {
    // One server is missing in it.
    let without = |recipe: String| {
        let lines = recipe.lines().filter(|line| !line.contains("k3s-server-2"));
        lines.collect::<Vec<_>>().join("\n") + "\n"
    };
    let (lab, wizard) = balanced(without);
    let failed = wizard.run();
    assert_eq!(failed.status.code(), Some(1));
    let Outcome::Failed(failure) = failed.outcome(PROOF) else {
        panic!("{:?}", failed.outcome(PROOF));
    };
    assert!(
        failure.why.contains("k3s-server-2 not seen in"),
        "{failure:?}"
    );
    let agent = failed.outcome("agent/start@k3s-agent");
    assert!(matches!(agent, Outcome::WontRun { .. }), "{agent:?}");

    // It ends connections soon.
    configured(&lab, &wizard, |recipe| {
        recipe.replace("timeout client 1h", "timeout client 3s")
    });
    must_be_a_cluster(&wizard.run().good());
    let idle = |seconds: &str| wizard.says_alone(&["load-balancer", "idle", "--for", seconds]);
    let (code, said) = idle("1");
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = idle("20");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("It was closed after 3."), "{said}");

    // Drills measure through it.
    configured(&lab, &wizard, |recipe| recipe);
    let (code, said) = wizard.says(&["drill", "--yes", "stop-k3s@k3s-server-2"]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = wizard.says(&["check"]);
    assert_eq!(code, Some(0), "{said}");

    // It is gone.
    lab.does(&["stop", "k3s-nginx"]);
    let (code, said) = wizard.says(&["status"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains(&format!("load balancer {ENDPOINT}")),
        "{said}"
    );
}
