//! The wizard is killed, or a host loses its power, at every step.

use std::time::Duration;

use super::ground::{applies, bare, ends_well, failures, host_of, is_whole, run_with};
use super::{Fault, Row, hash};
use crate::lab::{Lab, Wizard};
use crate::tui;
use k3s_ha_wizard::events::{Event, What};

/// The ids of the lab's plan, in its order: from the snapshot that another test keeps true.
fn steps() -> Vec<String> {
    const PLAN: &str = include_str!(
        "../../../src/procedures/snapshots/\
         k3s_ha_wizard__procedures__tests__the_plan_of_the_lab.snap"
    );
    let ids = PLAN.lines().filter_map(|line| line.strip_prefix("  "));
    let ids = ids.filter(|line| !line.starts_with(' ') && line.contains('/'));
    let ids: Vec<_> = ids.map(str::to_owned).collect();
    assert!(ids.len() > 30, "{ids:?}");
    ids
}

/// The steps that change something on a host: the others only look, or keep something here.
fn applied() -> Vec<String> {
    const ONLY_LOOK: [&str; 11] = [
        "proof",
        "endpoint",
        "networks",
        "overlay",
        "health",
        "kubeconfig",
        "authority",
        "keep",
        "installer",
        "agent/tools",
        "cluster/datastore",
    ];
    let looks = |id: &str| ONLY_LOOK.iter().any(|name| id.contains(name));
    steps().into_iter().filter(|id| !looks(id)).collect()
}

fn ends(event: &Event, id: &str) -> bool {
    matches!(&event.what, What::StepEnded { step, .. } if step.as_str() == id)
}

/// Somewhere within a step, always the same: most take from 0.1 to 5 s.
fn moment(id: &str) -> Duration {
    Duration::from_millis(u64::try_from(hash(id) % 700).unwrap())
}

/// SIGKILL at the first event that fits, after a time.
fn killed(wizard: &Wizard, at: impl Fn(&Event) -> bool, after: Duration) -> String {
    let mut killed = false;
    let run = wizard.run_until(|event, child| {
        if at(event) && !killed {
            killed = true;
            std::thread::sleep(after);
            child.kill().unwrap();
        }
    });
    assert!(killed, "the moment never came\n{}", run.text);
    match run.status.code() {
        None => "killed: no message".to_owned(),
        // The last step was that quick.
        Some(code) => format!("it had ended with {code}"),
    }
}

pub fn between() -> Vec<Fault> {
    let fault = |id: String| {
        Fault::new(format!("after {id}"), move || {
            let (lab, wizard) = (bare(), Wizard::new());
            let said = killed(&wizard, |event| ends(event, &id), Duration::ZERO);
            Row {
                did: format!("SIGKILL when {id} had ended"),
                said,
                continued: ends_well(&lab, &wizard),
            }
        })
    };
    steps().into_iter().map(fault).collect()
}

pub fn within() -> Vec<Fault> {
    let fault = |id: String| {
        Fault::new(format!("in {id}"), move || {
            let (lab, wizard) = (bare(), Wizard::new());
            let after = moment(&id);
            let said = killed(&wizard, |event| applies(event, &id), after);
            Row {
                did: format!("SIGKILL {} ms into {id}", after.as_millis()),
                said,
                continued: ends_well(&lab, &wizard),
            }
        })
    };
    applied().into_iter().map(fault).collect()
}

/// SIGKILL to the wizard in a terminal, at a sample of steps. Another terminal offers to resume.
pub fn in_the_terminal() -> Vec<Fault> {
    const SAMPLE: [&str; 6] = [
        "postgres/install@k3s-postgres",
        "certificates/client@k3s-server-2",
        "k3s/install@k3s-server-2",
        "load-balancer/run@k3s-nginx",
        "k3s/start@k3s-server-1",
        "agent/start@k3s-agent",
    ];
    let fault = |id: &'static str| {
        Fault::new(format!("in {id}"), move || {
            let (lab, wizard) = (bare(), Wizard::new());
            let folder = tempfile::tempdir().unwrap();
            let mut terminal = tui::opened(folder.path());
            tui::begin(&mut terminal);
            terminal.waits_until(id, |_| {
                std::thread::sleep(Duration::from_millis(100));
                tui::events(folder.path())
                    .iter()
                    .any(|event| applies(event, id))
            });
            std::thread::sleep(moment(id));
            terminal.signal("KILL");
            terminal.ends();
            let state = folder.path().join("state/lab");
            let secrets = std::fs::read_to_string(state.join("secrets.json")).unwrap();

            let mut terminal = tui::resumed(folder.path());
            terminal.waits_for("Nodes  all healthy");
            terminal.types("\u{3}");
            assert_eq!(terminal.ends(), 0);
            std::fs::rename(&state, wizard.state.path().join("lab")).unwrap();
            assert_eq!(wizard.kept("secrets.json"), secrets, "secrets have changed");
            is_whole(&lab, &wizard);
            Row {
                did: format!(
                    "SIGKILL {} ms into {id}, in a terminal",
                    moment(id).as_millis()
                ),
                said: "killed; a new terminal offered to resume".to_owned(),
                continued: "resumed there to the end; a further run changed nothing".to_owned(),
            }
        })
    };
    SAMPLE.map(fault).into()
}

