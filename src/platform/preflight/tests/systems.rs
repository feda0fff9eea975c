//! Which systems will do, and what is said of those on which the wizard was not tried.

use super::*;

#[test]
fn systems_are_refused() {
    let system = |id: &'static str, version: &'static str, name: &'static str| {
        move |facts: &mut Facts| {
            facts.os_id = id.into();
            facts.os_version = version.into();
            facts.os_name = name.into();
        }
    };
    let all = [
        found(DB, system("arch", "", "Arch Linux")),
        found(
            DB,
            system("sles", "15.2", "SUSE Linux Enterprise Server 15 SP2"),
        ),
        found(
            DB,
            system("rhel", "7.9", "Red Hat Enterprise Linux Server 7.9 (Maipo)"),
        ),
        found(DB, |facts| {
            system("sle-micro", "5.5", "SUSE Linux Enterprise Micro 5.5")(facts);
            facts.os_like = "suse".into();
        }),
        // It has the name and the version of SLES 16.
        found(DB, |facts| {
            system("sles", "16.0", "SUSE Linux Micro 6.2")(facts);
            facts.os_variant = "transactional".into();
        }),
        found(SERVER, |facts| facts.systemd = false),
        found(AGENT, |facts| facts.transactional = true),
        found(BALANCER, |facts| facts.read_only = vec!["/usr".into()]),
        found(SERVER, |facts| facts.arch = "s390x".into()),
        found(AGENT, |facts| facts.arch = "riscv64".into()),
        found(AGENT, |facts| {
            facts.arch = "s390x".into();
            facts.k3s.units = vec!["k3s-agent.service".into()];
        }),
        found(SERVER, |facts| {
            facts.addresses[0].ip = "10.0.0.1".parse().unwrap();
        }),
    ];
    insta::assert_snapshot!(all.join("\n"), @r"
    k3s-postgres os FAIL: it runs Arch Linux, which this wizard does not support. It supports Debian, Ubuntu and other derivatives, SLES and Leap from 15 SP4, RHEL, Rocky and Alma from 8 | Use a host with one of them
    k3s-postgres os FAIL: it runs SUSE Linux Enterprise Server 15 SP2: SLES and Leap before 15 SP4 get no more fixes, and their Postgres was 10: before version 12, clientcert=verify-full silently means that no client certificate is needed | Upgrade it to SP4 or later (zypper migration), or use another host
    k3s-postgres os FAIL: it runs Red Hat Enterprise Linux Server 7.9 (Maipo): RHEL before 8 gets no more fixes, and its Postgres is 9: before version 12, clientcert=verify-full silently means that no client certificate is needed | Use a host with RHEL 9 or 10
    k3s-postgres os FAIL: it is a transactional system: packages take effect only after the next boot | Use a host with a writable root file system: SLES instead of SLE Micro, Leap instead of MicroOS
    k3s-postgres os FAIL: it is a transactional system: packages take effect only after the next boot | Use a host with a writable root file system: SLES instead of SLE Micro, Leap instead of MicroOS
    k3s-server-1 os FAIL: it does not run systemd, which every service here needs | Use a host that boots with systemd
    k3s-agent os FAIL: it is a transactional system: packages take effect only after the next boot | Use a host with a writable root file system: SLES instead of SLE Micro, Leap instead of MicroOS
    k3s-nginx os FAIL: it cannot write to /usr | mount -o remount,rw / (and find out why: dmesg | grep -i remount)
    k3s-server-1 arch FAIL: K3s is not released for its architecture, s390x: only for x86_64, aarch64 and armv7l. For s390x the last release was v1.28.4+k3s1, which gets no more fixes; Postgres and the load balancer can run on s390x | Use a host with one of these; or build K3s for s390x, and put it into a bundle: k3s-ha-wizard bundle create, with --k3s s390x=FILE and --images s390x=FILE
    k3s-agent arch FAIL: K3s is not released for its architecture, riscv64: only for x86_64, aarch64 and armv7l | Use a host with one of these; or build K3s for riscv64, and put it into a bundle: k3s-ha-wizard bundle create, with --k3s riscv64=FILE and --images riscv64=FILE
    k3s-agent arch warn: K3s is not released for its architecture, s390x: it runs the one from the bundle, with the fixes that this one has | Make sure that there is an image for this architecture of everything that runs on it
    k3s-server-1 address FAIL: it does not have the address 198.51.100.12, which the other hosts would use. It has 10.0.0.1 | Set node_ip in the answers to its address in the cluster's network
    ");
    let sles_16 = |facts: &mut Facts| {
        system("sles", "16.0", "SUSE Linux Enterprise Server 16.0")(facts);
        facts.os_variant = "server".into();
    };
    assert_eq!(found(DB, sles_16), "");
    assert_eq!(found(DB, |facts| facts.arch = "s390x".into()), "");
    assert_eq!(found(BALANCER, |facts| facts.arch = "s390x".into()), "");
}

