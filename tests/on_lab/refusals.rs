//! Preflight failures on the lab: each with cause and remedy, and without a change on any host. It
//! needs root.

use crate::lab::{Ended, HOSTS, Lab, Wizard, changes, flat, picture};
use k3s_ha_wizard::events::Outcome;
use k3s_ha_wizard::platform::network;

/// A run that must be refused, each of these said, and nothing changed.
pub fn refused(lab: &Lab, wizard: &Wizard, because: &[(&str, &str)]) -> Ended {
    let before = picture(lab);
    let run = wizard.run();
    assert_eq!(changes(&before, &picture(lab)), Vec::<String>::new());
    assert_eq!(run.status.code(), Some(5), "{}", run.text);
    told(&run.text, because);
    assert!(run.text.contains("Nothing was changed"), "{}", run.text);
    run
}

/// Each cell is red, and says so.
fn told(text: &str, because: &[(&str, &str)]) {
    let said = flat(text);
    for (cell, why) in because {
        assert!(said.contains(&format!("{cell}: FAIL")), "{cell}\n{text}");
        assert!(said.contains(&flat(why)), "{cell}: {why}\n{text}");
    }
}

#[test]
fn hosts_that_will_not_do_are_refused() {
    let lab = Lab::fresh();
    lab.does(&["clock", "k3s-agent", "+1h"]);
    lab.must(
        "k3s-nginx",
        "echo 'server { listen 6443; }' >/etc/nginx/conf.d/wiki.conf && systemctl reload nginx",
    );
    lab.must(
        "k3s-server-1",
        "printf '[Service]\nExecStart=/bin/true\n' >/etc/systemd/system/k3s.service",
    );
    lab.must(
        "k3s-server-2",
        "mkdir -p /var/lib/rancher/k3s/server/db/etcd/member/wal",
    );
    lab.does(&["fill", "k3s-postgres"]);
    let because = [
        (
            "k3s-agent, clock",
            "its clock is 3600.0 s ahead of the other hosts",
        ),
        (
            "k3s-nginx, ports",
            "nginx (nginx.service) listens on port 6443",
        ),
        (
            "k3s-server-1, existing",
            "a K3s that this wizard did not install is here (k3s.service)",
        ),
        (
            "k3s-server-2, existing",
            "this host has the data of an embedded etcd, and K3s would use it instead of Postgres",
        ),
        ("k3s-postgres, disk", "0 MiB free"),
    ];
    refused(&lab, &Wizard::new(), &because);
}

#[test]
fn hosts_that_do_not_reach_each_other_are_refused() {
    let lab = Lab::fresh();
    // Packets to it are dropped without a refusal, as by a firewall.
    let lost = "ip neigh replace 198.51.100.11 lladdr 02:00:00:00:00:01 dev host0";
    lab.must("k3s-server-2", lost);
    lab.must("k3s-nginx", "ip route add unreachable 198.51.100.12");
    // And three that are not what they seem.
    lab.must(
        "k3s-server-1",
        "printf 'ID=sles\nVERSION_ID=15.2\nPRETTY_NAME=\"SUSE Linux Enterprise Server 15 SP2\"\n' >/etc/os-release",
    );
    lab.must(
        "k3s-agent",
        "printf '#!/bin/sh\necho 6.4.0 s390x\n' >/usr/local/bin/uname; \
         chmod 755 /usr/local/bin/uname",
    );
    let id = lab.must("k3s-agent", "cat /etc/machine-id");
    lab.must("k3s-nginx", &format!("echo {} >/etc/machine-id", id.trim()));
    let because = [
        (
            "k3s-server-2, network",
            "it cannot reach k3s-postgres port 5432 (198.51.100.11): no answer within 3 s: is a \
             firewall in between?",
        ),
        (
            "k3s-nginx, network",
            "it cannot reach k3s-server-1 port 6443 (198.51.100.12): No route to host",
        ),
        (
            "k3s-server-1, os",
            "it runs SUSE Linux Enterprise Server 15 SP2: SLES and Leap before 15 SP4 get no more fixes",
        ),
        (
            "k3s-agent, arch",
            "K3s is not released for its architecture, s390x",
        ),
        (
            "k3s-nginx, names",
            "its machine id is the same as that of k3s-agent",
        ),
    ];
    let run = refused(&lab, &Wizard::new(), &because);
    let others = [
        "k3s-server-1, network: FAIL",
        "k3s-agent, network: FAIL",
        "port 10250 (198.51.100.11)",
    ];
    for other in others {
        assert!(!run.text.contains(other), "{}", run.text);
    }
    // A plan starts no listeners, and still finds hosts that do not answer.
    let (code, text) = Wizard::new().plan();
    assert_eq!(code, Some(5));
    told(&text, &because[..2]);
}

