//! The whole job where a proxy with a password is the only way out. It needs root.

use k3s_ha_wizard::events::{Outcome, What};

use crate::install::must_be_a_cluster;
use crate::lab::{HOSTS, KEPT, Lab, Wizard};

const NODES: [&str; 3] = ["k3s-server-1", "k3s-server-2", "k3s-agent"];

/// The files of a host that others than root can read, and the arguments of its processes, in which a
/// text stands. The text is in no argument list itself.
fn exposed(lab: &Lab, host: &str, secret: &str) -> String {
    let script = format!(
        "umask 077; cat >/run/wanted <<'WANTED'\n{secret}\nWANTED
        find /etc /run /tmp /var /usr/local /root /home -xdev -type f -perm /044 -print0 2>/dev/null |
            xargs -0 grep -lFf /run/wanted 2>/dev/null
        for one in /proc/[0-9]*/cmdline; do
            tr '\\0' ' ' <\"$one\" 2>/dev/null | grep -Ff /run/wanted
        done
        journalctl --no-pager -o cat 2>/dev/null | grep -Ff /run/wanted | head -n 3
        rm -f /run/wanted; :"
    );
    lab.must(host, &script)
}

#[test]
fn a_cluster_is_installed_through_a_proxy_whose_password_nobody_sees() {
    let lab = Lab::fresh();
    lab.does(&["proxy", "on"]);
    let url = std::fs::read_to_string(format!("{KEPT}/proxy/url")).unwrap();
    let password = url.split([':', '@']).nth(2).unwrap().to_owned();

    let (code, text) = Wizard::new().plan();
    assert_eq!(code, Some(5), "{text}");
    assert!(text.contains("cannot be downloaded"), "{text}");

    let file = format!("{{ file = \"{KEPT}/proxy/url\" }}");
    let more = format!(
        "\n[proxy]\nhttp = {file}\nhttps = {file}\n
        [registries.mirrors.\"docker.io\"]\nendpoint = [\"http://198.51.100.1:5000\"]\n
        [registries.configs.\"198.51.100.1:5000\"]\nusername = \"lab\"\npassword = {file}\n"
    );
    let wizard = Wizard::new().answering(|text| text + &more);
    let (code, text) = wizard.says(&["plan", "--scripts", "/dev/stdout"]);
    assert!(!text.contains(&password), "{code:?}");

    let mut while_it_runs = String::new();
    let run = wizard.run_until(|event, _| {
        if let What::StepApplies { step } = &event.what
            && step.as_str() == "k3s/install@k3s-server-2"
        {
            while_it_runs = exposed(&lab, "k3s-server-2", &password);
        }
    });
    let run = run.good();
    must_be_a_cluster(&run);
    assert_eq!(while_it_runs, "");
    assert!(!run.text.contains(&password));
    let kept = std::process::Command::new("grep")
        .args(["-rlF", &password])
        .arg(wizard.state.path())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(kept.stdout).unwrap(), "");
    for host in HOSTS {
        assert_eq!(exposed(&lab, host, &password), "", "{host}");
    }
    for node in NODES {
        let service = if node == "k3s-agent" {
            "k3s-agent"
        } else {
            "k3s"
        };
        let script = format!(
            "stat -c '%a %U' /etc/systemd/system/{service}.service.env /etc/rancher/k3s/registries.yaml
            tr '\\0' '\\n' </proc/$(systemctl show -p MainPID --value {service})/environ |
                grep -E '^[A-Z_]*PROXY=' | cut -d= -f1 | sort"
        );
        let told = lab.must(node, &script);
        let wanted = "600 root\n600 root\nCONTAINERD_HTTPS_PROXY\nCONTAINERD_HTTP_PROXY\nCONTAINERD_NO_PROXY\n";
        assert_eq!(told, wanted, "{node}");
    }

    let again = wizard.run().good();
    let unchanged = again
        .outcomes()
        .all(|(_, outcome)| *outcome == Outcome::Unchanged);
    assert!(unchanged, "{:?}", again.changed());

    // Without it: the nodes restart one at a time, and nothing of it is left on them.
    lab.does(&["proxy", "off"]);
    let wizard = Wizard::new().with_state_of(wizard);
    let run = wizard.run().good();
    let changed = run.changed();
    for node in NODES {
        let kind = if node == "k3s-agent" { "agent" } else { "k3s" };
        for step in ["config", "install", "start"] {
            let step = format!("{kind}/{step}@{node}");
            assert!(changed.contains(&step.as_str()), "{step}: {changed:?}");
        }
        lab.must(
            node,
            "! ls /etc/systemd/system/k3s*.service.env /etc/rancher/k3s/registries.yaml 2>/dev/null",
        );
    }
    assert_eq!(wizard.run().good().changed(), Vec::<&str>::new());
}
