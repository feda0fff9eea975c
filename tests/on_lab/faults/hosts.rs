//! Hosts that misbehave: before the run, which then does not begin, and within it.

use std::time::Duration;

use super::ground::{
    bare, ends_well, failures, installed, is_refused, is_whole_with_backups, run_with,
};
use super::{Fault, Row};
use crate::lab::{Lab, Wizard};

const NOT_READY: i32 = 5;
const NOT_REACHED: i32 = 7;

/// A host is made unfit by a script.
struct Unfit {
    name: &'static str,
    host: &'static str,
    make: &'static str,
    code: i32,
    says: &'static str,
}

/// Shell: a program listens on a port, as the unit `holder`. systemd would replace a variable at the
/// beginning of a word.
macro_rules! listener {
    ($port:literal) => {
        concat!("port=", $port, "\n", listener!())
    };
    () => {
        "systemd-run -q --collect --unit=holder perl -MIO::Socket -e 'my $s = IO::Socket::INET->new(\
         LocalPort => shift, Listen => 9, ReuseAddr => 1) or die $@; sleep 1 while 1' \"$port\"
         for _ in $(seq 100); do sleep 0.2; ss -Hltnp \"sport = :$port\" | grep -q perl && exit; done
         journalctl -u holder -o cat; exit 1"
    };
}

