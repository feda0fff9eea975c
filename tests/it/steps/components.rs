//! The steps of the other components: names, the load balancer, K3s.

use super::{Host, USERS, asset};

#[test]
fn the_operators_hosts_file_is_shown_before_it_is_changed() {
    let host = Host::of(USERS[0]);
    host.put("roots/hosts", "127.0.0.1 localhost\n", 0o644, 0, 0);
    let inputs =
        "DB_HOST=db.example DB_ADDRESSES=192.0.2.7 HOSTS_BEGIN='# BEGIN' HOSTS_END='# END'";
    let step = asset("steps/certificates/name.sh").replace("/etc/hosts", "\"$AT/hosts\"");
    let preview = asset("remote/preview.sh");
    let runs = |dns: &str, script: &str| {
        let world = format!(
            "AT=\"$1/roots\" MARK=m {inputs}\n{step}\n{preview}
            getent() {{ grep db.example \"$AT/hosts\" || echo {dns}; }}"
        );
        let (done, said) = host.runs(&world, script);
        assert!(done, "{said}");
        said
    };
    let file = format!("m file {}\n", host.at("roots/hosts").display());
    assert_eq!(runs("192.0.2.7", "preview; apply; check"), "");
    assert_eq!(host.read("roots/hosts"), "127.0.0.1 localhost\n");

    assert!(runs("192.0.2.8", "preview").contains(&file));
    runs("192.0.2.8", "apply; check");
    let ours = "# BEGIN\n192.0.2.7 db.example\n# END\n";
    assert_eq!(
        host.read("roots/hosts"),
        format!("{ours}127.0.0.1 localhost\n")
    );
    // It is still in the preview, and removal finds it.
    assert!(runs("192.0.2.8", "preview").contains(&file));
    runs("192.0.2.8", "remove");
    assert_eq!(host.read("roots/hosts"), "127.0.0.1 localhost\n");
}

#[test]
fn a_load_balancer_that_is_removed_is_stopped_first() {
    let host = Host::of(USERS[0]);
    let before = host.picture("roots");
    let step = ["/etc/", "/var/log/", "/run/"]
        .iter()
        .fold(asset("steps/load-balancer/run.sh"), |step, path| {
            step.replace(path, &format!("{}/roots{path}", host.at("").display()))
        });
    let world = format!(
        "LB_PORT=6443 LB_CONFIG=config LB_UNIT=unit LB_LOGROTATE=logs LOG_GROUP=adm NGINX=/proc/self/exe STREAM_MODULE=/none\n{step}
        systemctl() {{ say \"systemctl $1\"; }}"
    );
    let (done, said) = host.runs(&world, "put_files; files_are; remove");
    assert!(done, "{said}");
    let stopped = said.find("systemctl disable").unwrap();
    assert!(stopped < said.find("removed").unwrap(), "{said}");
    assert!(said.ends_with("systemctl daemon-reload\n"), "{said}");
    let files = |lines: Vec<String>| lines.into_iter().filter(|line| !line.ends_with("None"));
    let left: Vec<_> = files(host.picture("roots")).collect();
    assert_eq!(left, files(before).collect::<Vec<_>>());
    assert!(!host.at("roots/etc/k3s-lb").exists());
}

/// Also where no run has ended well yet, so that the answers cannot be compared with an earlier state.
#[test]
fn a_k3s_that_runs_is_not_upgraded_in_passing() {
    let host = Host::of(USERS[0]);
    let step = asset("steps/k3s/install.sh");
    let refused = |have: &str, state: &str| {
        let world = format!(
            "KIND=server SERVICE=k3s VERSION=v1.37.0+k3s1\n{step}\n\
             version_here() {{ printf %s '{have}'; }}\nproperty() {{ echo {state}; }}"
        );
        let (done, said) = host.runs(&world, "refuses");
        assert_eq!(done, said.is_empty(), "{said}");
        said
    };
    let said = refused("v1.36.2+k3s1", "active");
    assert!(said.contains("That is an upgrade"), "{said}");
    for (have, state) in [
        ("v1.37.0+k3s1", "active"),
        ("v1.36.2+k3s1", "inactive"),
        ("", "inactive"),
    ] {
        assert_eq!(refused(have, state), "");
    }
}
