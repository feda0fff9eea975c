//! What a run leaves behind on the hosts and on this machine, after a failure, a stop and a success:
//! what the steps make that the state's inventory lists, and nothing else.

use std::collections::BTreeSet;
use std::process::Command;

use crate::install::must_be_a_cluster;
use crate::lab::{HOSTS, Lab, Wizard};
use k3s_ha_wizard::events::{Outcome, What};

/// What is on a host: every file, user, group, unit and link of the network.
fn listing(lab: &Lab, host: &str) -> BTreeSet<String> {
    const LOOK: &str = r#"
        find / -xdev \( -path /proc -o -path /sys -o -path /dev \) -prune -o -print 2>/dev/null
        find /run /tmp /var/tmp /dev/shm /var/lib/rancher /var/lib/kubelet 2>/dev/null
        cut -d: -f1 /etc/passwd | sed 's/^/user /'
        cut -d: -f1 /etc/group | sed 's/^/group /'
        systemctl list-units --all --plain --no-legend | awk '{ print "unit " $1 }'
        ip -o link | awk '{ print "link " $2 }'"#;
    lab.must(host, LOOK).lines().map(str::to_owned).collect()
}

/// What systemd, logins, logs and package managers keep on any host.
const OF_THE_SYSTEM: [&str; 19] = [
    "/run/systemd/",
    "/run/user/",
    "/run/log/",
    "/run/lock/",
    "/run/sudo/",
    "/run/dbus/",
    "/run/utmp",
    "/run/adduser",
    "/var/log/journal/",
    "/var/log/btmp",
    "/var/log/wtmp",
    "/var/log/lastlog",
    "/var/log/apt/",
    "/var/log/alternatives.log",
    "/var/log/dpkg.log",
    "/var/lib/sudo/",
    "/var/lib/systemd/",
    "unit session-",
    "unit user",
];

/// What comes with packages, beside what their lists name.
const OF_PACKAGES: [&str; 13] = [
    "/usr/",
    "/var/lib/dpkg/",
    "/var/lib/apt/",
    "/var/lib/ucf/",
    "/var/cache/",
    "/etc/alternatives/",
    "/etc/apt/",
    "/etc/rc",
    "/etc/ssl/",
    "/etc/default/",
    "/etc/inputrc",
    "/etc/networks",
    "/etc/nginx/modules-enabled/",
];

/// What each step makes: beginnings of the lines of a listing.
const OF_STEPS: [(&str, &[&str]); 13] = [
    (
        "postgres/install",
        &[
            "/etc/postgresql",
            "/etc/locale",
            "/etc/init.d/",
            "/etc/systemd/system/multi-user.target.wants/postgresql.service",
            "/var/lib/postgresql",
            "/var/lib/k3s-ha-wizard/postgres-is-ours",
            "/var/log/postgresql",
            "/run/postgresql",
            "/dev/shm/PostgreSQL.",
            "user postgres",
            "group postgres",
            "group ssl-cert",
            "unit postgresql",
            "unit system-postgresql.slice",
        ],
    ),
    (
        "postgres/boot",
        &["/etc/systemd/system/postgresql@.service.d"],
    ),
    ("postgres/tls", &["/etc/postgresql-k3s"]),
    ("postgres/settings", &[]),
    ("certificates/client", &["/etc/rancher"]),
    ("k3s/config", &["/etc/rancher"]),
    ("agent/config", &["/etc/rancher"]),
    ("agent/token", &["/etc/rancher/k3s/agent-token"]),
    ("k3s/install", K3S),
    ("agent/install", K3S),
    ("k3s/start", RUNNING),
    ("agent/start", RUNNING),
    (
        "load-balancer/run",
        &[
            "/etc/k3s-lb",
            "/etc/logrotate.d/k3s-lb",
            "/etc/systemd/system/k3s-lb.service",
            "/etc/systemd/system/multi-user.target.wants/k3s-lb.service",
            "/run/k3s-lb",
            "/var/log/k3s-lb",
            "unit k3s-lb.service",
        ],
    ),
];

const K3S: &[&str] = &[
    "/etc/systemd/system/k3s",
    "/etc/systemd/system/multi-user.target.wants/k3s",
    "/usr/local/bin/",
    "/var/lib/k3s-ha-wizard/k3s-is-ours",
    "unit k3s",
];