const UNFIT: [Unfit; 26] = [
    Unfit {
        name: "a web server on the load balancer's port",
        host: "k3s-nginx",
        make: "echo 'server { listen 6443; }' >/etc/nginx/conf.d/wiki.conf && systemctl reload nginx",
        code: NOT_READY,
        says: "k3s-nginx, ports: FAIL nginx (nginx.service) listens on port 6443",
    },
    Unfit {
        name: "another program on the kubelet's port",
        host: "k3s-server-1",
        make: listener!(10250),
        code: NOT_READY,
        says: "listens on port 10250",
    },
    Unfit {
        name: "another program on Postgres' port",
        host: "k3s-postgres",
        make: listener!(5432),
        code: NOT_READY,
        says: "listens on port 5432",
    },
    Unfit {
        name: "a K3s of another installer",
        host: "k3s-server-1",
        make: r"printf '[Service]\nExecStart=/bin/true\n' >/etc/systemd/system/k3s.service",
        code: NOT_READY,
        says: "a K3s that this wizard did not install is here (k3s.service)",
    },
    Unfit {
        name: "the data of an embedded etcd",
        host: "k3s-server-2",
        make: "mkdir -p /var/lib/rancher/k3s/server/db/etcd/member/wal",
        code: NOT_READY,
        says: "this host has the data of an embedded etcd",
    },
    Unfit {
        name: "a package source that is down",
        host: "k3s-postgres",
        make: "cp -a /etc/apt /root/apt && find /etc/apt -name '*.list' -o -name '*.sources' | xargs -r rm -f; \
               echo 'deb [trusted=yes] http://198.51.100.1:9/debian bookworm main' >/etc/apt/sources.list; \
               rm -rf /var/cache/apt/archives/*.deb /var/lib/apt/lists/*",
        code: NOT_READY,
        says: "k3s-postgres, packages: FAIL",
    },
    Unfit {
        name: "a system that is not supported",
        host: "k3s-server-1",
        make: r#"mv /etc/os-release /etc/os-release.kept; printf 'ID=sles\nVERSION_ID=15.2\nPRETTY_NAME="SUSE Linux Enterprise Server 15 SP2"\n' >/etc/os-release"#,
        code: NOT_READY,
        says: "it runs SUSE Linux Enterprise Server 15 SP2: SLES and Leap before 15 SP4 get no more fixes",
    },
    Unfit {
        name: "terminal tricks in os-release",
        host: "k3s-agent",
        make: r#"mv /etc/os-release /etc/os-release.kept; printf 'ID=evil\nPRETTY_NAME="\033]52;c;ZXZpbA==\007\033[31mSystem"\n' >/etc/os-release"#,
        code: NOT_READY,
        says: "k3s-agent, os: FAIL",
    },
    Unfit {
        name: "an architecture without K3s",
        host: "k3s-agent",
        make: r"printf '#!/bin/sh\necho 6.4.0 s390x\n' >/usr/local/bin/uname; chmod 755 /usr/local/bin/uname",
        code: NOT_READY,
        says: "K3s is not released for its architecture, s390x",
    },
    Unfit {
        name: "a clone with another's machine id",
        host: "k3s-agent",
        make: "cp -a /etc/machine-id /root/machine-id; echo 0123456789abcdef0123456789abcdef >/etc/machine-id",
        code: NOT_READY,
        says: "its machine id is the same as that of",
    },
    Unfit {
        name: "a clone with another's host name",
        host: "k3s-agent",
        make: "hostname k3s-server-1",
        code: NOT_READY,
        says: "its host name, k3s-server-1, is the same as that of k3s-server-1",
    },
    Unfit {
        name: "a sudo that logs what is typed",
        host: "k3s-server-1",
        make: "echo 'Defaults log_input' >/etc/sudoers.d/records && chmod 440 /etc/sudoers.d/records",
        code: NOT_READY,
        says: "its sudo logs input or output",
    },
    Unfit {
        name: "little memory",
        host: "k3s-server-1",
        make: "sed 's/^MemTotal:.*/MemTotal: 600000 kB/' /proc/meminfo >/run/meminfo && mount --bind /run/meminfo /proc/meminfo",
        code: NOT_READY,
        says: "k3s-server-1, memory: FAIL",
    },
    Unfit {
        name: "one CPU",
        host: "k3s-server-2",
        make: r"printf '#!/bin/sh\necho 1\n' >/usr/local/bin/nproc; chmod 755 /usr/local/bin/nproc",
        code: NOT_READY,
        says: "k3s-server-2, cpu: FAIL it has one CPU",
    },
    Unfit {
        name: "a host without a route to another one",
        host: "k3s-nginx",
        make: "ip route add unreachable 198.51.100.12",
        code: NOT_READY,
        says: "it cannot reach k3s-server-1 port 6443 (198.51.100.12): No route to host",
    },
    Unfit {
        name: "packets to the database vanish",
        host: "k3s-server-2",
        make: "ip neigh replace 198.51.100.11 lladdr 02:00:00:00:00:01 dev host0",
        code: NOT_READY,
        says: "it cannot reach k3s-postgres port 5432 (198.51.100.11): no answer within 3 s",
    },
    Unfit {
        name: "a read-only /usr",
        host: "k3s-nginx",
        make: "mount --bind /usr /usr && mount -o remount,bind,ro /usr",
        code: NOT_READY,
        says: "k3s-nginx, os: FAIL it cannot write to /usr",
    },
    Unfit {
        name: "an address that is not the host's",
        host: "k3s-agent",
        make: r#"printf '#!/bin/sh\n/usr/sbin/ip "$@" | sed s/198.51.100.15/198.51.100.99/g\n' >/usr/local/bin/ip; chmod 755 /usr/local/bin/ip; cp /usr/local/bin/ip /usr/local/sbin/ip"#,
        code: NOT_READY,
        says: "k3s-agent, address: FAIL",
    },
    Unfit {
        name: "no sshd",
        host: "k3s-postgres",
        make: "systemctl stop ssh",
        code: NOT_REACHED,
        says: "k3s-postgres: ",
    },
    Unfit {
        name: "a login shell that accepts no login",
        host: "k3s-agent",
        make: "usermod -s /usr/sbin/nologin sles",
        code: NOT_REACHED,
        says: "k3s-agent: ",
    },
    Unfit {
        name: "a login that hangs",
        host: "k3s-agent",
        make: r"printf '#!/bin/sh\nsleep 1000\n' >/usr/local/bin/hang; chmod 755 /usr/local/bin/hang; echo /usr/local/bin/hang >>/etc/shells; usermod -s /usr/local/bin/hang sles",
        code: NOT_REACHED,
        says: "k3s-agent: ",
    },
    Unfit {
        name: "a sudo that hangs",
        host: "k3s-agent",
        make: r"printf '#!/bin/sh\nsleep 1000\n' >/usr/local/bin/sudo; chmod 755 /usr/local/bin/sudo",
        code: NOT_REACHED,
        says: "k3s-agent: ",
    },
    Unfit {
        name: "a user who may not use sudo",
        host: "k3s-postgres",
        make: "mkdir /root/sudoers && mv /etc/sudoers.d/* /root/sudoers/",
        code: NOT_REACHED,
        says: "k3s-postgres: ",
    },
    Unfit {
        name: "another sudo password",
        host: "k3s-server-1",
        make: "cp -a /etc/shadow /root/shadow && echo sles:another | chpasswd",
        code: NOT_REACHED,
        says: "k3s-server-1: ",
    },
    Unfit {
        name: "a key that is not let in any more",
        host: "k3s-server-2",
        make: "mv /root/.ssh /root/.ssh.kept",
        code: NOT_REACHED,
        says: "k3s-server-2: ",
    },
    Unfit {
        name: "endless output at the login",
        host: "k3s-agent",
        make: r"printf '#!/bin/sh\nexec yes endless\n' >/usr/local/bin/endless; chmod 755 /usr/local/bin/endless; echo /usr/local/bin/endless >>/etc/shells; usermod -s /usr/local/bin/endless sles",
        code: NOT_REACHED,
        says: "k3s-agent: ",
    },
];

