//! The whole job on the lab: five hosts with systemd, a real Postgres, a real nginx, real
//! certificates, and a stand-in for K3s. The test starts the lab if needed; it needs root.

use std::time::Duration;

use crate::lab::{Ended, HOSTS, Lab, Wizard};
use k3s_ha_wizard::events::{Event, Outcome, What};

const SERVERS: [&str; 2] = ["k3s-server-1", "k3s-server-2"];

/// Each step found its work done.
pub fn must_change_nothing(run: &Ended) {
    let other: Vec<_> = run
        .outcomes()
        .filter(|(_, outcome)| **outcome != Outcome::Unchanged)
        .collect();
    assert!(other.is_empty(), "{other:?}");
}

/// A cluster that is there: three nodes Ready, every pod of the system healthy, every proof held.
pub fn must_be_a_cluster(run: &Ended) {
    let cluster = run.events.iter().rev().find_map(|event| match &event.what {
        What::Cluster { cluster } => Some(cluster),
        _ => None,
    });
    let cluster = cluster.unwrap();
    let nodes: Vec<_> = cluster
        .nodes
        .iter()
        .map(|node| (node.name.as_str(), node.status.as_str()))
        .collect();
    let mut nodes = nodes;
    nodes.sort_unstable();
    assert_eq!(
        nodes,
        [
            ("k3s-agent", "Ready"),
            ("k3s-server-1", "Ready"),
            ("k3s-server-2", "Ready")
        ]
    );
    assert!(!cluster.pods.is_empty());
    assert_eq!(cluster.problems().collect::<Vec<_>>(), Vec::<String>::new());
    let proofs = run.events.iter().filter_map(|event| match &event.what {
        What::Proved {
            step,
            case,
            got,
            holds,
            ..
        } => Some((step, case, got, *holds)),
        _ => None,
    });
    let proofs: Vec<_> = proofs.collect();
    let broken: Vec<_> = proofs.iter().filter(|proof| !proof.3).collect();
    assert!(broken.is_empty(), "{broken:?}");
    // Seven cases a server, two servers behind the load balancer, one way of an agent.
    assert!(proofs.len() > 7 * 2 + 2, "{proofs:?}");
}

/// When the services were started last, by the hosts' own clocks.
pub fn started(lab: &Lab) -> Vec<String> {
    let of = |host, unit| {
        let property = "systemctl show -p ExecMainStartTimestampMonotonic -p NRestarts --value";
        format!(
            "{host} {unit} {}",
            lab.must(host, &format!("{property} {unit}"))
        )
    };
    vec![
        of("k3s-postgres", "postgresql@15-main"),
        of("k3s-server-1", "k3s"),
        of("k3s-server-2", "k3s"),
        of("k3s-nginx", "k3s-lb"),
        of("k3s-nginx", "nginx"),
        of("k3s-agent", "k3s-agent"),
    ]
}

/// The page that k3s-nginx served before the run.
fn page(lab: &Lab) -> String {
    lab.must("k3s-server-1", "curl -fsS http://198.51.100.14/")
}

/// The moment after a whole installation, and the state that belongs to it.
pub fn installed() -> (Lab, Wizard) {
    static STATE: std::sync::OnceLock<std::path::PathBuf> = std::sync::OnceLock::new();
    // Of this process alone: a lab that is left from before may have one of the same number.
    static MOMENT: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
        let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
        format!("on-lab-{}", since.as_nanos())
    });
    let wizard = Wizard::new();
    let copy = |from: &std::path::Path, to: &std::path::Path| {
        let copied = std::process::Command::new("cp")
            .args(["-a", "--"])
            .arg(from.join("lab"))
            .arg(to)
            .status();
        assert!(copied.unwrap().success());
    };
    let lab = Lab::at(&MOMENT, |_| {
        wizard.run().good();
        let kept = tempfile::tempdir().unwrap().keep();
        copy(wizard.state.path(), &kept);
        let _ = STATE.set(kept);
    });
    if !wizard.state.path().join("lab").exists() {
        copy(STATE.get().unwrap(), wizard.state.path());
    }
    // After a restore the cluster must come up again before a comparison.
    wizard.run().good();
    (lab, wizard)
}

