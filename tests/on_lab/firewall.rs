//! Hosts with firewalld and with ufw: reported with commands that open them, or opened by the run.
//! The test needs root, and the package sources of the lab's hosts.

use crate::install::must_be_a_cluster;
use crate::lab::{Lab, Wizard};

const FIREWALLD: [&str; 2] = ["k3s-postgres", "k3s-server-1"];
const UFW: [&str; 2] = ["k3s-server-2", "k3s-nginx"];

/// Bare hosts, of which four have a firewall that lets in nothing but SSH.
fn behind_firewalls(lab: &Lab) {
    let install = "export DEBIAN_FRONTEND=noninteractive; apt-get install -y -qq";
    // Postgres' host drops what it does not know; server 1 has the default zone, which rejects.
    let firewalld = |host: &str| {
        let zone = if host == "k3s-postgres" {
            "drop"
        } else {
            "public"
        };
        lab.must(
            host,
            &format!(
                "{install} firewalld >/dev/null 2>&1; firewall-cmd -q --zone={zone} --add-service=ssh
                firewall-cmd -q --permanent --zone={zone} --add-service=ssh
                firewall-cmd -q --set-default-zone={zone}"
            ),
        );
    };
    let ufw = |host: &str| {
        lab.must(
            host,
            &format!(
                "{install} ufw >/dev/null 2>&1
                ufw allow from 198.51.100.1 to any port 22 proto tcp && ufw --force enable"
            ),
        );
    };
    std::thread::scope(|scope| {
        for host in FIREWALLD {
            scope.spawn(move || firewalld(host));
        }
        for host in UFW {
            scope.spawn(move || ufw(host));
        }
    });
}

/// What is not the wizard's to change: the default zone, the policies, whether they run at boot.
fn defaults(lab: &Lab) -> String {
    let firewalld = FIREWALLD.map(|host| {
        lab.must(
            host,
            "firewall-cmd --get-default-zone; systemctl is-enabled firewalld
            firewall-cmd --zone=drop --list-services; firewall-cmd --zone=public --list-services
            systemctl show -p ExecMainStartTimestampMonotonic firewalld",
        )
    });
    let ufw = UFW.map(|host| lab.must(host, "ufw status verbose | grep -E '^(Status|Default)'"));
    firewalld.concat() + &ufw.concat()
}

/// The commands below the check `firewall` of each host.
fn commands(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut host = String::new();
    for line in text.lines() {
        if let Some(name) = line.strip_suffix(", firewall: warning") {
            name.clone_into(&mut host);
        }
        let command = line.trim_start();
        if command.starts_with("firewall-cmd ") || command.starts_with("ufw allow ") {
            found.push((host.clone(), command.to_owned()));
        }
    }
    found
}

#[test]
fn firewalls_are_opened_for_the_links_of_the_cluster() {
    let lab = Lab::fresh();
    behind_firewalls(&lab);
    let before = defaults(&lab);

    // Reported: nothing is changed, and the commands are there.
    let report = Wizard::new();
    let refused = report.run();
    assert_eq!(refused.status.code(), Some(5), "{}", refused.text);
    let pasted = commands(&refused.text);
    for host in FIREWALLD.into_iter().chain(UFW) {
        assert!(
            pasted.iter().any(|(of, _)| of == host),
            "{host}: {}",
            refused.text
        );
    }

    // Opened by the run.
    let wizard = Wizard::new().answering(|text| format!("{text}\n[firewall]\nmanage = \"open\"\n"));
    let run = wizard.run().good();
    must_be_a_cluster(&run);
    for host in FIREWALLD.into_iter().chain(UFW) {
        let step = format!("firewall/open@{host}");
        assert!(run.changed().contains(&step.as_str()), "{step}");
    }
    assert!(!run.changed().contains(&"firewall/open@k3s-agent"));
    assert_eq!(defaults(&lab), before);
    let other = "timeout 2 bash -c '</dev/tcp/198.51.100.11/5432'";
    assert!(
        !lab.sh("k3s-agent", other).0,
        "an agent does not need Postgres"
    );
    assert_eq!(wizard.run().good().changed(), Vec::<&str>::new());

    // The rules are still there after a power cut.
    let hosts = ["k3s-postgres", "k3s-server-1", "k3s-server-2", "k3s-nginx"];
    lab.does(&[&["stop"][..], &hosts].concat());
    lab.does(&[&["start"][..], &hosts].concat());
    lab.must(
        "k3s-postgres",
        "until runuser -u postgres -- psql -qtc 'SELECT 1' >/dev/null 2>&1; do sleep 0.2; done",
    );
    let run = wizard.run().good();
    let changed = run.changed();
    assert!(
        changed.iter().all(|step| !step.starts_with("firewall/")),
        "{changed:?}"
    );

    // What was reported is enough, too.
    lab.does(&["up", "--fresh", "--agents", "1", "--k3s", "stand-in"]);
    behind_firewalls(&lab);
    std::thread::scope(|scope| {
        for host in FIREWALLD.into_iter().chain(UFW) {
            let own = pasted.iter().filter(|(of, _)| of == host);
            let script: Vec<_> = own.map(|(_, command)| command.as_str()).collect();
            let (lab, script) = (&lab, script.join(" &&\n"));
            scope.spawn(move || lab.must(host, &script));
        }
    });
    let run = Wizard::new().run().good();
    must_be_a_cluster(&run);
}
