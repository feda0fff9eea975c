//! Installation from a bundle, on hosts that reach nothing but each other.

use std::time::Duration;

use k3s_ha_wizard::events::What;

use crate::install::must_be_a_cluster;
use crate::lab::{Ended, Lab, Wizard};

/// How many bytes crossed the line to a host in the end, after its connection was lost if it was.
fn sent(run: &Ended, host: &str) -> u64 {
    let mut lines = run.events.iter().filter_map(|event| match &event.what {
        What::Output { step, text, .. } if *step.as_str() == *format!("bundle/send@{host}") => {
            text.strip_prefix("sent ")
        }
        _ => None,
    });
    let line = lines.next().unwrap_or_else(|| panic!("{host}: nothing"));
    line.split(' ').next().unwrap().parse().unwrap()
}

#[test]
#[ignore = "tests/run --all runs it: it takes three minutes"]
fn hosts_without_internet_install_from_a_bundle() {
    let lab = Lab::fresh();
    let wizard = Wizard::new();
    let path = wizard.state.path().join("lab.bundle");
    let path = path.to_str().unwrap();
    let create = ["bundle", "create", "--reference", "k3s-agent", "-o", path];
    let (code, said) = wizard.says(&create);
    assert_eq!(code, Some(0), "{said}");
    let sources: Vec<_> = said.lines().take(3).collect();
    let sources = sources.join("\n");
    let left =
        "ls /var/lib/k3s-ha-wizard 2>/dev/null; ls /var/lib/dpkg/info/nginx.list 2>/dev/null; :";
    assert_eq!(
        lab.must("k3s-agent", left),
        "",
        "nothing stays on the reference host"
    );

    // Neither mirrors nor a name that a name server would be asked for.
    let outside = [
        "install_url",
        "artifact_url",
        "name = \"postgres.lab.internal\"",
    ];
    let wizard = wizard.answering(|text| {
        let inside = text
            .lines()
            .filter(|line| !outside.iter().any(|key| line.starts_with(key)));
        let inside: Vec<_> = inside.collect();
        format!("{}\n\n{sources}\n", inside.join("\n"))
    });
    lab.does(&["network", "off"]);

    // The connection to one server is reset in the middle of its images.
    let rule = "INPUT -p tcp --dport 22 -j REJECT --reject-with tcp-reset";
    let mut cut = false;
    let run = std::thread::scope(|scope| {
        wizard.run_until(|event, _| {
            let What::Output { step, text, .. } = &event.what else {
                return;
            };
            if !cut && step.as_str() == "bundle/send@k3s-server-2" && text.ends_with(" MB") {
                cut = true;
                lab.iptables("k3s-server-2", &format!("-I {rule}"));
                let lab = &lab;
                scope.spawn(move || {
                    std::thread::sleep(Duration::from_secs(2));
                    lab.iptables("k3s-server-2", &format!("-D {rule}"));
                });
            }
        })
    });
    let run = run.good();
    assert!(cut);
    must_be_a_cluster(&run);
    let (whole, rest) = (sent(&run, "k3s-server-1"), sent(&run, "k3s-server-2"));
    assert!(rest > 0 && rest + (30 << 20) < whole, "{rest} of {whole}");
    let nothing = "ls -d /var/lib/k3s-ha-wizard/bundle 2>/dev/null; :";
    for host in crate::lab::HOSTS {
        assert_eq!(lab.must(host, nothing), "", "{host}");
    }

    assert_eq!(wizard.run().good().changed(), Vec::<&str>::new());
    let (code, text) = wizard.says(&["check"]);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(lab.says(&["network", "dropped"]), "0\n");
}