#[test]
fn a_first_run_installs_and_a_second_one_changes_nothing() {
    let lab = Lab::fresh();
    let before = page(&lab);
    let wizard = Wizard::new();

    let first = wizard.run().good();
    must_be_a_cluster(&first);
    assert_eq!(
        page(&lab),
        before,
        "the page that was there is still served"
    );
    // What an operator does next.
    let nodes = lab.must("k3s-server-1", "k3s kubectl get nodes --no-headers");
    assert_eq!(nodes.matches(" Ready ").count(), 3, "{nodes}");

    let services = started(&lab);
    let second = wizard.run().good();
    must_be_a_cluster(&second);
    must_change_nothing(&second);
    assert_eq!(started(&lab), services, "no service was restarted");

    // The same for programs: a plan that changes no file.
    let (code, text) = wizard.says(&["plan", "--output", "json"]);
    assert_eq!(code, Some(0), "{text}");
    let plan: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(plan["procedure"], "install");
    assert_eq!(plan["differences"], serde_json::json!([]));
    assert_eq!(plan["files"], serde_json::json!({}));
    let phases = plan["phases"].as_array().unwrap().iter();
    let steps: usize = phases
        .map(|phase| phase["steps"].as_array().unwrap().len())
        .sum();
    assert_eq!(steps, second.outcomes().count());
}

#[test]
fn killed_in_the_middle_of_every_phase_it_goes_on() {
    let lab = Lab::fresh();
    let before = page(&lab);
    let wizard = Wizard::new();
    let phases = [
        "postgres",
        "certificates",
        "server-1",
        "servers",
        "load-balancer",
        "agents",
        "cluster",
    ];
    let mut authority = None;
    for phase in phases {
        let (mut steps, mut killed) = (Vec::new(), false);
        let run = wizard.run_until(|event, child| {
            let at_work = match &event.what {
                What::Started { plan, .. } => {
                    let of_phase = plan.phases.iter().filter(|it| it.id == phase);
                    let of_phase = of_phase.flat_map(|it| &it.steps);
                    steps = of_phase.map(|step| step.id.clone()).collect();
                    false
                }
                What::StepApplies { step } | What::StepStarted { step, .. } => steps.contains(step),
                _ => false,
            };
            if at_work && !killed {
                killed = true;
                // SIGKILL: nothing of the wizard's can clean up.
                child.kill().unwrap();
            }
        });
        assert!(killed, "nothing of {phase} was begun\n{}", run.text);
        assert_eq!(run.status.code(), None, "{phase} ended by itself");
        // A cluster that was begun stays the same one.
        let (there, ca) = lab.sh(
            "k3s-server-1",
            "sha256sum /var/lib/rancher/k3s/server/tls/server-ca.crt 2>/dev/null",
        );
        if there {
            let known = authority.get_or_insert_with(|| ca.clone());
            assert_eq!(*known, ca, "{phase}");
        }
    }
    let last = wizard.run().good();
    must_be_a_cluster(&last);
    assert_eq!(page(&lab), before);
    let again = wizard.run().good();
    assert_eq!(again.changed(), Vec::<&str>::new());
    for host in HOSTS {
        let left = lab.must(host, "systemctl list-units --no-legend 'k3s-ha-wizard*'");
        assert_eq!(left, "", "{host} has units of the wizard left");
    }
}

/// A long step starts.
fn installs_postgres(event: &Event) -> bool {
    matches!(&event.what, What::StepApplies { step } if step.as_str() == "postgres/install@k3s-postgres")
}