fn unfit(one: &'static Unfit) -> Fault {
    Fault::new(one.name, move || {
        let lab = bare();
        let make = match one.name {
            "a clone with another's machine id" => {
                let id = lab.must("k3s-server-1", "cat /etc/machine-id");
                one.make
                    .replace("0123456789abcdef0123456789abcdef", id.trim())
            }
            _ => one.make.to_owned(),
        };
        lab.must(one.host, &make);
        let did = format!("{}: {}", one.host, one.name);
        is_refused(&lab, &Wizard::new(), &did, one.code, one.says)
    })
}

/// The same by what the lab can do.
fn by_the_lab(name: &'static str, make: &'static [&str], code: i32, says: &'static str) -> Fault {
    Fault::new(name, move || {
        let lab = bare();
        lab.does(make);
        is_refused(&lab, &Wizard::new(), name, code, says)
    })
}

/// The same by a firewall on the way to a host.
fn by_a_firewall(host: &'static str, rule: &'static str, says: &'static str) -> Fault {
    Fault::new(format!("a firewall before {host}: {rule}"), move || {
        let lab = bare();
        lab.iptables(host, &format!("-I INPUT {rule}"));
        let did = format!("{host}: iptables -I INPUT {rule}");
        is_refused(&lab, &Wizard::new(), &did, NOT_READY, says)
    })
}

/// The same by answers.
fn by_the_answers(
    name: &'static str,
    from: &'static str,
    to: &'static str,
    code: i32,
    says: &'static str,
) -> Fault {
    Fault::new(name, move || {
        let lab = bare();
        let wizard = Wizard::new().answering(|text| {
            assert!(text.contains(from), "{text}");
            text.replacen(from, to, 1)
        });
        is_refused(&lab, &wizard, name, code, says)
    })
}