pub fn power() -> Vec<Fault> {
    let fault = |id: String| {
        Fault::new(format!("{} in {id}", host_of(&id)), move || {
            let (lab, wizard) = (bare(), Wizard::new());
            let (host, after) = (host_of(&id), moment(&id));
            let run = run_with(&wizard, &id, |_| {
                std::thread::sleep(after);
                lab.does(&["stop", host]);
                lab.does(&["start", host]);
            });
            Row {
                did: format!("power off and on {} ms into {id}", after.as_millis()),
                said: failures(&run),
                continued: ends_well(&lab, &wizard),
            }
        })
    };
    applied().into_iter().map(fault).collect()
}

/// Programs with an effect, which tell their number and then hang at the one that is wanted.
const EFFECTS: &str = r#"
for program in mv ln psql systemctl apt-get chown install pg_ctlcluster createdb; do
    real=$(PATH=/usr/sbin:/usr/bin:/sbin:/bin command -v $program) || continue
    cat >/usr/local/sbin/$program <<SHIM
#!/bin/sh
$real "\$@"
status=\$?
[ -z "\${SSH_CONNECTION-}\${SUDO_USER-}\${DPKG_MAINTSCRIPT_NAME-}" ] || exit \$status
# systemctl is asked more than it does.
case "$program \$*" in
    *" show "* | *"is-active"* | *"is-enabled"* | *"cat "*) exit \$status ;;
esac
exec 8>>/var/tmp/effects; flock 8
echo "$program" >>/var/tmp/effects
[ "\$(wc -l </var/tmp/effects)" != "\$(cat /var/tmp/effect-wanted)" ] || { : >/var/tmp/effect-reached; sleep 1000; }
exit \$status
SHIM
    chmod 755 /usr/local/sbin/$program
done
"#;

/// One host, and its power is taken in one run after the first effect, in the next one after the
/// second, and so on until a run has fewer.
pub fn effects() -> Vec<Fault> {
    let fault = |host: &'static str| {
        Fault::new(host, move || {
            let (lab, wizard) = (bare(), Wizard::new());
            let mut reached = 0;
            loop {
                lab.must(
                    host,
                    &format!(
                        "{EFFECTS} rm -f /var/tmp/effect*; echo {} >/var/tmp/effect-wanted",
                        reached + 1
                    ),
                );
                if !dies_at_the_effect(&lab, &wizard, host) {
                    break;
                }
                reached += 1;
                assert!(reached < 60, "it never ends");
            }
            lab.must(host, "rm -f /usr/local/sbin/* /var/tmp/effect*");
            assert!(reached > 1, "{host} has no effects");
            Row {
                did: format!("power off after the effect number 1 to {reached}, a run each"),
                said: "the host was lost; each run was started again".to_owned(),
                continued: ends_well(&lab, &wizard),
            }
        })
    };
    [
        "k3s-postgres",
        "k3s-server-1",
        "k3s-server-2",
        "k3s-nginx",
        "k3s-agent",
    ]
    .map(fault)
    .into()
}

/// A run in which the host dies where the effect is reached; whether it was.
fn dies_at_the_effect(lab: &Lab, wizard: &Wizard, host: &str) -> bool {
    let mut child = wizard.command(&["--output", "json"]);
    let mut child = child.stdout(std::process::Stdio::null()).spawn().unwrap();
    loop {
        if child.try_wait().unwrap().is_some() {
            return lab.sh(host, "test -e /var/tmp/effect-reached").0;
        }
        if lab.sh(host, "test -e /var/tmp/effect-reached").0 {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    lab.does(&["stop", host]);
    child.kill().unwrap();
    child.wait().unwrap();
    lab.does(&["start", host]);
    true
}
