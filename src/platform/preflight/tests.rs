mod systems;

use super::*;
use crate::answers::ManageFirewall;
use crate::platform::firewall::Firewall;
use crate::platform::network::Contact;
use crate::platform::{
    Disk, InterfaceAddress, ModuleState, Port, Process, Selinux, SourceTrial, UnitState,
};
use crate::topology::{Link, Replacement, Topology};

pub(super) const TOKEN: &str = "0123456789ab";
pub(super) const AGENT_TOKEN: &str = "ba9876543210";

/// Hosts that were looked at.
pub(super) struct PreflightWorld {
    pub(super) answers: Answers,
    pub(super) facts: Vec<Facts>,
    pub(super) sources: Vec<Sources>,
    pub(super) links: Vec<Vec<(Link, Contact)>>,
    pub(super) external: Vec<Option<ExternalSight>>,
    pub(super) replaced: Option<Replacement>,
    busy: bool,
    /// The host that is lost.
    lost: Option<usize>,
}

/// The hosts of the lab, on which all is well.
pub(super) fn lab() -> PreflightWorld {
    world(Answers::from_toml(include_str!("../../../tests/lab/answers.toml")).unwrap())
}

/// The hosts of these answers, on which all is well.
pub(super) fn world(answers: Answers) -> PreflightWorld {
    let facts = answers.hosts.iter().map(good).collect();
    let sources = answers.hosts.iter().map(|_| Sources {
        bundled: false,
        packages: SourceTrial::Reached,
        download: SourceTrial::Reached,
        postgres: None,
    });
    let reached = |host: &Host| {
        let links = Topology::of(&answers).unwrap().links().into_iter();
        let own = links.filter(|link| link.from == host.name);
        own.map(|link| (link, Contact::Reached)).collect()
    };
    PreflightWorld {
        sources: sources.collect(),
        links: answers.hosts.iter().map(reached).collect(),
        external: vec![None; answers.hosts.len()],
        facts,
        answers,
        replaced: None,
        busy: false,
        lost: None,
    }
}

pub(super) fn good(host: &Host) -> Facts {
    let disk = |path: &str| Disk {
        path: path.into(),
        free_kib: 20 << 20,
        total_kib: 40 << 20,
    };
    let module = |name: &str| (name.to_owned(), ModuleState::Loaded);
    Facts {
        os_id: "debian".into(),
        os_version: "12".into(),
        os_name: "Debian GNU/Linux 12 (bookworm)".into(),
        arch: "x86_64".into(),
        hostname: host.name.clone(),
        machine_id: format!("machine of {}", host.name),
        boot_id: "one machine, five containers".into(),
        systemd: true,
        clock_ahead: Some(0.1),
        cpus: 2,
        memory_kib: 4 << 20,
        disks: vec![disk("/"), disk("/var/lib"), disk("/tmp")],
        addresses: vec![InterfaceAddress {
            interface: "eth0".into(),
            ip: host.cluster_ip().unwrap(),
            prefix: 24,
        }],
        ports_seen: true,
        cgroup_controllers: Some(["cpuset", "cpu", "memory"].map(str::to_owned).into()),
        modules: ["br_netfilter", "overlay"].map(module).into(),
        ..Facts::default()
    }
}

impl PreflightWorld {
    /// Takes a host away.
    pub(super) fn without(&mut self, host: usize) {
        self.answers.hosts.remove(host);
        self.facts.remove(host);
        self.sources.remove(host);
        self.links.remove(host);
        self.external.remove(host);
    }

    pub(super) fn grid(&self) -> Grid {
        let looked: Vec<_> = self
            .answers
            .hosts
            .iter()
            .zip(&self.facts)
            .zip(self.sources.iter().zip(&self.links))
            .enumerate()
            .map(|(place, ((host, facts), (sources, links)))| Looked {
                host,
                facts,
                sources,
                links,
                external: self.external.get(place).and_then(Option::as_ref),
                busy: self.busy,
                lost: (self.lost == Some(place)).then_some("it is gone"),
            })
            .collect();
        let topology = Topology::of(&self.answers).unwrap();
        let wanted = Requirements {
            topology: &topology,
            answers: &self.answers,
            token: TOKEN,
            agent_token: AGENT_TOKEN,
            dba_sql: Some("/state/postgres.sql"),
            replaced: self.replaced.as_ref(),
        };
        grid(wanted, &looked)
    }
}

