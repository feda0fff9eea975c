use super::*;

#[test]
fn facts_are_read() {
    let lines = "\
lease taken
clock=1764021280.5
os.id=debian
os.name=Debian GNU/Linux 12 (bookworm)
arch=x86_64
systemd=yes
container=systemd-nspawn
cpus=2
memory-kib=8000000
disk=500 1000 /
disk=300 1000 /var/lib
disk=100 400 /var/lib/rancher
address=lo 127.0.0.1/8
address=eth0 198.51.100.11/24
address=eth0 fe80::1/64
ports=seen
port=tcp 5432 811 postgresql@15-main.service postgres
port=udp 8472 - - -
port=tcp 80 - - a b
listens=127.0.0.1:5432
listens=127.0.0.53%lo:53
listens=[fe80::1]%eth0:9100
listens=*:80
listens=198.51.100.11:6443
port=tcp 6443 900 k3s-ha-wizard-listen.service systemd-socket
selinux=1
k3s.unit=k3s
k3s.leftover=/var/lib/rancher/k3s/server/db/etcd
postgres.mark=lab
postgres.cut-off=yes
balancer.server=198.51.100.12:6443
sudo=yes
sudo.logs=log_output
postgres.version=150018
postgres.replica=false
postgres.database=wiki
postgres.setting=ssl_cert_file /etc/ssl/certs/ssl-cert-snakeoil.pem
postgres.setting=ssl_ca_file
postgres.asked=yes
what a newer version says=is passed over";
    let lines: Vec<_> = lines.lines().map(str::to_owned).collect();
    let facts = Facts::parse(&lines);
    assert!(facts.systemd && facts.is_container());
    assert_eq!(facts.selinux, Selinux::Enforcing);
    assert_eq!((facts.cpus, facts.memory_kib), (2, 8_000_000));
    assert_eq!(facts.addresses.len(), 3);
    let free = |path: &str| facts.disk(path).map(|disk| disk.free_kib);
    assert_eq!(free("/var/lib/rancher/k3s"), Some(100));
    assert_eq!(free("/var/lib/postgresql"), Some(300));
    assert_eq!(free("/usr"), Some(500));
    let names = facts.ports.iter().map(|port| (port.number, &*port.program));
    assert_eq!(
        names.collect::<Vec<_>>(),
        [
            (5432, "postgres"),
            (8472, ""),
            (80, "a b"),
            (6443, "systemd-socket")
        ]
    );
    assert_eq!(facts.listens.len(), 5);
    let listens = |at: &str| facts.listens_on(at.parse().unwrap());
    assert!(listens("198.51.100.11:80") && listens("127.0.0.1:5432"));
    assert!(!listens("198.51.100.11:5432") && !listens("198.51.100.11:81"));
    assert!(!listens("198.51.100.11:6443"), "that is our own");
    assert_eq!(facts.ports[0].unit, "postgresql@15-main.service");
    assert!(facts.ports[1].udp);
    assert_eq!(facts.k3s.units, ["k3s"]);
    assert!(facts.postgres.asked && !facts.postgres.replica);
    assert_eq!(facts.postgres.version, 150_018);
    assert_eq!(facts.postgres.marks, ["lab"]);
    assert!(facts.postgres.cut_off);
    assert_eq!(facts.balancer.servers, ["198.51.100.12:6443"]);
    assert!(facts.through_sudo && facts.sudo_logs == ["log_output"]);
    assert_eq!(facts.postgres.databases, ["wiki"]);
    assert!(facts.postgres.settings["ssl_cert_file"].contains("snakeoil"));
    assert_eq!(facts.postgres.settings.get("ssl_ca_file"), None);
}

/// What it does not know it passes over.
#[test]
fn states_are_told_apart() {
    let lines = "\
cgroup=v2 cpuset cpu memory
module=overlay loaded
module=vxlan missing
module=br_netfilter there
module=nf_conntrack no such state
unit=firewalld.service active
unit=k3s.service activating
packages.busy=4711 apt-get
packages.busy=4711 apt-get
packages.busy=$(reboot) x
firewall=ufw
firewall=nftables 3 inet filter input
firewall=nftables 2 ip6 filter INPUT
firewall=nftables many inet filter input
firewall=another
postgres.cluster=5432 15/main
postgres.cluster=- 13 /var/lib/pgsql/data
postgres.cluster=99999999 15/x y
postgres.cluster=";
    let lines: Vec<_> = lines.lines().map(str::to_owned).collect();
    let facts = Facts::parse(&lines);
    let controllers = ["cpuset", "cpu", "memory"].map(str::to_owned);
    assert_eq!(facts.cgroup_controllers, Some(controllers.into()));
    let module = |name: &str| facts.modules.get(name).copied();
    assert_eq!(module("overlay"), Some(ModuleState::Loaded));
    assert_eq!(module("vxlan"), Some(ModuleState::Missing));
    assert_eq!(module("br_netfilter"), Some(ModuleState::There));
    assert_eq!(module("nf_conntrack"), None);
    let firewalls = facts.firewalls.iter().map(Firewall::name);
    let firewalls = firewalls.collect::<Vec<_>>().join(" ");
    assert_eq!(firewalls, "firewalld ufw nftables iptables");
    assert!(facts.is_active("firewalld.service") && !facts.is_active("k3s.service"));
    let activating = UnitState::Other("activating".into());
    assert_eq!(facts.units["k3s.service"], activating);
    let busy = facts.packages_busy.iter();
    let busy: Vec<_> = busy.map(|busy| (busy.id, &*busy.program)).collect();
    assert_eq!(busy, [(4711, "apt-get")]);
    let clusters = facts.postgres.clusters.iter();
    assert_eq!(
        clusters.map(|it| (it.port, &*it.name)).collect::<Vec<_>>(),
        [
            (Some(5432), "15/main"),
            (None, "13 /var/lib/pgsql/data"),
            (None, "15/x y")
        ]
    );
}

/// What this machine says of itself can be read.
#[test]
fn the_script_tells_facts_anywhere() {
    let output = std::process::Command::new("sh")
        .arg("-c")
        .arg(facts_script(None, None).text().unwrap().expose())
        .output()
        .expect("a shell");
    let text = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<_> = text.lines().map(str::to_owned).collect();
    let facts = Facts::parse(&lines);
    assert!(facts.clock > 1.7e9, "{text}");
    assert!(facts.cpus > 0 && facts.memory_kib > 0, "{text}");
    assert!(facts.disk("/var/lib/rancher").is_some(), "{text}");
    assert!(
        !facts.arch.is_empty() && !facts.boot_id.is_empty(),
        "{text}"
    );
}
