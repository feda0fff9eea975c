//! Installation from a bundle, on hosts that reach nothing but each other.

use std::time::Duration;

use k3s_ha_wizard::events::What;

use crate::install::{must_be_a_cluster, must_change_nothing};
use crate::lab::{Ended, HOSTS, KEPT, Lab, Wizard, changes, flat, picture};
use crate::refusals::refused;

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

/// Creates a bundle from these hosts, on which nothing stays. The wizard has it in its answers, with
/// neither mirrors nor a name that a name server would be asked for.
fn with_bundle(lab: &Lab, references: &[&str]) -> Wizard {
    with_bundle_and(lab, references, &[])
}

fn with_bundle_and(lab: &Lab, references: &[&str], options: &[&str]) -> Wizard {
    let wizard = Wizard::new();
    let path = wizard.state.path().join("lab.bundle");
    let mut create = vec!["bundle", "create", "-o", path.to_str().unwrap()];
    create.extend(options);
    create.extend(references.iter().flat_map(|host| ["--reference", host]));
    let before = picture(lab);
    let (code, said) = wizard.says(&create);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(changes(&before, &picture(lab)), Vec::<String>::new());

    let sources: Vec<_> = said.lines().take(3).collect();
    let outside = [
        "install_url",
        "artifact_url",
        "name = \"postgres.lab.internal\"",
    ];
    wizard.answering(|text| {
        let lines = text.lines();
        let inside = lines.filter(|line| !outside.iter().any(|key| line.starts_with(key)));
        let inside: Vec<_> = inside.collect();
        format!("{}\n\n{}\n", inside.join("\n"), sources.join("\n"))
    })
}

/// What came from the bundle is gone, nothing is left to do, and no host has asked anything outside. That
/// is also where the lab's RPMs are.
fn must_be_complete(lab: &Lab, wizard: &Wizard, run: &Ended) {
    must_be_a_cluster(run);
    let nothing = "ls -d /var/lib/k3s-ha-wizard/bundle 2>/dev/null; :";
    for host in HOSTS {
        assert_eq!(lab.must(host, nothing), "", "{host}");
    }
    let before = picture(lab);
    must_change_nothing(&wizard.run().good());
    assert_eq!(changes(&before, &picture(lab)), Vec::<String>::new());
    let (code, text) = wizard.says(&["check"]);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(lab.says(&["network", "dropped"]), "0\n");
}

/// As `SUSEConnect` registers a host: zypper asks such a service before most of what it does.
const REGISTERS: &str = "[ ! -d /etc/zypp ] || {
    mkdir -p /etc/zypp/services.d
    printf '[one]\nenabled=1\nautorefresh=1\nurl=http://203.0.113.9/\ntype=ris\n' \
        >/etc/zypp/services.d/one.service
}";

fn installs_from_a_bundle(family: &str, references: &[&str]) {
    let lab = Lab::of(family);
    let wizard = with_bundle(&lab, references);
    for host in HOSTS {
        lab.must(host, REGISTERS);
    }
    lab.does(&["network", "off"]);
    must_be_complete(&lab, &wizard, &wizard.run().good());
}

#[test]
#[ignore = "tests/run --all runs it: it takes minutes"]
fn suse15() {
    installs_from_a_bundle("suse15", &["k3s-agent"]);
}

#[test]
#[ignore = "tests/run --all runs it: it takes minutes"]
fn rhel9() {
    installs_from_a_bundle("rhel9", &["k3s-agent"]);
}

#[test]
#[ignore = "tests/run --all runs it: it takes minutes"]
fn mixed() {
    installs_from_a_bundle("mixed", &["k3s-postgres", "k3s-nginx"]);
}

#[test]
#[ignore = "tests/run --all runs it: it takes minutes"]
fn suse16() {
    installs_from_a_bundle("suse16", &["k3s-agent"]);
}

#[test]
#[ignore = "tests/run --all runs it: it takes minutes"]
fn rhel10() {
    installs_from_a_bundle("rhel10", &["k3s-agent"]);
}