/// A firewall rejects or drops; both are reported, with the hosts and the remedy.
#[test]
fn a_firewall_that_turns_away_is_told() {
    let lab = Lab::fresh();
    let from =
        |ip: &str, port: u16, how: &str| format!("-I INPUT -s {ip} -p tcp --dport {port} -j {how}");
    let reset = "REJECT --reject-with tcp-reset";
    let prohibited = "REJECT --reject-with icmp-admin-prohibited";
    lab.iptables("k3s-postgres", &from("198.51.100.12", 5432, reset));
    lab.iptables("k3s-server-1", &from("198.51.100.14", 6443, "DROP"));
    lab.iptables("k3s-agent", &from("198.51.100.13", 10250, prohibited));
    let because = [
        (
            "k3s-server-1, network",
            "it cannot reach k3s-postgres port 5432 (198.51.100.11): refused, although a process \
             listens there: a firewall rejects it On k3s-postgres, allow 198.51.100.12 to 5432/tcp",
        ),
        (
            "k3s-nginx, network",
            "it cannot reach k3s-server-1 port 6443 (198.51.100.12): no answer within 3 s: is a \
             firewall in between? On k3s-server-1, allow 198.51.100.14 to 6443/tcp",
        ),
        (
            "k3s-server-2, network",
            "it cannot reach k3s-agent port 10250 (198.51.100.15): No route to host",
        ),
    ];
    let run = refused(&lab, &Wizard::new(), &because);
    assert_eq!(
        run.text.matches("it cannot reach").count(),
        3,
        "{}",
        run.text
    );
}