const RUNNING: &[&str] = &[
    "/etc/rancher/",
    "/var/lib/rancher",
    "/var/lib/kubelet",
    "/run/k3s",
    "link flannel.1",
    "link cni0",
];

/// What the wizard keeps of its own where it made something.
const RECORDS: [&str; 3] = [
    "/var/lib/k3s-ha-wizard/written",
    "/var/lib/k3s-ha-wizard/backups",
    "/run/k3s-ha-wizard",
];

fn begins(line: &str, beginnings: &[&str]) -> bool {
    beginnings
        .iter()
        .any(|beginning| line.starts_with(beginning))
}

/// The steps that the inventory lists for a host.
fn inventory(wizard: &Wizard, host: &str) -> Vec<String> {
    let state: serde_json::Value = serde_json::from_str(&wizard.kept("state.json")).unwrap();
    let made = state["made"].as_array().unwrap().iter();
    let of_host = made.filter(|made| made["host"] == host);
    let steps = of_host.map(|made| made["step"].as_str().unwrap());
    steps
        .map(|step| step.split('@').next().unwrap().to_owned())
        .collect()
}

/// What is new on a host, and no step makes that the inventory lists.
fn unlisted(lab: &Lab, wizard: &Wizard, host: &str, before: &BTreeSet<String>) -> Vec<String> {
    let steps = inventory(wizard, host);
    let is_listed = |name: &str| steps.iter().any(|step| step == name);
    let has_packages = is_listed("postgres/install") || is_listed("load-balancer/install");
    let packages = if has_packages {
        lab.must(host, "cat /var/lib/dpkg/info/*.list")
    } else {
        String::new()
    };
    let of_packages: BTreeSet<_> = packages.lines().collect();
    let is_made = |line: &str| {
        let mut steps = OF_STEPS.iter().filter(|(step, _)| is_listed(step));
        steps.any(|(_, beginnings)| begins(line, beginnings))
    };
    let is_explained = |line: &str| {
        begins(line, &OF_THE_SYSTEM)
            || is_made(line)
            || has_packages && (of_packages.contains(line) || begins(line, &OF_PACKAGES))
            || !steps.is_empty() && (line == "/var/lib/k3s-ha-wizard" || begins(line, &RECORDS))
            // Where the lease is, which every run takes and gives back.
            || line == "/run/k3s-ha-wizard"
            || line == "/run/k3s-ha-wizard/lock"
    };
    let new = listing(lab, host);
    let new = new.difference(before).filter(|line| !is_explained(line));
    new.map(|line| format!("{host}: {line}")).collect()
}

#[test]
fn what_is_left_is_what_the_inventory_lists() {
    let lab = Lab::fresh();
    let wizard = Wizard::new();
    let before = HOSTS.map(|host| listing(&lab, host));
    let is_known = |when: &str| {
        let hosts = HOSTS.iter().zip(&before);
        let unlisted: Vec<_> = hosts
            .flat_map(|(host, before)| unlisted(&lab, &wizard, host, before))
            .collect();
        assert_eq!(unlisted, Vec::<String>::new(), "{when}");
        // Here there is the state folder, and no file in a home.
        let here = std::fs::read_dir(wizard.state.path()).unwrap();
        let here: Vec<_> = here.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(here, ["lab"], "{when}");
    };

    // A server that fails after its first change.
    let blocked = "/etc/systemd/system/k3s.service.d";
    lab.must("k3s-server-2", &format!("touch {blocked}"));
    let run = wizard.run();
    let failed = run.outcome("k3s/install@k3s-server-2");
    assert!(matches!(failed, Outcome::Failed(_)), "{failed:?}");
    lab.must("k3s-server-2", &format!("rm {blocked}"));
    is_known("after a failure");

    let mut stopped = false;
    let run = wizard.run_until(|event, child| {
        let applies = matches!(&event.what, What::StepApplies { .. });
        if applies && !stopped {
            stopped = true;
            let pid = child.id().to_string();
            let sent = Command::new("kill").args(["-s", "INT", &pid]).status();
            assert!(sent.unwrap().success());
        }
    });
    assert_eq!(run.status.code(), Some(130), "{}", run.text);
    is_known("after a stop");

    must_be_a_cluster(&wizard.run().good());
    is_known("after a success");
}
