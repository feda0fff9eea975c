//! The checks of one host: its system, size, kernel, ports, and what it can reach.

use std::collections::BTreeMap;

use super::{Level, Looked, Requirements, RowDraft};
use crate::answers::{Check, Role};
use crate::platform::network::LISTENER;
use crate::platform::sources::is_released;
use crate::platform::{Facts, ModuleState, Platform, Port, Process, Selinux, SourceTrial, Support};
use crate::topology::MONITOR;

const MIB: u64 = 1024;
const GIB: u64 = 1024 * MIB;

pub(super) fn check(sheet: &mut RowDraft<'_>, wanted: Requirements<'_>) {
    os(sheet, wanted);
    arch(sheet);
    address(sheet);
    cpu(sheet);
    memory(sheet);
    disk(sheet, wanted);
    kernel(sheet);
    ports(sheet, wanted);
    packages(sheet);
    download(sheet, wanted);
    firewall(sheet, wanted);
    sudo(sheet);
}

fn os(sheet: &mut RowDraft<'_>, wanted: Requirements<'_>) {
    sheet.looks_at(Check::Os);
    let facts = sheet.looked.facts;
    match Platform::of(facts).map(|platform| platform.support) {
        None => sheet.fails(
            Check::Os,
            format!(
                "it runs {}, which this wizard does not support. It supports {}",
                system(facts),
                Platform::known()
            ),
            "Use a host with one of them",
        ),
        Some(Support::Refused { cause, remedy }) => {
            sheet.fails(
                Check::Os,
                format!("it runs {}: {cause}", system(facts)),
                remedy,
            );
        }
        Some(Support::Tried | Support::PackageManager | Support::NotTried) => {}
    }
    if sheet.is_of_a_pair(wanted)
        && Platform::of(facts).is_some_and(|of| of.auto_failover.is_none())
    {
        sheet.fails(
            Check::Os,
            format!(
                "{} has no package of pg_auto_failover, which two Postgres hosts need",
                system(facts)
            ),
            "Use Debian 12 or 13 on both Postgres hosts and on the monitor, or one Postgres host",
        );
    }
    if !facts.systemd {
        sheet.fails(
            Check::Os,
            "it does not run systemd, which every service here needs",
            "Use a host that boots with systemd",
        );
    }
    if is_transactional(facts) {
        sheet.fails(
            Check::Os,
            "it is a transactional system: packages take effect only after the next boot",
            "Use a host with a writable root file system: SLES instead of SLE Micro, Leap instead of \
             MicroOS",
        );
    } else if !facts.read_only.is_empty() {
        sheet.fails(
            Check::Os,
            format!("it cannot write to {}", facts.read_only.join(", ")),
            "mount -o remount,rw / (and find out why: dmesg | grep -i remount)",
        );
    }
}

/// The name of the system, for people.
fn system(facts: &Facts) -> &str {
    match &*facts.os_name {
        "" => "an unknown system",
        name => name,
    }
}

/// Whether packages are installed into another root, which is used from the next boot on: it says so,
/// or it is SUSE's Micro or `MicroOS`, whose newest has the name and version of SLES 16.
fn is_transactional(facts: &Facts) -> bool {
    let named = ["micro", "aeon", "kalpa", "transactional"];
    let words = [&facts.os_id, &facts.os_variant];
    let is_named = |word: &&String| named.iter().any(|name| word.contains(name));
    facts.transactional || words.iter().any(is_named)
}