#[test]
fn a_network_that_fails_for_a_while_does_not_fail_the_run() {
    let lab = Lab::fresh();
    let wizard = Wizard::new();
    let mut cut = false;
    let run = wizard.run_until(|event, _| {
        if installs_postgres(event) && !cut {
            cut = true;
            lab.does(&["cut", "k3s-postgres"]);
            std::thread::spawn(|| {
                std::thread::sleep(Duration::from_secs(25));
                let healed = std::process::Command::new(concat!(
                    env!("CARGO_MANIFEST_DIR"),
                    "/tests/lab/lab"
                ))
                .args(["heal", "k3s-postgres"])
                .status();
                assert!(healed.unwrap().success());
            });
        }
    });
    let run = run.good();
    assert!(cut);
    must_be_a_cluster(&run);
    let lost = run.events.iter().filter(
        |event| matches!(&event.what, What::Connection { host, .. } if host == "k3s-postgres"),
    );
    assert!(lost.count() > 0, "the connection was never lost");
    // It was installed once: the unit on the host had gone on alone.
    let starts = run.events.iter().filter(|event| matches!(&event.what, What::StepStarted { step, .. } if step.as_str() == "postgres/install@k3s-postgres"));
    assert_eq!(starts.count(), 1);
}

#[test]
fn an_interrupt_lets_the_steps_at_work_end_and_the_next_run_goes_on() {
    let lab = Lab::fresh();
    let wizard = Wizard::new();
    let mut asked = false;
    let run = wizard.run_until(|event, child| {
        if installs_postgres(event) && !asked {
            asked = true;
            let pid = child.id().to_string();
            let sent = std::process::Command::new("kill")
                .args(["-INT", &pid])
                .status();
            assert!(sent.unwrap().success());
        }
    });
    assert_eq!(run.status.code(), Some(130), "{}", run.text);
    assert_eq!(*run.outcome("postgres/install@k3s-postgres"), Outcome::Done);
    let role = run.outcome("postgres/role@k3s-postgres");
    assert!(matches!(role, Outcome::WontRun { .. }), "{role:?}");
    // Its leftovers block no other run.
    let other = Wizard::new();
    let run = other.run();
    assert_ne!(run.status.code(), Some(4), "{}", run.text);
    drop(lab);
}

#[test]
fn two_runs_do_not_meet() {
    let lab = Lab::fresh();
    let (wizard, other) = (Wizard::new(), Wizard::new());
    let mut refused = None;
    let mut same_state = None;
    let run = wizard.run_until(|event, child| {
        if installs_postgres(event) && refused.is_none() {
            refused = Some(other.run());
            same_state = Some(wizard.command(&[]).output().unwrap());
            child.kill().unwrap();
        }
    });
    assert_eq!(run.status.code(), None);
    let refused = refused.unwrap();
    assert_eq!(refused.status.code(), Some(4), "{}", refused.text);
    assert!(
        refused.text.contains("is using this host"),
        "{}",
        refused.text
    );
    assert!(
        refused.text.contains("Nothing was changed"),
        "{}",
        refused.text
    );
    let same_state = same_state.unwrap();
    assert_eq!(same_state.status.code(), Some(4));
    drop(lab);
}

#[test]
fn a_full_disk_is_said_and_mended() {
    let lab = Lab::fresh();
    let wizard = Wizard::new();
    // Full before the run: it does not begin.
    lab.does(&["fill", "k3s-postgres"]);
    let run = wizard.run();
    lab.does(&["unfill", "k3s-postgres"]);
    assert_eq!(run.status.code(), Some(5), "{}", run.text);
    assert!(
        run.text.contains("k3s-postgres, disk: FAIL"),
        "{}",
        run.text
    );
    // Full while it works.
    let mut filled = false;
    let run = wizard.run_until(|event, _| {
        let begins = matches!(&event.what, What::StepApplies { step }
            if step.as_str() == "postgres/install@k3s-postgres");
        if begins && !filled {
            filled = true;
            lab.does(&["fill", "k3s-postgres"]);
        }
    });
    lab.does(&["unfill", "k3s-postgres"]);
    assert_eq!(run.status.code(), Some(1), "{}", run.text);
    let Outcome::Failed(failure) = run.outcome("postgres/install@k3s-postgres") else {
        panic!("{}", run.text);
    };
    let said = format!("{} {}", failure.why, failure.last_lines.join(" "));
    assert!(
        said.contains("No space left") || said.contains("enough free space"),
        "{said}"
    );
    let server = run.outcome("k3s/start@k3s-server-1");
    assert!(matches!(server, Outcome::WontRun { .. }), "{server:?}");
    must_be_a_cluster(&wizard.run().good());
}

