//! The steps at firewalls and at `SELinux`, with stubs of their programs: what was added by them is
//! in files of the fake host.

use super::{Host, USERS, asset};

/// Each program keeps its rules in a file, and says them as the real one does.
const STUBS: &str = r#"
mkdir -p "$1/zones"
AT=$1
property() { cat "$AT/active" 2>/dev/null || :; }
ufw_runs() { [ -e "$AT/ufw" ]; }
ip() { echo "$4 dev eth1 src 10.0.0.9"; }
firewall_cmd() {
    of=runtime zone=public
    [ "$1" != -q ] || shift
    for word in "$@"; do
        case $word in
        --permanent) of=permanent ;;
        --zone=*) zone=${word#*=} ;;
        --reload | --complete-reload | --set-*) echo "$word" >>"$AT/forbidden" ;;
        esac
    done
    for word in "$@"; do
        case $word in
        --get-default-zone) echo public ;;
        --list-all-zones)
            for zone in public inner trusted; do
                echo "$zone (active)"
                [ "$zone" != inner ] || echo "  interfaces: eth1"
                echo "  sources:$(sed -n "s/^$of $zone source/ /p" "$AT/rules" | tr -d '\n')"
                sed -n "s/^$of $zone rule/	rule/p" "$AT/rules"
            done ;;
        --add-source=*) echo "$of $zone source ${word#*=}" >>"$AT/rules" ;;
        --add-rich-rule=*) echo "$of $zone ${word#*=}" >>"$AT/rules" ;;
        --remove-source=*) grep -vxF "$of $zone source ${word#*=}" "$AT/rules" >"$AT/rest" || :; mv "$AT/rest" "$AT/rules" ;;
        --remove-rich-rule=*) grep -vxF "$of $zone ${word#*=}" "$AT/rules" >"$AT/rest" || :; mv "$AT/rest" "$AT/rules" ;;
        esac
    done
}
ufw() {
    [ "$1" != --force ] || shift
    case $1 in
    show) echo 'Added user rules:'; sed "s/^/ufw /" "$AT/ufw" ;;
    allow) echo "$*" | sed "s/ comment \(.*\)/ comment '\1'/" >>"$AT/ufw" ;;
    delete) shift; grep -v "^$*" "$AT/ufw" >"$AT/rest" || :; mv "$AT/rest" "$AT/ufw" ;;
    *) echo "$*" >>"$AT/forbidden" ;;
    esac
}
"#;

fn world(peers: &str) -> String {
    // The shell has no functions with a dash.
    let step = asset("steps/firewall/open.sh").replace("firewall-cmd", "firewall_cmd");
    format!("CLUSTER=lab PEERS='{peers}' NETWORKS='10.42.0.0/16'\n{step}\n{STUBS}\n")
}

const TWO: &str = "10.0.0.1 6443 tcp\n10.0.0.2 8472 udp";

fn rich(address: &str, port: &str, protocol: &str) -> String {
    format!(
        "rule family=\"ipv4\" source address=\"{address}\" port port=\"{port}\" \
         protocol=\"{protocol}\" accept"
    )
}

#[test]
fn firewalld_is_opened_for_now_and_for_later_and_never_reloaded() {
    let host = Host::of(USERS[0]);
    let theirs = format!("runtime inner {}\n", rich("10.0.0.1", "6443", "tcp"));
    host.put("active", "active", 0o644, 0, 0);
    host.put("rules", &theirs, 0o644, 0, 0);
    let (done, said) = host.runs(&world(TWO), "set +e; drive; check");
    assert!(done, "{said}");
    let has = |line: String| host.read("rules").lines().any(|rule| rule == line);
    for of in ["runtime", "permanent"] {
        // In the zone of the interface that leads there, which is not the default one.
        assert!(has(format!(
            "{of} inner {}",
            rich("10.0.0.1", "6443", "tcp")
        )));
        assert!(has(format!(
            "{of} inner {}",
            rich("10.0.0.2", "8472", "udp")
        )));
        assert!(has(format!("{of} trusted source 10.42.0.0/16")));
    }
    assert_eq!(host.read("rules").lines().count(), 6);
    let before = host.read("rules");
    let (_, said) = host.runs(&world(TWO), "set +e; drive; echo $?");
    assert_eq!(said, "40\n", "a second time changes nothing");

    // A peer that is gone.
    let one = world("10.0.0.1 6443 tcp");
    let (_, said) = host.runs(&one, "set +e; check");
    assert!(said.contains("for a link that is gone"), "{said}");
    let (done, said) = host.runs(&one, "set +e; drive");
    assert!(done, "{said}");
    assert!(
        !host.read("rules").contains("8472"),
        "{}",
        host.read("rules")
    );
    assert_ne!(host.read("rules"), before);
    // The operator's own rule stays.
    let (done, said) = host.runs(&one, "remove");
    assert!(done, "{said}");
    assert_eq!(host.read("rules"), theirs);
    assert!(!host.at("forbidden").exists());
}