/// A notice, which keeps nothing from starting.
#[test]
fn what_was_not_tried_is_said() {
    let mut world = lab();
    let systems = [
        ("debian", "12", "Debian GNU/Linux 12 (bookworm)"),
        ("ubuntu", "24.04", "Ubuntu 24.04.3 LTS"),
        ("sles", "15.7", "SUSE Linux Enterprise Server 15 SP7"),
        ("sles", "15.7", "SUSE Linux Enterprise Server 15 SP7"),
        ("debian", "11", "Debian GNU/Linux 11 (bullseye)"),
    ];
    for (facts, (id, version, name)) in world.facts.iter_mut().zip(systems) {
        facts.os_id = id.into();
        facts.os_version = version.into();
        facts.os_name = name.into();
    }
    let grid = world.grid();
    assert!(grid.is_well(), "{grid}");
    insta::assert_snapshot!(grid.notes[..3].join("\n"), @r"
    Debian GNU/Linux 11 (bullseye) (k3s-agent): the wizard has not been tested on it
    SUSE Linux Enterprise Server 15 SP7 (k3s-server-2, k3s-nginx): the wizard was tested on hosts with its package manager, not on the system itself
    Ubuntu 24.04.3 LTS (k3s-server-1): the wizard has not been tested on it
    ");
}

#[test]
fn an_old_postgres_is_refused_before_it_is_installed() {
    let newest = |version| {
        let mut world = lab();
        world.sources[DB].postgres = Some(version);
        told(&world.grid())
    };
    assert_eq!(newest(15), "");
    insta::assert_snapshot!([newest(14), newest(11)].join("\n"), @r"
    k3s-postgres packages warn: the newest Postgres in its package sources is 14: K3s is tested with 15 and later | Use a host with a newer release, or add the package source of postgresql.org: https://wiki.postgresql.org/wiki/Apt
    k3s-postgres packages FAIL: the newest Postgres in its package sources is 11: before version 12, clientcert=verify-full silently means that no client certificate is needed | Use a host with a newer release, or add the package source of postgresql.org: https://wiki.postgresql.org/wiki/Apt
    ");
}

#[test]
fn a_host_of_no_family_gets_no_commands_of_another() {
    let text = found(AGENT, |facts| {
        facts.os_id = "arch".into();
        facts.ports_seen = false;
    });
    assert!(
        text.contains("ss is not installed | Install iproute2"),
        "{text}"
    );

    let mut world = lab();
    world.facts[SERVER].arch = "s390x".into();
    world.sources[SERVER].bundled = true;
    let said = told(&world.grid());
    assert!(
        said.contains("k3s-server-1 arch warn: K3s is not released"),
        "{said}"
    );
    world.sources[SERVER].download = SourceTrial::Failed("not for s390x".into());
    let said = told(&world.grid());
    assert!(
        said.contains("k3s-server-1 arch FAIL: K3s is not released"),
        "{said}"
    );
}