/// Killed while hosts try to reach each other, which a firewall that drops makes long.
#[test]
fn a_wizard_that_is_killed_leaves_no_listener() {
    let lab = Lab::fresh();
    let before = picture(&lab);
    let slow = "-p tcp --dport 10250 -j DROP";
    lab.iptables("k3s-agent", &format!("-I INPUT {slow}"));
    let unit = format!("systemctl is-active {}", network::LISTENER);
    let listens = |host: &str| lab.sh(host, &unit).1 == "active\n";
    let wizard = Wizard::new();
    let mut child = wizard.command(&[]).spawn().unwrap();
    while !listens("k3s-server-1") {
        assert!(child.try_wait().unwrap().is_none(), "it was over too soon");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    for host in HOSTS {
        let mut tries = 0;
        while listens(host) {
            tries += 1;
            assert!(tries < 600, "{host} still listens");
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
    }
    assert_eq!(changes(&before, &picture(&lab)), Vec::<String>::new());
}

#[test]
fn a_pooler_and_a_sudo_that_records_are_refused() {
    let lab = Lab::fresh();
    lab.must(
        "k3s-postgres",
        "DEBIAN_FRONTEND=noninteractive apt-get install -y -qq pgbouncer >/dev/null 2>&1 && \
         sed -i 's/^listen_port = .*/listen_port = 5432/' /etc/pgbouncer/pgbouncer.ini && \
         systemctl restart pgbouncer",
    );
    let records = |host: &str, what: &str| {
        let file = "/etc/sudoers.d/records";
        lab.must(host, &format!("echo '{what}' >{file} && chmod 440 {file}"));
    };
    records("k3s-server-1", "Defaults log_output");
    records("k3s-agent", "sles ALL=(ALL:ALL) NOPASSWD: LOG_INPUT: ALL");
    // Not for whom the wizard comes as; and root's own login has no sudo.
    records("k3s-nginx", "Defaults:nobody log_input");
    records("k3s-server-2", "Defaults log_input");
    let sudo = "its sudo logs input or output";
    let because = [
        (
            "k3s-postgres, ports",
            "a pooler, pgbouncer (pgbouncer.service), listens on port 5432: K3s needs its own \
             sessions, and client certificates would end at the pooler Stop it: systemctl disable \
             --now pgbouncer.service",
        ),
        ("k3s-server-1, sudo", &format!("{sudo} (log_output)")),
        ("k3s-agent, sudo", &format!("{sudo} (LOG_INPUT)")),
    ];
    let run = refused(&lab, &Wizard::new(), &because);
    assert_eq!(run.text.matches(": FAIL").count(), 3, "{}", run.text);

    // Its operator may say that this is well.
    lab.must("k3s-postgres", "systemctl disable -q --now pgbouncer");
    let wizard = Wizard::new()
        .answering(|text| text.replace("[cluster]\n", "[cluster]\noverride = [\"sudo\"]\n"));
    let (code, text) = wizard.plan();
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("k3s-agent, sudo: overridden"), "{text}");
}

/// As it is after a wizard that was killed: the listener is no obstacle, and it goes.
#[test]
fn a_listener_that_was_left_is_no_obstacle() {
    let lab = Lab::fresh();
    let at = "198.51.100.14".parse().unwrap();
    let opened = lab.must(
        "k3s-nginx",
        network::listen_script(at, &[6443]).text().unwrap().expose(),
    );
    assert_eq!(opened, "listen=opened\n");
    let seconds = format!(
        "systemctl show -p RuntimeMaxUSec --value {}",
        network::LISTENER
    );
    assert_eq!(lab.must("k3s-nginx", &seconds), "20s\n");
    // Something else stops the run.
    lab.does(&["clock", "k3s-agent", "+1h"]);
    let run = Wizard::new().run();
    assert_eq!(run.status.code(), Some(5), "{}", run.text);
    assert_eq!(run.text.matches(": FAIL").count(), 1, "{}", run.text);
    told(&run.text, &[("k3s-agent, clock", "3600.0 s")]);
    for host in HOSTS {
        let left = lab.must(host, "systemctl list-units --no-legend 'k3s-ha-wizard*'");
        assert_eq!(left, "", "{host}");
    }
}

/// A Postgres with a database, a rule and a setting of another user.
fn somebodys_postgres(lab: &Lab) {
    lab.must(
        "k3s-postgres",
        "DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql >/dev/null 2>&1 && \
         cd / && runuser -u postgres -- psql -q -c 'CREATE DATABASE wiki' && \
         runuser -u postgres -- psql -q -d wiki \
             -c 'CREATE TABLE pages (title text)' -c \"INSERT INTO pages VALUES ('Home')\" && \
         echo 'host wiki wiki 192.0.2.7/32 scram-sha-256' >>/etc/postgresql/15/main/pg_hba.conf && \
         echo 'work_mem = 7MB' >/etc/postgresql/15/main/conf.d/wiki.conf && \
         systemctl reload postgresql@15-main",
    );
}

const OF_OTHERS: &str = "cd / && runuser -u postgres -- psql -X -A -t -d wiki -c 'TABLE pages' \
    -c 'SHOW work_mem' -c \"SELECT type, address FROM pg_hba_file_rules WHERE database = '{wiki}'\"";

#[test]
fn a_postgres_and_a_cluster_of_others_are_left_alone() {
    let lab = Lab::fresh();
    somebodys_postgres(&lab);
    let others = lab.must("k3s-postgres", OF_OTHERS);
    assert_eq!(others, "Home\n7MB\nhost|192.0.2.7\n");
    let existing = "k3s-postgres, existing";
    let serves = "this Postgres also has other databases: wiki; it would be restarted (to \
                  listen on its address)";
    refused(&lab, &Wizard::new(), &[(existing, serves)]);

    // One on another port, and a read-only one.
    let conf = "/etc/postgresql/15/main/postgresql.conf";
    let restart = "systemctl restart postgresql@15-main";
    let standby = "/var/lib/postgresql/15/main/standby.signal";
    for (make, why, undo) in [
        (
            format!("sed -i 's/^port = 5432/port = 5433/' {conf}"),
            "Postgres is installed, but not on port 5432: 15/main on port 5433",
            format!("sed -i 's/^port = 5433/port = 5432/' {conf}"),
        ),
        (
            format!("touch {standby}"),
            "this Postgres is a replica, which is read-only",
            format!("rm {standby}"),
        ),
    ] {
        lab.must("k3s-postgres", &format!("{make} && {restart}"));
        let (code, text) = Wizard::new().plan();
        lab.must("k3s-postgres", &format!("{undo} && {restart}"));
        assert_eq!(code, Some(5), "{text}");
        told(&text, &[(existing, why)]);
    }

    // One whose content cannot be checked.
    lab.must("k3s-postgres", "systemctl stop postgresql@15-main");
    let (code, text) = Wizard::new().plan();
    assert_eq!(code, Some(5), "{text}");
    let stopped = "a Postgres that the wizard did not install, 15/main on port 5432, is not \
                   running: its content cannot be checked Start it, so that the wizard can check \
                   it: pg_ctlcluster 15 main start";
    told(&text, &[(existing, stopped)]);
    lab.must("k3s-postgres", "pg_ctlcluster 15 main start");

    // Shared on the operator's word: what is others' survives.
    let share = |text: String| {
        text.replace(
            "[postgres]\n",
            "[postgres]\nexisting_postgres = \"share\"\n",
        )
    };
    let wizard = Wizard::new().answering(share);
    let run = wizard.run().good();
    assert_eq!(
        *run.outcome("postgres/settings@k3s-postgres"),
        Outcome::Done
    );
    assert_eq!(lab.must("k3s-postgres", OF_OTHERS), others);

    // Stopped, it is still the one that this cluster was let into.
    lab.must("k3s-postgres", "systemctl stop postgresql@15-main");
    let (code, text) = wizard.plan();
    assert_eq!(code, Some(0), "{text}");
    lab.must("k3s-postgres", "systemctl start postgresql@15-main");

    // Another cluster's load balancer.
    let named = Wizard::new()
        .answering(|text| share(text).replace("name = \"lab\"\n", "name = \"shop\"\n"));
    let (code, text) = named.plan();
    assert_eq!(code, Some(5), "{text}");
    let leads = "its load balancer (k3s-lb.service) belongs to another cluster, lab: it forwards to \
                 198.51.100.12:6443, 198.51.100.13:6443";
    told(&text, &[("k3s-nginx, existing", leads)]);

    // Another state folder has other tokens: that is another cluster.
    let other = Wizard::new().answering(share);
    let holds =
        "the database k3s holds a cluster with another token: the servers could not read it";
    let belongs = "it belongs to another cluster: its K3s has another token";
    let because = [
        (existing, holds),
        ("k3s-server-1, existing", belongs),
        ("k3s-server-2, existing", belongs),
        ("k3s-agent, existing", belongs),
    ];
    refused(&lab, &other, &because);

    // A host that was reinstalled under its old name.
    lab.does(&["fresh", "k3s-agent"]);
    let lost = "the cluster has a node k3s-agent, but this host was reinstalled and lost its node \
                password";
    refused(&lab, &wizard, &[("k3s-agent, existing", lost)]);

    // Bare servers, and only the row in Postgres identifies the cluster.
    lab.does(&["fresh", "k3s-server-1", "k3s-server-2", "k3s-nginx"]);
    let run = refused(&lab, &other, &[(existing, holds)]);
    assert_eq!(run.text.matches(": FAIL").count(), 1, "{}", run.text);
    assert_eq!(lab.must("k3s-postgres", OF_OTHERS), others);
}