pub fn refused() -> Vec<Fault> {
    let mut all: Vec<_> = UNFIT.iter().map(unfit).collect();
    all.extend([
        by_the_lab(
            "a clock an hour ahead",
            &["clock", "k3s-agent", "+1h"],
            NOT_READY,
            "ahead of the other hosts",
        ),
        by_the_lab(
            "a clock an hour behind",
            &["clock", "k3s-postgres", "-1h"],
            NOT_READY,
            "behind the other hosts",
        ),
        by_the_lab(
            "a full disk",
            &["fill", "k3s-postgres"],
            NOT_READY,
            "0 MiB free",
        ),
        by_the_lab(
            "a host without network",
            &["cut", "k3s-nginx"],
            NOT_REACHED,
            "k3s-nginx: ",
        ),
        by_a_firewall(
            "k3s-postgres",
            "-s 198.51.100.12 -p tcp --dport 5432 -j REJECT --reject-with tcp-reset",
            "a firewall rejects it",
        ),
        by_a_firewall(
            "k3s-server-1",
            "-s 198.51.100.14 -p tcp --dport 6443 -j DROP",
            "is a firewall in between?",
        ),
        by_a_firewall(
            "k3s-agent",
            "-s 198.51.100.13 -p tcp --dport 10250 -j REJECT --reject-with icmp-admin-prohibited",
            "it cannot reach k3s-agent port 10250",
        ),
        by_the_answers(
            "an installer that cannot be reached",
            "http://198.51.100.1:8080",
            "http://198.51.100.1:9",
            NOT_READY,
            "K3s cannot be downloaded",
        ),
    ]);
    all
}

/// Something happens to a host when a step begins. The run fails or copes, says so, and after the
/// fault was taken back the next run ends well.
fn within(
    name: &'static str,
    id: &'static str,
    make: impl Fn(&Lab) + 'static,
    undo: impl Fn(&Lab) + 'static,
    says: &'static str,
) -> Fault {
    Fault::new(name, move || {
        let (lab, wizard) = (bare(), Wizard::new());
        let run = run_with(&wizard, id, |_| make(&lab));
        assert!(run.text.contains(says), "{says}\n{}", run.text);
        undo(&lab);
        Row {
            did: format!("{name}, when {id} begins"),
            said: match run.status.code() {
                Some(0) => "the run coped and ended well".to_owned(),
                _ => failures(&run),
            },
            continued: ends_well(&lab, &wizard),
        }
    })
}

/// The disk of a host is full when a step begins.
fn full(name: &'static str, id: &'static str, host: &'static str) -> Fault {
    within(
        name,
        id,
        move |lab| lab.does(&["fill", host]),
        move |lab| lab.does(&["unfill", host]),
        "",
    )
}

/// What an installed cluster's operator, or a program, has changed: the next run puts it back.
fn changed(name: &'static str, host: &'static str, change: &'static str) -> Fault {
    Fault::new(name, move || {
        let (lab, wizard) = installed();
        lab.must(host, change);
        let (code, said) = wizard.says(&["check"]);
        assert_eq!(code, Some(6), "{said}");
        let run = wizard.run().good();
        assert!(!run.changed().is_empty(), "nothing was put back");
        is_whole_with_backups(&lab, &wizard);
        Row {
            did: format!("{host}: {name}"),
            said: "check: exit 6".to_owned(),
            continued: format!("the run changed {}", run.changed().join(", ")),
        }
    })
}

/// Another program listens on a port, also where connections to it have just ended.
pub fn hold(lab: &Lab, host: &str, port: u16) {
    lab.must(host, &format!("port={port}\n{}", listener!()));
}

const TO_POSTGRES: &str = "OUTPUT -p tcp --dport 5432 -j DROP";