pub(super) const DB: usize = 0;
pub(super) const SERVER: usize = 1;
pub(super) const BALANCER: usize = 3;
pub(super) const AGENT: usize = 4;

/// The lab with one host changed: what its grid says, `host, check: level: cause | remedy`.
pub(super) fn found(host: usize, change: impl FnOnce(&mut Facts)) -> String {
    let mut world = lab();
    change(&mut world.facts[host]);
    told(&world.grid())
}

pub(super) fn told(grid: &Grid) -> String {
    let mut lines = Vec::new();
    for level in [Level::Fails, Level::Overridden, Level::Trial, Level::Warns] {
        for (host, check, cell) in grid.of(level) {
            for finding in &cell.findings {
                let (word, cause, remedy) = (level.word(), &finding.cause, &finding.remedy);
                lines.push(format!("{host} {check} {word}: {cause} | {remedy}"));
            }
        }
    }
    lines.join("\n")
}

pub(super) fn port(number: u16, program: &str, unit: &str) -> Port {
    Port {
        number,
        program: program.into(),
        process: "811".into(),
        unit: unit.into(),
        udp: false,
    }
}

#[test]
fn the_lab_is_fit() {
    let grid = lab().grid();
    assert!(grid.passes());
    assert_eq!(grid.warnings(), []);
    let text = grid.to_string();
    assert!(text.ends_with("Fit for production.\n"), "{text}");
    assert!(
        !["FAIL", "warn", "over"]
            .iter()
            .any(|word| text.contains(word))
    );
}

#[test]
fn what_cannot_be_known_is_no_failure() {
    let mut world = lab();
    for facts in &mut world.facts {
        *facts = Facts {
            os_id: "debian".into(),
            systemd: true,
            ..Facts::default()
        };
    }
    world.sources = vec![Sources::default(); world.facts.len()];
    world.links = vec![Vec::new(); world.facts.len()];
    let grid = world.grid();
    assert!(grid.passes(), "{grid}");
}