/// A system whose packages are not in it, and a host that does not trust the key that signed them.
#[test]
fn what_a_bundle_lacks_for_a_family_is_said_before_the_first_change() {
    let lab = Lab::of("mixed");
    let wizard = with_bundle(&lab, &["k3s-nginx"]);
    lab.does(&["network", "off"]);
    let key = lab.must("k3s-nginx", "rpm -q gpg-pubkey --qf '%{VERSION}'");
    lab.must("k3s-nginx", "rpm -e gpg-pubkey 2>/dev/null");
    let untrusted = format!("{}, which it does not trust", key.trim());
    let because = [
        (
            "k3s-postgres, packages",
            "the bundle has no packages for sles 15.7 (x86_64), only for rhel 9 (x86_64)",
        ),
        ("k3s-nginx, packages", &untrusted),
        ("k3s-nginx, packages", "rpm --import FILE"),
    ];
    refused(&lab, &wizard, &because);
    assert_eq!(lab.says(&["network", "dropped"]), "0\n");
}

#[test]
#[ignore = "tests/run --all runs it: it takes minutes"]
fn debian_after_a_connection_was_lost() {
    let lab = Lab::fresh();
    let wizard = with_bundle(&lab, &["k3s-agent"]);
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
    let (whole, rest) = (sent(&run, "k3s-server-1"), sent(&run, "k3s-server-2"));
    assert!(rest > 0 && rest + (30 << 20) < whole, "{rest} of {whole}");
    must_be_complete(&lab, &wizard, &run);
}

/// Machines for which K3s is not released: Postgres and the load balancer run there as anywhere, nodes with
/// a K3s of the operator's own.
#[test]
#[ignore = "tests/run --all runs it: it takes minutes"]
fn machines_without_a_release_of_k3s() {
    let lab = Lab::fresh();
    for host in ["k3s-postgres", "k3s-nginx", "k3s-server-2", "k3s-agent"] {
        lab.does(&["machine", host, "s390x"]);
    }
    let unreleased = "K3s is not released for its architecture, s390x";
    let because = [
        ("k3s-server-2, arch", unreleased),
        (
            "k3s-agent, arch",
            "--k3s s390x=FILE and --images s390x=FILE",
        ),
    ];
    let run = refused(&lab, &Wizard::new(), &because);
    for host in ["k3s-postgres", "k3s-nginx"] {
        assert!(
            !run.text.contains(&format!("{host}, arch: FAIL")),
            "{}",
            run.text
        );
    }

    let release = format!("{KEPT}/mirror/k3s/v1.36.2+k3s1");
    let program = format!("s390x={release}/k3s");
    let images = format!("s390x={release}/k3s-airgap-images-amd64.tar.zst");
    let options = ["--arch", "amd64", "--k3s", &program, "--images", &images];
    let wizard = with_bundle_and(&lab, &["k3s-nginx"], &options);
    lab.does(&["network", "off"]);
    must_be_complete(&lab, &wizard, &wizard.run().good());
    let images = "ls /var/lib/rancher/k3s/agent/images";
    assert_eq!(
        lab.must("k3s-agent", images),
        "k3s-airgap-images-s390x.tar.zst\n"
    );
    assert_eq!(
        lab.must("k3s-server-1", images),
        "k3s-airgap-images-amd64.tar.zst\n"
    );
}

/// It is for another architecture: the one that runs is not replaced.
#[test]
#[ignore = "tests/run --all runs it: it takes minutes"]
fn a_program_that_does_not_run_on_a_host_is_not_installed() {
    let lab = Lab::fresh();
    let program = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(program.path(), b"\x7fELF of another architecture").unwrap();
    let program = format!("x86_64={}", program.path().display());
    let release = format!("{KEPT}/mirror/k3s/v1.36.2+k3s1");
    let images = format!("x86_64={release}/k3s-airgap-images-amd64.tar.zst");
    let wizard = with_bundle_and(
        &lab,
        &["k3s-agent"],
        &["--k3s", &program, "--images", &images],
    );
    let run = wizard.run();
    assert_eq!(run.status.code(), Some(1), "{}", run.text);
    let why = "the program of the bundle is not K3s v1.36.2+k3s1 for this host";
    assert!(flat(&run.text).contains(why), "{}", run.text);
    assert_eq!(
        lab.must("k3s-server-1", "ls /usr/local/bin/k3s* 2>/dev/null; :"),
        ""
    );
}