pub fn fails() -> Vec<Fault> {
    vec![
        full(
            "Postgres' disk is full",
            "postgres/install@k3s-postgres",
            "k3s-postgres",
        ),
        full(
            "a server's disk is full",
            "k3s/install@k3s-server-1",
            "k3s-server-1",
        ),
        full(
            "an agent's disk is full",
            "agent/install@k3s-agent",
            "k3s-agent",
        ),
        full(
            "the load balancer's disk is full",
            "load-balancer/install@k3s-nginx",
            "k3s-nginx",
        ),
        within(
            "the load balancer's port is taken",
            "load-balancer/install@k3s-nginx",
            |lab| hold(lab, "k3s-nginx", 6443),
            |lab| {
                lab.must("k3s-nginx", "systemctl stop holder");
            },
            "listens on port 6443",
        ),
        within(
            "nginx has lost its stream module",
            "load-balancer/run@k3s-nginx",
            |lab| {
                lab.must(
                    "k3s-nginx",
                    "mv /usr/lib/nginx/modules/ngx_stream_module.so /root/",
                );
            },
            |lab| {
                lab.must(
                    "k3s-nginx",
                    "mv /root/ngx_stream_module.so /usr/lib/nginx/modules/",
                );
            },
            "load-balancer/run@k3s-nginx",
        ),
        within(
            "sshd stops for 10 s, with its connections",
            "postgres/install@k3s-postgres",
            |lab| {
                lab.must(
                    "k3s-postgres",
                    "systemctl stop ssh; pkill -f 'sshd: ' || true",
                );
                std::thread::sleep(Duration::from_secs(10));
                lab.must("k3s-postgres", "systemctl start ssh");
            },
            |_| {},
            "",
        ),
        within(
            "the package manager is busy for 20 s",
            "load-balancer/install@k3s-nginx",
            |lab| {
                lab.does(&["lock", "k3s-nginx"]);
                std::thread::sleep(Duration::from_secs(20));
                lab.does(&["unlock", "k3s-nginx"]);
            },
            |_| {},
            "",
        ),
        within(
            "/etc/hosts cannot be changed",
            "certificates/client@k3s-server-1",
            |lab| {
                lab.must("k3s-server-1", "chattr +i /etc/hosts");
            },
            |lab| {
                lab.must("k3s-server-1", "chattr -i /etc/hosts");
            },
            "",
        ),
        within(
            "Postgres is stopped when the first server starts",
            "k3s/start@k3s-server-1",
            |lab| {
                lab.must("k3s-postgres", "systemctl stop postgresql@15-main");
                std::thread::sleep(Duration::from_secs(5));
                lab.must("k3s-postgres", "systemctl start postgresql@15-main");
            },
            |_| {},
            "",
        ),
    ]
}

/// What never gets better by itself.
pub fn stays() -> Vec<Fault> {
    vec![
        within(
            "the package manager is busy and stays so",
            "load-balancer/install@k3s-nginx",
            |lab| lab.does(&["lock", "k3s-nginx"]),
            |lab| lab.does(&["unlock", "k3s-nginx"]),
            "Could not get lock",
        ),
        within(
            "a server never becomes ready",
            "k3s/start@k3s-server-2",
            |lab| lab.iptables("k3s-server-2", &format!("-I {TO_POSTGRES}")),
            |lab| lab.iptables("k3s-server-2", &format!("-D {TO_POSTGRES}")),
            "k3s/start@k3s-server-2",
        ),
    ]
}

pub fn changes() -> Vec<Fault> {
    vec![
        changed(
            "the server's token is lost",
            "k3s-server-2",
            "rm /etc/rancher/k3s/*token* /var/lib/k3s-ha-wizard/*token* 2>/dev/null; \
             sed -i '/token/d' /etc/rancher/k3s/config.yaml",
        ),
        changed(
            "the client certificate is lost",
            "k3s-server-1",
            "rm /etc/rancher/k3s/datastore/client.crt",
        ),
        changed(
            "the name of Postgres leads elsewhere",
            "k3s-server-1",
            "sed -i '/postgres.lab.internal/s/198.51.100.11/198.51.100.99/' /etc/hosts",
        ),
        changed(
            "the rules of pg_hba.conf are gone",
            "k3s-postgres",
            "sed -i '/k3s-ha-wizard/,/k3s-ha-wizard/d' /etc/postgresql/15/main/pg_hba.conf && \
             systemctl reload postgresql@15-main",
        ),
        changed(
            "the load balancer is switched off",
            "k3s-nginx",
            "systemctl disable -q --now k3s-lb",
        ),
        changed(
            "a server is switched off",
            "k3s-server-2",
            "systemctl disable -q --now k3s",
        ),
        changed(
            "an agent is switched off",
            "k3s-agent",
            "systemctl disable -q --now k3s-agent",
        ),
    ]
}