#[test]
fn sizes_are_refused() {
    let disk = |path: &str, free_kib, total_kib| {
        let path = path.to_owned();
        move |facts: &mut Facts| {
            facts.disks.push(Disk {
                path,
                free_kib,
                total_kib,
            });
        }
    };
    let all = [
        found(SERVER, |facts| facts.cpus = 1),
        found(SERVER, |facts| facts.memory_kib = 1_500_000),
        found(SERVER, |facts| facts.memory_kib = 1_800_000),
        found(AGENT, |facts| facts.memory_kib = 300_000),
        found(DB, |facts| facts.memory_kib = 500_000),
        found(BALANCER, |facts| facts.memory_kib = 64_000),
        found(SERVER, disk("/var/lib/rancher", 1 << 20, 40 << 20)),
        found(SERVER, disk("/var/lib/rancher", 3 << 20, 40 << 20)),
        found(AGENT, disk("/var/lib/rancher", 3 << 20, 400 << 20)),
        found(DB, disk("/var/lib/postgresql", 300 << 10, 40 << 20)),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    k3s-server-1 cpu FAIL: it has one CPU: a server needs 2 | Add a CPU
    k3s-server-1 memory FAIL: it has 1464 MiB of memory: a server needs 2 GB | Add memory
    k3s-server-1 memory try: it has 1757 MiB of memory: a server needs 2 GB | Add memory
    k3s-agent memory FAIL: it has 292 MiB of memory: an agent needs 512 MB, 1 GB with pods | Add memory
    k3s-postgres memory try: it has 488 MiB of memory: Postgres needs 512 MB; 2 GB are recommended | Add memory
    k3s-nginx memory FAIL: it has 62 MiB of memory: nginx needs 128 MB | Add memory
    k3s-server-1 disk FAIL: /var/lib/rancher has 1024 MiB free: 1536 MiB are needed | Free some space: du -xh /var/lib/rancher | sort -h | tail
    k3s-server-1 disk try: /var/lib/rancher has 3072 MiB free: 5120 MiB are recommended | Free some space: du -xh /var/lib/rancher | sort -h | tail
    k3s-agent disk FAIL: /var/lib/rancher has 3072 MiB free: pods are evicted when less than 5 % is free | Free some space: du -xh /var/lib/rancher | sort -h | tail
    k3s-postgres disk FAIL: /var/lib/postgresql has 300 MiB free: 512 MiB are needed | Free some space: du -xh /var/lib/postgresql | sort -h | tail
    "#);
    // What is installed already needs no room for itself.
    let installed = |facts: &mut Facts| {
        disk("/var/lib/rancher", 2 << 20, 20 << 20)(facts);
        facts.k3s.ours = true;
    };
    let text = found(SERVER, installed);
    assert!(text.starts_with("k3s-server-1 disk try"), "{text}");
}

#[test]
fn clocks_and_names_are_compared() {
    let same = |facts: &mut Facts| facts.hostname = "k3s-agent".into();
    let copy = |facts: &mut Facts| {
        facts.machine_id = "machine of k3s-agent".into();
        facts.boot_id = "of its own".into();
    };
    let twice = |facts: &mut Facts| facts.machine_id = "machine of k3s-agent".into();
    let all_are = |ahead| {
        let mut world = lab();
        for facts in &mut world.facts {
            facts.clock_ahead = Some(ahead);
        }
        told(&world.grid())
    };
    let (early, late) = (all_are(-7200.0), all_are(90.0));
    let all = [
        found(SERVER, |facts| facts.clock_ahead = Some(3600.0)),
        found(DB, |facts| facts.clock_ahead = Some(-4.0)),
        found(BALANCER, |facts| facts.clock_ahead = Some(-4.0)),
        found(AGENT, |facts| facts.clock_ahead = Some(2.5)),
        found(SERVER, same),
        found(SERVER, copy),
        found(SERVER, twice),
        early.lines().next().unwrap().to_owned(),
        late.lines().next().unwrap().to_owned(),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    k3s-server-1 clock FAIL: its clock is 3599.9 s ahead of the other hosts; K3s and its certificates allow 3 s | timedatectl set-ntp true, and wait for "System clock synchronized: yes"
    k3s-postgres clock FAIL: its clock is 4.1 s behind the other hosts; K3s and its certificates allow 3 s | timedatectl set-ntp true, and wait for "System clock synchronized: yes"
    k3s-nginx clock try: its clock is 4.1 s behind the other hosts | timedatectl set-ntp true, and wait for "System clock synchronized: yes"
    k3s-agent clock try: its clock is 2.4 s ahead of the other hosts | timedatectl set-ntp true, and wait for "System clock synchronized: yes"
    k3s-server-1 names FAIL: its host name, k3s-agent, is the same as that of k3s-agent | hostnamectl set-hostname k3s-server-1
    k3s-agent names FAIL: its host name, k3s-agent, is the same as that of k3s-server-1 | hostnamectl set-hostname k3s-agent
    k3s-server-1 names FAIL: its machine id is the same as that of k3s-agent: it is a clone | rm -f /etc/machine-id /var/lib/dbus/machine-id; systemd-machine-id-setup; reboot
    k3s-agent names FAIL: its machine id is the same as that of k3s-server-1: it is a clone | rm -f /etc/machine-id /var/lib/dbus/machine-id; systemd-machine-id-setup; reboot
    k3s-server-1 names FAIL: it is the same machine as k3s-agent | Use a separate machine for every host in the answers
    k3s-agent names FAIL: it is the same machine as k3s-server-1 | Use a separate machine for every host in the answers
    k3s-postgres clock FAIL: this machine's clock is 7200 s ahead of all hosts: they would refuse certificates created here | Set this machine's clock, or those of all hosts: timedatectl set-ntp true
    k3s-postgres clock warn: this machine's clock is 90 s behind all hosts: the times in its logs and reports are wrong | Set this machine's clock, or those of all hosts: timedatectl set-ntp true
    "#);
    assert_eq!(early.lines().count(), 5);
}

#[test]
fn kernels_are_refused() {
    let no_memory = |facts: &mut Facts| {
        facts.cgroup_controllers = Some(["cpuset", "cpu"].map(str::to_owned).into());
    };
    let no_module = |facts: &mut Facts| {
        facts
            .modules
            .insert("br_netfilter".into(), ModuleState::Missing);
    };
    let in_container = |facts: &mut Facts| {
        no_module(facts);
        facts.container = "systemd-nspawn".into();
    };
    let all = [
        found(SERVER, no_memory),
        found(AGENT, no_module),
        found(AGENT, in_container),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    k3s-server-1 kernel FAIL: the kernel has these cgroup controllers off: memory | Add cgroup_enable=memory cgroup_memory=1 to the kernel's command line (/boot/firmware/cmdline.txt on a Raspberry Pi) and reboot
    k3s-agent kernel FAIL: the kernel has no module br_netfilter | apt-get install linux-modules-extra-$(uname -r), or the kernel of the distribution
    k3s-agent kernel warn: the kernel has no module br_netfilter | apt-get install linux-modules-extra-$(uname -r), or the kernel of the distribution
    "#);
    assert_eq!(found(DB, no_memory), "");
}

#[test]
fn ports_of_others_are_refused() {
    let holds = |held: Port| move |facts: &mut Facts| facts.ports.push(held);
    let vxlan = Port {
        udp: true,
        number: 8472,
        ..Port::default()
    };
    let all = [
        found(BALANCER, holds(port(6443, "nginx", "nginx.service"))),
        found(BALANCER, holds(port(6443, "haproxy", "haproxy.service"))),
        found(SERVER, holds(port(10250, "kubelet", ""))),
        found(DB, holds(port(5432, "pgbouncer", "pgbouncer.service"))),
        found(AGENT, holds(vxlan.clone())),
        found(AGENT, |facts| facts.ports_seen = false),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    k3s-nginx ports FAIL: nginx (nginx.service) listens on port 6443 | Stop it: systemctl disable --now nginx.service; or move it to another port, or set another port under [load_balancer] in the answers
    k3s-nginx ports FAIL: haproxy (haproxy.service) listens on port 6443 | Stop it: systemctl disable --now haproxy.service; or move it to another port, or set another port under [load_balancer] in the answers
    k3s-server-1 ports FAIL: kubelet (process 811) listens on port 10250 | Stop it: kill 811
    k3s-postgres ports FAIL: a pooler, pgbouncer (pgbouncer.service), listens on port 5432: K3s needs its own sessions, and client certificates would end at the pooler | Stop it: systemctl disable --now pgbouncer.service; or move it to another port, or set another port under [postgres] in the answers
    k3s-agent ports warn: the kernel uses port 8472/udp: another pod network was here | ip -d link show type vxlan; ip link delete the one with dstport 8472
    k3s-agent ports warn: the listening processes cannot be read: ss is not installed | apt-get install iproute2
    "#);
    for (host, held) in [
        (BALANCER, port(80, "nginx", "nginx.service")),
        (BALANCER, port(6443, "nginx", "k3s-lb.service")),
        (DB, port(5432, "postgres", "postgresql@15-main.service")),
        (SERVER, port(6443, "k3s-server", "k3s.service")),
        (AGENT, port(6443, "nginx", "nginx.service")),
    ] {
        assert_eq!(found(host, holds(held)), "");
    }
    let ours = |facts: &mut Facts| {
        facts.ports.push(vxlan);
        facts.k3s.program = true;
    };
    assert_eq!(found(SERVER, ours), "");
}

#[test]
fn a_package_manager_at_work_is_told() {
    let busy = |facts: &mut Facts| {
        facts.packages_busy = vec![Process {
            id: 4711,
            program: "apt-get".into(),
        }];
    };
    let broken = |facts: &mut Facts| facts.packages_interrupted = true;
    insta::assert_snapshot!(
        [found(DB, busy), found(BALANCER, broken)].join("\n"), @r#"
    k3s-postgres packages warn: apt-get (process 4711) is using the package manager | The run waits for it, at most 10 min. To wait now: tail --pid=4711 -f /dev/null
    k3s-nginx packages warn: an installation was interrupted: the run finishes it first | dpkg --configure -a finishes it now
    "#);
    // What our own earlier run still does is waited for.
    let mut world = lab();
    busy(&mut world.facts[DB]);
    world.busy = true;
    assert_eq!(told(&world.grid()), "");
}

#[test]
fn what_is_not_reached_is_refused() {
    let with = |host: usize, sources: Sources| {
        let mut world = lab();
        world.sources[host] = sources;
        told(&world.grid())
    };
    let tried = |packages, download| Sources {
        bundled: false,
        packages,
        download,
        postgres: None,
    };
    let failed = |why: &str| SourceTrial::Failed(why.into());
    let all = [
        with(
            DB,
            tried(failed("http://p/x: E: no route"), SourceTrial::Not),
        ),
        with(
            SERVER,
            tried(SourceTrial::Not, failed("http://m/x curl: (7) refused")),
        ),
        with(
            AGENT,
            tried(
                SourceTrial::Not,
                SourceTrial::Later("there is neither curl nor wget".into()),
            ),
        ),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    k3s-postgres packages FAIL: packages cannot be downloaded: http://p/x: E: no route | Run apt-get update; check /etc/apt/sources.list and the proxy in /etc/apt/apt.conf.d
    k3s-server-1 download FAIL: K3s cannot be downloaded: http://m/x curl: (7) refused | Check install_url, artifact_url and version under [k3s]
    k3s-agent download warn: it is unknown whether K3s can be downloaded: there is neither curl nor wget | apt-get install curl, to check it now
    "#);
}

#[test]
fn a_key_that_is_not_trusted_is_told_with_its_command() {
    for (id, version, remedy) in [
        (
            "sles",
            "15.7",
            "rpm --import FILE. SUSE's own are in /usr/lib/rpm/gnupg/keys",
        ),
        (
            "rhel",
            "9.6",
            "rpm --import FILE. Those of the distribution are in /etc/pki/rpm-gpg",
        ),
    ] {
        let mut world = lab();
        world.facts[DB].os_id = id.into();
        world.facts[DB].os_version = version.into();
        world.sources[DB].bundled = true;
        world.sources[DB].packages = SourceTrial::Untrusted("00112233aabbccdd".into());
        let said = told(&world.grid());
        let cause = "k3s-postgres packages FAIL: packages of the bundle are signed with the key \
                     00112233aabbccdd, which it does not trust | Compare the key";
        assert!(said.contains(cause) && said.contains(remedy), "{said}");
    }
}

#[test]
fn a_firewall_is_told_with_its_commands() {
    let with = |firewall: Firewall| move |facts: &mut Facts| facts.firewalls = vec![firewall];
    let chain = "inet filter input".to_owned();
    let all = [
        found(DB, with(Firewall::Firewalld)),
        found(SERVER, |facts| {
            facts.firewalls = vec![Firewall::Ufw];
            facts.k3s.ours = true;
            facts.units.insert("k3s.service".into(), UnitState::Active);
        }),
        found(AGENT, with(Firewall::Nftables { rules: 3, chain })),
        found(BALANCER, |facts| facts.selinux = Selinux::Enforcing),
    ];
    let firewall = |text: &String| {
        let start = text.find(" firewall warn").map(|at| text[..at].rfind('\n'));
        start.map(|at| text[at.map_or(0, |at| at + 1)..].to_owned())
    };
    let all: Vec<_> = all.iter().filter_map(firewall).collect();
    assert_eq!(all.len(), 4);
    // What it says in words is kept by the tests of the firewalls.
    let without_words = |line: &str| match line.split_once(" warn: ") {
        Some((host, words)) if !words.starts_with("SELinux") => format!("{host} warn"),
        _ => line.to_owned(),
    };
    let all = all.join("\n");
    let all: Vec<_> = all.lines().map(without_words).collect();
    insta::assert_snapshot!(all.join("\n"));
}

/// What the run will open is no reason against it; what it cannot open is.
#[test]
fn a_link_that_the_run_opens_does_not_stop_it() {
    let mut world = lab();
    world.facts[DB].firewalls = vec![Firewall::Firewalld];
    let to_db = |link: &Link| link.to == "k3s-postgres";
    let blocked = Contact::NoWay("No route to host".into());
    for links in &mut world.links {
        for (link, contact) in links {
            if to_db(link) {
                *contact = blocked.clone();
            }
        }
    }
    let report = world.grid();
    assert!(!report.passes());
    let said = told(&report);
    let commands = "On k3s-postgres, allow 198.51.100.12 to 5432/tcp: the check firewall of \
                    k3s-postgres has the commands for firewalld";
    assert!(said.contains(commands), "{said}");

    world.answers.firewall.manage = ManageFirewall::Open;
    let open = world.grid();
    assert!(open.passes() && open.is_well(), "{}", told(&open));
    let note = "The run adds rules for the cluster's links to firewalld on k3s-postgres, and tests \
                the links afterwards. 2 connections are blocked until then.";
    assert!(open.notes[0].starts_with(note), "{:?}", open.notes);

    let by_hand = Firewall::Iptables {
        rules: 1,
        ipv6: false,
    };
    world.facts[DB].firewalls.push(by_hand);
    let said = told(&world.grid());
    assert!(!world.grid().passes());
    let rule = "iptables -I INPUT -s 198.51.100.12 -p tcp --dport 5432 -j ACCEPT";
    assert!(
        said.contains(rule) && !said.contains("firewall-cmd"),
        "{said}"
    );
}

#[test]
fn a_sudo_that_records_is_refused() {
    let through = |logs: &[&str]| {
        let logs = logs.iter().map(|&log| log.to_owned()).collect();
        found(SERVER, |facts| {
            facts.through_sudo = true;
            facts.sudo_logs = logs;
        })
    };
    assert_eq!(through(&[]), "");
    insta::assert_snapshot!(through(&["log_input", "LOG_OUTPUT"]), @r#"
    k3s-server-1 sudo FAIL: its sudo logs input or output (log_input, LOG_OUTPUT): the cluster's secrets would stay in its logs | visudo: Defaults:USER !log_input, !log_output, for the user of this login (and NOLOG_INPUT and NOLOG_OUTPUT in rules that have the opposite tags); or log in as root
    "#);
}

#[test]
fn checks_are_overridden_by_name() {
    let mut world = lab();
    world.facts[SERVER].memory_kib = 1 << 20;
    world.facts[AGENT].memory_kib = 1 << 18;
    world.answers.hosts[SERVER].overrides = vec![Check::Memory];
    assert!(!world.grid().passes());
    world.answers.cluster.overrides = vec![Check::Memory];
    let grid = world.grid();
    assert!(grid.passes());
    let warnings = grid.warnings();
    assert_eq!(warnings.len(), 2);
    assert_eq!(warnings[1].0, "k3s-agent");
    assert!(
        warnings[1]
            .1
            .starts_with("memory (overridden): it has 256 MiB")
    );
    // One check, not all of them.
    world.facts[AGENT].clock_ahead = Some(60.0);
    assert!(!world.grid().passes());
}

#[test]
fn the_grid_tells_what_to_do() {
    let mut world = lab();
    world.facts[DB].os_id = "sles".into();
    world.facts[DB].os_version = "15.2".into();
    world.facts[DB].os_name = "SUSE Linux Enterprise Server 15 SP2".into();
    world.facts[SERVER].clock_ahead = Some(3600.0);
    world.facts[SERVER].memory_kib = 1 << 20;
    world.facts[BALANCER]
        .ports
        .push(port(6443, "nginx", "nginx.service"));
    world.facts[AGENT].firewalls = vec![Firewall::Firewalld];
    world.answers.cluster.overrides = vec![Check::Memory];
    let text = world.grid().to_string();
    let (before, firewall) = text.split_once("k3s-agent, firewall: warning\n").unwrap();
    insta::assert_snapshot!(before);
    assert!(firewall.starts_with("  firewalld is active\n"), "{text}");
    // Commands are whole, so that they can be pasted.
    let mut lines = text.lines().filter(|line| !line.contains("firewall-cmd"));
    assert!(lines.all(|line| line.chars().count() <= 100));
}

/// Also with the longest of names.
#[test]
fn no_line_is_wider_than_a_terminal() {
    let mut world = lab();
    let long = "a".repeat(63);
    world.answers.hosts[AGENT].name.clone_from(&long);
    world.facts[AGENT].systemd = false;
    let text = world.grid().to_string();
    assert!(
        text.lines().all(|line| line.chars().count() <= 100),
        "{text}"
    );
    assert_eq!(text.matches(&long).count(), 5, "{text}");
}

/// Else the plan would be made of what was seen before.
#[test]
fn a_host_that_is_lost_is_not_overridden() {
    let mut world = lab();
    world.lost = Some(SERVER);
    world.answers.cluster.overrides = vec![Check::Network];
    let grid = world.grid();
    assert!(!grid.passes(), "{}", told(&grid));
    assert_eq!(grid.unwell(), ["k3s-server-1".to_owned()].into());
}