/// What is known of the systems on which the wizard was not tried, or not on themselves.
pub(super) fn notes(hosts: &[Looked<'_>]) -> Vec<String> {
    let mut systems: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for looked in hosts {
        let known = match Platform::of(looked.facts).map(|platform| platform.support) {
            Some(Support::NotTried) => "the wizard has not been tested on it",
            Some(Support::PackageManager) => {
                "the wizard was tested on hosts with its package manager, not on the system itself"
            }
            Some(Support::Tried | Support::Refused { .. }) | None => continue,
        };
        let of = systems.entry((system(looked.facts), known)).or_default();
        of.push(&looked.host.name);
    }
    systems
        .into_iter()
        .map(|((system, known), hosts)| format!("{system} ({}): {known}", hosts.join(", ")))
        .collect()
}

/// Where K3s is not released (docs/facts.md, "Architectures"), a bundle may have one that the operator
/// built; all else can run anywhere.
fn arch(sheet: &mut RowDraft<'_>) {
    if !sheet.is_node() {
        return;
    }
    sheet.looks_at(Check::Arch);
    let Looked { facts, sources, .. } = sheet.looked;
    let arch = &facts.arch;
    if arch.is_empty() || is_released(arch) {
        return;
    }
    let is_bundled = sources.bundled && !matches!(sources.download, SourceTrial::Failed(_));
    if is_bundled || !facts.k3s.units.is_empty() {
        sheet.warns(
            Check::Arch,
            format!(
                "K3s is not released for its architecture, {arch}: it runs the one from the bundle, with the \
                 fixes that this one has"
            ),
            "Make sure that there is an image for this architecture of everything that runs on it",
        );
        return;
    }
    let last = match arch.as_str() {
        "s390x" => {
            ". For s390x the last release was v1.28.4+k3s1, which gets no more fixes; Postgres and \
             the load balancer can run on s390x"
        }
        _ => "",
    };
    sheet.fails(
        Check::Arch,
        format!(
            "K3s is not released for its architecture, {arch}: only for x86_64, aarch64 and \
             armv7l{last}"
        ),
        format!(
            "Use a host with one of these; or build K3s for {arch}, and put it into a bundle: k3s-ha-wizard \
             bundle create, with --k3s {arch}=FILE and --images {arch}=FILE"
        ),
    );
}

fn address(sheet: &mut RowDraft<'_>) {
    let facts = sheet.looked.facts;
    let Some(address) = sheet.looked.host.cluster_ip() else {
        return;
    };
    sheet.looks_at(Check::Address);
    if facts.addresses.is_empty() || facts.has_address(address) {
        return;
    }
    let all = facts.addresses.iter().map(|address| address.ip);
    let outside = all.filter(|ip| !ip.is_loopback());
    let have: Vec<_> = outside.map(|ip| ip.to_string()).collect();
    sheet.fails(
        Check::Address,
        format!(
            "it does not have the address {address}, which the other hosts would use. It has {}",
            have.join(", ")
        ),
        "Set node_ip in the answers to its address in the cluster's network",
    );
}

/// See docs/facts.md, "Requirements".
fn cpu(sheet: &mut RowDraft<'_>) {
    sheet.looks_at(Check::Cpu);
    let cpus = sheet.looked.facts.cpus;
    if sheet.role() == Role::Server && cpus == 1 {
        sheet.fails(Check::Cpu, "it has one CPU: a server needs 2", "Add a CPU");
    }
}

/// See docs/facts.md, "Requirements". A machine sold with 2 GB reports up to a fifth less: firmware
/// and kernel keep some.
fn memory(sheet: &mut RowDraft<'_>) {
    sheet.looks_at(Check::Memory);
    let have = sheet.looked.facts.memory_kib;
    let (least, good, says) = match sheet.role() {
        Role::Server => (1600 * MIB, 1800 * MIB, "a server needs 2 GB"),
        Role::Agent => (
            400 * MIB,
            900 * MIB,
            "an agent needs 512 MB, 1 GB with pods",
        ),
        Role::Postgres => (
            400 * MIB,
            900 * MIB,
            "Postgres needs 512 MB; 2 GB are recommended",
        ),
        Role::LoadBalancer => (100 * MIB, 200 * MIB, "nginx needs 128 MB"),
        Role::Monitor => (400 * MIB, 900 * MIB, "a monitor needs 512 MB"),
    };
    let level = match have {
        0 => return,
        have if have < least => Level::Fails,
        have if have < good => Level::Trial,
        _ => return,
    };
    sheet.add(
        level,
        Check::Memory,
        format!("it has {} MiB of memory: {says}", have / MIB),
        "Add memory",
    );
}

fn disk(sheet: &mut RowDraft<'_>, wanted: Requirements<'_>) {
    sheet.looks_at(Check::Disk);
    let facts = sheet.looked.facts;
    let postgres = Platform::of(facts).map_or("/var/lib", |platform| platform.postgres_data);
    // Required and recommended, in KiB. K3s unpacks itself and its images; an installed one has
    // done so.
    let places: &[(&str, u64, u64)] = match sheet.role() {
        Role::Server | Role::Agent => &[
            ("/var/lib/rancher", 3 * GIB / 2, 5 * GIB),
            ("/tmp", 150 * MIB, 0),
        ],
        // A member keeps up to 4 GB of the log for its standby.
        Role::Postgres if sheet.is_of_a_pair(wanted) => &[(postgres, 6 * GIB, 10 * GIB)],
        Role::Postgres => &[(postgres, 512 * MIB, 2 * GIB), ("/", 200 * MIB, 0)],
        Role::LoadBalancer | Role::Monitor => &[("/", 100 * MIB, 0)],
    };
    let installed = facts.k3s.ours || facts.postgres.ours;
    for (path, least, good) in places {
        let Some(disk) = facts.disk(path) else {
            continue;
        };
        let free = disk.free_kib;
        // The kubelet evicts pods when less than 5 % of the disk is free.
        let pressed = sheet.is_node() && *good > 0 && free * 20 < disk.total_kib;
        let level = if free < 50 * MIB || pressed || (free < *least && !installed) {
            Level::Fails
        } else if free < *least.max(good) {
            Level::Trial
        } else {
            continue;
        };
        let needs = if pressed && free >= *least {
            "pods are evicted when less than 5 % is free".to_owned()
        } else if level == Level::Fails {
            format!("{} MiB are needed", least / MIB)
        } else {
            format!("{} MiB are recommended", least.max(good) / MIB)
        };
        sheet.add(
            level,
            Check::Disk,
            format!("{path} has {} MiB free: {needs}", free / MIB),
            format!("Free some space: du -xh {} | sort -h | tail", disk.path),
        );
    }
}

/// What K3s cannot do without (docs/facts.md, "Requirements"). In a container the kernel is that of
/// another machine, and what is seen of it says little.
fn kernel(sheet: &mut RowDraft<'_>) {
    if !sheet.is_node() {
        return;
    }
    sheet.looks_at(Check::Kernel);
    let facts = sheet.looked.facts;
    let level = if facts.is_container() {
        Level::Warns
    } else {
        Level::Fails
    };
    if let Some(on) = &facts.cgroup_controllers {
        let off: Vec<_> = ["cpu", "cpuset", "memory"]
            .into_iter()
            .filter(|name| !on.iter().any(|on| on == name))
            .collect();
        if !off.is_empty() {
            sheet.add(
                level,
                Check::Kernel,
                format!(
                    "the kernel has these cgroup controllers off: {}",
                    off.join(", ")
                ),
                "Add cgroup_enable=memory cgroup_memory=1 to the kernel's command line \
                 (/boot/firmware/cmdline.txt on a Raspberry Pi) and reboot",
            );
        }
    }
    let missing = facts
        .modules
        .iter()
        .filter(|(_, state)| **state == ModuleState::Missing);
    let missing: Vec<_> = missing.map(|(name, _)| name.as_str()).collect();
    if !missing.is_empty() {
        sheet.add(
            level,
            Check::Kernel,
            format!("the kernel has no module {}", missing.join(", ")),
            Platform::remedies(facts).module_missing,
        );
    }
}

/// The ports that a role listens on, and whether they are UDP (docs/facts.md, "Ports").
fn needed(role: Role, wanted: Requirements<'_>) -> Vec<(u16, bool)> {
    let tcp = |ports: &[u16]| ports.iter().map(|port| (*port, false)).collect::<Vec<_>>();
    match role {
        Role::Postgres => tcp(&[wanted.answers.postgres.port]),
        Role::LoadBalancer => tcp(&[wanted.answers.load_balancer.port]),
        Role::Monitor => tcp(&[MONITOR]),
        Role::Server => {
            let mut ports = tcp(&[6443, 6444, 10250, 10248, 10249, 10256, 10257, 10259]);
            ports.push((8472, true));
            ports
        }
        Role::Agent => {
            let mut ports = tcp(&[6444, 10250, 10248, 10249, 10256]);
            ports.push((8472, true));
            ports
        }
    }
}

fn ports(sheet: &mut RowDraft<'_>, wanted: Requirements<'_>) {
    sheet.looks_at(Check::Ports);
    let facts = sheet.looked.facts;
    if !facts.ports_seen {
        sheet.warns(
            Check::Ports,
            "the listening processes cannot be read: ss is not installed",
            Platform::remedies(facts).ss_missing,
        );
        return;
    }
    let roles = sheet.looked.host.roles.iter();
    let needed: Vec<_> = roles.flat_map(|role| needed(*role, wanted)).collect();
    for port in &facts.ports {
        if !needed.contains(&(port.number, port.udp)) || is_the_roles_own(sheet, port) {
            continue;
        }
        let number = port.number;
        if port.program.is_empty() && port.udp {
            sheet.warns(
                Check::Ports,
                format!("the kernel uses port {number}/udp: another pod network was here"),
                format!("ip -d link show type vxlan; ip link delete the one with dstport {number}"),
            );
            continue;
        }
        let holder = match (&*port.program, &*port.unit) {
            ("", _) => "a process".to_owned(),
            (program, "") => format!("{program} (process {})", port.process),
            (program, unit) => format!("{program} ({unit})"),
        };
        let end = match &*port.unit {
            "" if port.process.is_empty() => "Stop it".to_owned(),
            "" => format!("Stop it: kill {}", port.process),
            unit => format!("Stop it: systemctl disable --now {unit}; or move it to another port"),
        };
        let other = match sheet.role() {
            Role::Postgres => ", or set another port under [postgres] in the answers",
            Role::LoadBalancer => ", or set another port under [load_balancer] in the answers",
            Role::Server | Role::Agent | Role::Monitor => "",
        };
        let cause = match (sheet.role(), &*port.program) {
            (Role::Postgres, "pgbouncer" | "pgpool" | "odyssey" | "pgcat") => format!(
                "a pooler, {holder}, listens on port {number}: K3s needs its own sessions, and \
                 client certificates would end at the pooler"
            ),
            _ => format!("{holder} listens on port {number}"),
        };
        sheet.fails(Check::Ports, cause, format!("{end}{other}"));
    }
}

/// Whether the listener is what the role installs: then `existing` checks it. Or the wizard's own,
/// left by a killed run: it soon ends by itself.
fn is_the_roles_own(sheet: &RowDraft<'_>, port: &Port) -> bool {
    if port.unit == LISTENER {
        return true;
    }
    let facts = sheet.looked.facts;
    let kernel = port.program.is_empty() && port.udp;
    let mut roles = sheet.looked.host.roles.iter();
    roles.any(|role| match role {
        Role::Postgres => is_postgres(port),
        Role::LoadBalancer => port.unit == "k3s-lb.service",
        Role::Monitor => port.unit == "k3s-postgres-monitor.service",
        Role::Server | Role::Agent => {
            let is_k3s = port.program.starts_with("k3s") || port.unit.starts_with("k3s");
            is_k3s || (kernel && facts.k3s.program)
        }
    })
}

/// Whether Postgres itself listens there, not a pooler.
pub(super) fn is_postgres(port: &Port) -> bool {
    port.program.starts_with("postgres") || port.program == "postmaster"
}

fn packages(sheet: &mut RowDraft<'_>) {
    sheet.looks_at(Check::Packages);
    let facts = sheet.looked.facts;
    let remedies = Platform::remedies(facts);
    // A step that an earlier run left running is waited for.
    if !sheet.looked.busy {
        for Process { id, program } in &facts.packages_busy {
            sheet.warns(
                Check::Packages,
                format!("{program} (process {id}) is using the package manager"),
                format!(
                    "The run waits for it, at most 10 min. To wait now: tail --pid={id} -f \
                     /dev/null"
                ),
            );
        }
        if facts.packages_interrupted && facts.packages_busy.is_empty() {
            sheet.warns(
                Check::Packages,
                "an installation was interrupted: the run finishes it first",
                remedies.packages_interrupted,
            );
        }
    }
    if let Some(version) = sheet.looked.sources.postgres {
        let cause = format!("the newest Postgres in its package sources is {version}");
        if let Some((level, why)) = super::old_postgres(version) {
            sheet.add(
                level,
                Check::Packages,
                format!("{cause}: {why}"),
                remedies.postgres_old,
            );
        }
    }
    let (cause, remedy) = match &sheet.looked.sources.packages {
        SourceTrial::Failed(why) if sheet.looked.sources.bundled => (
            format!("packages cannot be installed from the bundle: {why}"),
            OTHER_BUNDLE,
        ),
        SourceTrial::Failed(why) => (
            format!("packages cannot be downloaded: {why}"),
            remedies.packages_unreached,
        ),
        SourceTrial::Untrusted(keys) => (
            format!(
                "packages of the bundle are signed with the key {keys}, which it does not trust"
            ),
            remedies.packages_untrusted,
        ),
        SourceTrial::Not | SourceTrial::Reached | SourceTrial::Later(_) => return,
    };
    sheet.fails(Check::Packages, cause, remedy);
}

/// What to do about what a bundle lacks.
const OTHER_BUNDLE: &str = "Create another bundle: k3s-ha-wizard bundle create, with --reference NAME for a \
                            host of the same distribution, release and architecture (or --arch for K3s)";

fn download(sheet: &mut RowDraft<'_>, wanted: Requirements<'_>) {
    if !sheet.is_node() {
        return;
    }
    sheet.looks_at(Check::Download);
    match &sheet.looked.sources.download {
        SourceTrial::Failed(why) if sheet.looked.sources.bundled => {
            let cause = format!("K3s cannot be installed from the bundle: {why}");
            sheet.fails(Check::Download, cause, OTHER_BUNDLE);
        }
        SourceTrial::Failed(why) => {
            let mirror = match wanted.answers.k3s.artifact_url {
                Some(_) => "Check install_url, artifact_url and version under [k3s]",
                None => "Open the network path, or set a mirror as artifact_url under [k3s]",
            };
            sheet.fails(
                Check::Download,
                format!("K3s cannot be downloaded: {why}"),
                mirror,
            );
        }
        SourceTrial::Later(why) => {
            let cause = format!("it is unknown whether K3s can be downloaded: {why}");
            sheet.warns(
                Check::Download,
                cause,
                Platform::remedies(sheet.looked.facts).download_unknown,
            );
        }
        SourceTrial::Not | SourceTrial::Reached | SourceTrial::Untrusted(_) => {}
    }
}

/// Reported with the commands, where the wizard does not open it itself.
fn firewall(sheet: &mut RowDraft<'_>, wanted: Requirements<'_>) {
    sheet.looks_at(Check::Firewall);
    let facts = sheet.looked.facts;
    let settings = &wanted.answers.k3s.server_config;
    let openings = wanted.topology.openings(&sheet.looked.host.name, settings);
    for firewall in &facts.firewalls {
        if wanted.answers.firewall.opens(firewall.can_be_opened()) {
            continue;
        }
        let remedy = firewall.opens(&openings);
        let mut text = String::new();
        if firewall.can_be_opened() {
            text.push_str("Set manage = \"open\" under [firewall], or allow the links. ");
        }
        if facts.runs_our_k3s() {
            text.push_str("Do not reload it: K3s must be restarted after a reload. ");
        }
        text.push_str(&remedy.text());
        sheet.warns(Check::Firewall, remedy.cause, text);
    }
    if facts.selinux == Selinux::Enforcing {
        sheet.warns(
            Check::Firewall,
            "SELinux is enforcing: the run sets what nginx and K3s need. This has not been tested on an \
             enforcing host",
            "ausearch -m avc -ts recent shows what it blocked",
        );
    }
}

/// A sudo that records keeps every script that goes through it, and what it prints: the token, the
/// database's password, private keys (docs/ssh.md, "sudo"). Nothing of these has been sent when this
/// is known.
fn sudo(sheet: &mut RowDraft<'_>) {
    let facts = sheet.looked.facts;
    if !facts.through_sudo {
        return;
    }
    sheet.looks_at(Check::Sudo);
    if facts.sudo_logs.is_empty() {
        return;
    }
    let logs = facts.sudo_logs.join(", ");
    sheet.fails(
        Check::Sudo,
        format!(
            "its sudo logs input or output ({logs}): the cluster's secrets would stay in its logs"
        ),
        "visudo: Defaults:USER !log_input, !log_output, for the user of this login (and \
         NOLOG_INPUT and NOLOG_OUTPUT in rules that have the opposite tags); or log in as root",
    );
}