#[test]
fn a_busy_package_manager_is_waited_for() {
    let lab = Lab::fresh();
    let wizard = Wizard::new();
    lab.does(&["lock", "k3s-postgres"]);
    let mut waiting = false;
    let run = wizard.run_until(|event, _| {
        let waits = matches!(&event.what, What::Output { step, text, .. }
            if step.as_str() == "postgres/install@k3s-postgres" && text.contains("lock"));
        if waits && !waiting {
            waiting = true;
            lab.does(&["unlock", "k3s-postgres"]);
        }
    });
    let run = run.good();
    assert!(waiting, "nobody noticed the lock\n{}", run.text);
}

#[test]
fn what_somebody_changed_is_put_back_and_kept() {
    let (lab, wizard) = installed();
    let services = started(&lab);
    let config = "/etc/rancher/k3s/config.yaml";
    lab.must("k3s-server-2", &format!("echo '# mine' >>{config}"));
    let run = wizard.run().good();
    assert_eq!(run.changed(), ["k3s/config@k3s-server-2"]);
    let backups = lab.must(
        "k3s-server-2",
        "cat /var/lib/k3s-ha-wizard/backups/%etc%rancher%k3s%config.yaml.*",
    );
    assert!(backups.ends_with("# mine\n"));
    assert_eq!(
        started(&lab),
        services,
        "what is loaded is what is there again"
    );
}

#[test]
fn a_configuration_that_is_not_loaded_is_noticed() {
    let (lab, wizard) = installed();
    // As if the wizard had been killed between writing and restarting: what runs was started with
    // something else.
    let loaded = "/run/k3s-ha-wizard/loaded-k3s";
    lab.must("k3s-server-2", &format!("sed -i 's/^./0/' {loaded}"));
    lab.must("k3s-nginx", "sed -i 's/^./0/' /run/k3s-lb/loaded");
    let before = started(&lab);
    let run = wizard.run().good();
    let mut changed = run.changed();
    changed.sort_unstable();
    assert_eq!(
        changed,
        ["k3s/start@k3s-server-2", "load-balancer/run@k3s-nginx"]
    );
    let after = started(&lab);
    let restarted = before
        .iter()
        .zip(&after)
        .filter(|(before, after)| before != after);
    let restarted: Vec<_> = restarted
        .map(|(_, after)| after.split(' ').next().unwrap())
        .collect();
    // The load balancer only reads its configuration again.
    assert_eq!(restarted, ["k3s-server-2"]);

    // Units that systemd has not read, and an nginx that was started by another one.
    let touched = "/etc/systemd/system/k3s-agent.service.d/10-k3s-ha-wizard.conf";
    lab.must("k3s-agent", &format!("sleep 1; touch {touched}"));
    lab.must("k3s-nginx", "sed -i 's/^./0/' /run/k3s-lb/started");
    let run = wizard.run().good();
    let mut changed = run.changed();
    changed.sort_unstable();
    assert_eq!(
        changed,
        ["agent/install@k3s-agent", "load-balancer/run@k3s-nginx"]
    );
    let last = started(&lab);
    let restarted = after.iter().zip(&last).filter(|(one, other)| one != other);
    let restarted: Vec<_> = restarted.map(|(_, last)| &last[..16]).collect();
    assert_eq!(restarted, ["k3s-nginx k3s-lb"]);

    // An nginx that does not take a configuration is not said to have it: another program holds the
    // port that it is to listen on as well.
    let taken = "systemd-run -q --unit=holder systemd-socket-activate -l 7777 cat; sleep 0.5
        sed -i 's/^        proxy_pass/        listen 7777;\\n&/' /etc/k3s-lb/nginx.conf
        ! systemctl reload k3s-lb && ! sha256sum --status -c /run/k3s-lb/loaded
        result=$?; systemctl stop holder; exit $result";
    lab.must("k3s-nginx", taken);
    let run = wizard.run().good();
    assert_eq!(run.changed(), ["load-balancer/run@k3s-nginx"]);
    assert_eq!(started(&lab), last);
    must_be_a_cluster(&run);
    for server in SERVERS {
        let rows = lab.must(server, "ls /etc/rancher/k3s/datastore");
        assert_eq!(rows, "ca.crt\nclient.crt\nclient.key\n");
    }
}