#[test]
fn ufw_is_opened_and_keeps_the_rules_of_others() {
    let host = Host::of(USERS[0]);
    let theirs = "allow from 10.0.0.1 to any port 22 proto tcp\n\
                  allow from 10.0.0.1 to any port 6443 proto tcp comment 'mine'\n";
    host.put("ufw", theirs, 0o644, 0, 0);
    host.put("active", "inactive", 0o644, 0, 0);
    let (done, said) = host.runs(&world(TWO), "set +e; drive; check");
    assert!(done, "{said}");
    let ours = "allow from 10.0.0.2 to any port 8472 proto udp comment 'k3s-ha-wizard lab'\n\
                allow from 10.42.0.0/16 comment 'k3s-ha-wizard lab'\n";
    assert_eq!(host.read("ufw"), format!("{theirs}{ours}"));
    let (done, said) = host.runs(&world("10.0.0.1 6443 tcp"), "set +e; drive; remove");
    assert!(done, "{said}");
    assert_eq!(host.read("ufw"), theirs);
    assert!(!host.at("forbidden").exists());
}

#[test]
fn without_a_firewall_nothing_is_missing() {
    let host = Host::of(USERS[0]);
    host.put("active", "inactive", 0o644, 0, 0);
    let (_, said) = host.runs(&world(TWO), "set +e; drive; echo $?");
    assert_eq!(said, "40\n");
}

/// The stubs say what the programs of a Red Hat do; an enforcing host was not tried.
#[test]
fn selinux_is_told_what_nginx_needs() {
    let host = Host::of(USERS[0]);
    host.put("ports", "http_port_t tcp 80, 443, 8008-8010\n", 0o644, 0, 0);
    host.put("paths", "", 0o644, 0, 0);
    host.put("bool", "off", 0o644, 0, 0);
    let step = asset("steps/selinux/load-balancer.sh");
    let world = format!(
        "PORTS='8009\n6443' TOOLS=tools\n{step}\nAT=$1\n{}",
        r#"
semanage() {
    [ "$AT" ] || return
    case "$1 $2" in
    'port -l') cat "$AT/ports" ;;
    'port -a') return 1 ;; # already defined, under another label
    'port -m') sed -i "s/\$/, $7/" "$AT/ports" ;;
    'fcontext -a') case $5 in /run/*) return 1 ;; *) echo "$5 $4" >>"$AT/paths" ;; esac ;;
    'fcontext -m') return 1 ;;
    esac
}
matchpathcon() {
    case $2 in
    /run/*) sed -n 's,^/var/run/k3s-lb.* \(.*\),system_u:object_r:\1:s0,p' "$AT/paths" ;;
    *) sed -n 's,^/var/log/k3s-lb.* \(.*\),system_u:object_r:\1:s0,p' "$AT/paths" ;;
    esac
}
getsebool() { echo "$1 --> $(cat "$AT/bool")"; }
setsebool() { printf %s "$3" >"$AT/bool"; }
"#
    );
    let (done, said) = host.runs(&world, "set +e; drive; check");
    assert!(done, "{said}");
    assert_eq!(
        host.read("ports"),
        "http_port_t tcp 80, 443, 8008-8010, 6443\n"
    );
    assert_eq!(host.read("bool"), "on");
    assert!(
        host.read("paths")
            .contains("/var/run/k3s-lb(/.*)? httpd_var_run_t")
    );
    let (_, said) = host.runs(&world, "set +e; drive; echo $?");
    assert_eq!(said, "40\n");
}

#[test]
fn an_install_script_that_takes_the_policy_of_another_system_is_known() {
    let host = Host::of(USERS[0]);
    let at = host.at("").display().to_string();
    let step = asset("steps/k3s/install.sh")
        .replace("/etc/os-release", &format!("{at}/os-release"))
        .replace("/sys/fs/selinux/enforce", &format!("{at}/enforce"));
    host.put(
        "old",
        "if [ -r /etc/os-release ]; then :; fi\n",
        0o644,
        0,
        0,
    );
    host.put("new", "elif [ \"${ID}\" = sles ]; then\n", 0o644, 0, 0);
    let knows = |system: &str, script: &str| {
        host.put("os-release", system, 0o644, 0, 0);
        let world = format!("SERVICE=k3s\n{step}");
        host.runs(&world, &format!("takes_wrong_policy '{at}/{script}'"))
            .0
    };
    let sles_16 = "ID=\"sles\"\nVERSION_ID=\"16.0\"\n";
    assert!(!knows(sles_16, "old"), "SELinux is off");
    host.put("enforce", "1", 0o644, 0, 0);
    assert!(knows(sles_16, "old"));
    assert!(!knows(sles_16, "new"));
    assert!(!knows("ID=\"sles\"\nVERSION_ID=\"15.6\"\n", "old"));
    assert!(!knows("ID=debian\nVERSION_ID=\"16\"\n", "old"));
}
