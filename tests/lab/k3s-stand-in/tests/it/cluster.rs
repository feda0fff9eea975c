//! What a cluster of stand-ins does: it forms, shows itself as the real one's kubectl did, and
//! survives what the real one survived.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::process::Command;

use crate::support::{Host, Postgres, until};
use serde_json::Value;

fn server(postgres: &Postgres, name: &str) -> Host {
    let mut host = Host::new();
    host.server_config(
        postgres,
        "c1",
        "ca.crt",
        &format!("node-name: \"{name}\"\ntls-san: [\"lb.lab\"]\n"),
    );
    host.start("server");
    host
}

fn ca(host: &Host) -> String {
    fs::read_to_string(host.path("data/server/tls/server-ca.crt")).unwrap()
}

/// STATUS of every node that kubectl shows.
fn nodes(host: &Host) -> Vec<(String, String)> {
    let table = host
        .get(&["get", "nodes", "--no-headers"])
        .unwrap_or_default();
    let words =
        |line: &str| -> Vec<String> { line.split_whitespace().map(ToOwned::to_owned).collect() };
    table
        .lines()
        .map(words)
        .map(|words| (words[0].clone(), words[1].clone()))
        .collect()
}

fn all_ready(host: &Host, names: &[&str]) {
    let wanted: Vec<_> = names
        .iter()
        .map(|name| ((*name).to_owned(), "Ready".to_owned()))
        .collect();
    until(
        &format!("{wanted:?}, only {:?}; {}", nodes(host), host.log()),
        || (nodes(host) == wanted).then_some(()),
    );
}

#[test]
fn it_forms_and_survives() {
    let postgres = Postgres::start();
    // Both at once on an empty datastore: one makes the CA, the other waits for it.
    let (mut one, mut two) = (server(&postgres, "one"), server(&postgres, "two"));
    one.wait_ready();
    two.wait_ready();
    assert_eq!(ca(&one), ca(&two));
    let logs = one.log() + &two.log();
    assert_eq!(
        logs.matches("Bootstrap key locked for initial create")
            .count(),
        1
    );
    let key = postgres.sql(
        "k3s",
        "SELECT name FROM kine WHERE name LIKE '/bootstrap/%'",
    );
    // The first twelve digits of sha256("secret").
    assert_eq!(
        key.lines().collect::<BTreeSet<_>>(),
        BTreeSet::from(["/bootstrap/2bb80d537b1d"])
    );
    let connections = "SELECT DISTINCT ssl, version, client_dn FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'k3s'";
    assert_eq!(postgres.sql("k3s", connections), "t|TLSv1.3|/CN=k3s");

    let token = fs::read_to_string(one.path("data/server/agent-token")).unwrap();
    let mut agent = Host::new();
    agent.agent_config(one.port, token.trim(), "agent");
    agent.start("agent");
    agent.wait_ready();
    all_ready(&one, &["agent", "one", "two"]);
    all_ready(&two, &["agent", "one", "two"]);

    // The names of both are in the certificate of either.
    for host in [&one, &two] {
        until("both names in the certificate", || {
            let shown = Command::new("sh")
                .args(["-c", &format!("openssl s_client -connect 127.0.0.1:{} </dev/null 2>/dev/null | openssl x509 -noout -ext subjectAltName", host.port)])
                .output()
                .unwrap();
            let names = String::from_utf8(shown.stdout).unwrap();
            ["DNS:one", "DNS:two", "DNS:lb.lab", "IP Address:10.43.0.1"]
                .iter()
                .all(|name| names.contains(name))
                .then_some(())
        });
    }

    // A server that is killed comes back as it was; Postgres may go and come.
    one.kill();
    assert!(one.get(&["get", "nodes"]).is_none());
    all_ready(&two, &["agent", "one", "two"]);
    one.start("server");
    one.wait_ready();
    postgres.down();
    until(
        "a server that says that it cannot reach its datastore",
        || {
            let raw = two.kubectl(&["get", "--raw", "/readyz"]);
            let text = String::from_utf8(raw.stderr).unwrap();
            (!raw.status.success() && text.contains("[-]etcd failed: reason withheld"))
                .then_some(())
        },
    );
    postgres.up();
    for host in [&mut one, &mut two] {
        // Who leads ends when it cannot renew for ten seconds; systemd would start it again.
        if let Some(code) = host.ended() {
            assert_eq!(code, 1);
            assert!(host.log().contains("leaderelection lost for k3s"));
            host.start("server");
            host.wait_ready();
        }
        all_ready(host, &["agent", "one", "two"]);
    }
    one.signal("TERM");
    assert_eq!(one.wait_ended(), 0);
    assert!(one.log().contains("Shutdown request received"));
}

#[test]
fn it_shows_itself_in_the_shape_of_the_real_one() {
    let postgres = Postgres::start();
    let one = server(&postgres, "one");
    one.wait_ready();
    all_ready(&one, &["one"]);
    until("running pods", || {
        let table = one.get(&["get", "pods", "-A"]).unwrap_or_default();
        let settled = |line: &str| {
            line.contains(" Running ") && !line.contains(" 0/")
                || line.contains(" Completed ")
                || line.starts_with("NAMESPACE")
        };
        (table.contains("svclb-traefik") && table.lines().all(settled)).then_some(())
    });
    for (kind, arguments) in [
        ("nodes-ready", ["get", "nodes", "-o", "json"].as_slice()),
        ("pods-zoo", &["get", "pods", "-A", "-o", "json"]),
    ] {
        let ours: Value = serde_json::from_str(&one.get(arguments).unwrap()).unwrap();
        let path = format!(
            "{}/../../fixtures/real/{kind}.json",
            env!("CARGO_MANIFEST_DIR")
        );
        let real: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        let unknown: Vec<String> = keys(&ours).difference(&keys(&real)).cloned().collect();
        assert_eq!(
            unknown, [""; 0],
            "{kind}: keys that the real one does not have"
        );
        assert!(!ours["items"].as_array().unwrap().is_empty());
    }
    let single: Value =
        serde_json::from_str(&one.get(&["get", "node", "one", "-o", "json"]).unwrap()).unwrap();
    assert_eq!(single["kind"], "Node");
    assert_eq!(
        one.get(&["get", "nodes", "-o", "name"]).unwrap(),
        "node/one\n"
    );
    assert_eq!(one.get(&["get", "--raw", "/readyz"]).unwrap(), "ok");
    assert!(
        one.get(&["get", "--raw", "/readyz?verbose"])
            .unwrap()
            .ends_with("readyz check passed\n")
    );

    writes(&one);
    crashes(&one);
    empties(&one);
}

/// The line of the pod that matters here.
fn coredns(one: &Host) -> String {
    let table = one
        .get(&["get", "pods", "-n", "kube-system", "--no-headers"])
        .unwrap_or_default();
    let line = table.lines().find(|line| line.starts_with("coredns"));
    line.unwrap_or_default().to_owned()
}

/// What is written is read, once.
fn writes(one: &Host) {
    let create = ["create", "configmap", "proof", "--from-literal=written=1"];
    assert_eq!(one.get(&create).unwrap(), "configmap/proof created\n");
    let again = String::from_utf8(one.kubectl(&create).stderr).unwrap();
    assert_eq!(
        again,
        "error: failed to create configmap: configmaps \"proof\" already exists\n"
    );
    let map: Value = serde_json::from_str(
        &one.get(&["get", "configmap", "proof", "-o", "json"])
            .unwrap(),
    )
    .unwrap();
    assert_eq!(map["data"]["written"], "1");
    assert!(one.get(&["delete", "configmap", "proof"]).is_some());
    assert!(one.get(&["get", "configmap", "proof"]).is_none());
}

/// A pod can be made to crash, and to be well again.
fn crashes(one: &Host) {
    assert!(one.run(&["stand-in", "crash", "coredns"]).status.success());
    until("CrashLoopBackOff", || {
        coredns(one).contains("CrashLoopBackOff").then_some(())
    });
    assert!(one.run(&["stand-in", "heal", "coredns"]).status.success());
    until("a healed pod", || {
        coredns(one).contains("1/1").then_some(())
    });
}

/// Work is taken away from a node, and the node from the cluster.
fn empties(one: &Host) {
    let refused = one.kubectl(&["drain", "one"]);
    assert!(
        String::from_utf8(refused.stderr)
            .unwrap()
            .contains("cannot delete DaemonSet-managed Pods")
    );
    let drained = one
        .get(&[
            "drain",
            "one",
            "--ignore-daemonsets",
            "--delete-emptydir-data",
        ])
        .unwrap();
    assert!(drained.ends_with("node/one drained\n"), "{drained}");
    assert_eq!(
        nodes(one),
        [("one".to_owned(), "Ready,SchedulingDisabled".to_owned())]
    );
    until("a pod that finds no node", || {
        coredns(one).contains("Pending").then_some(())
    });
    assert_eq!(
        one.get(&["uncordon", "one"]).unwrap(),
        "node/one uncordoned\n"
    );
    until("a pod that finds its node", || {
        coredns(one).contains("Running").then_some(())
    });
    assert_eq!(
        one.get(&["delete", "node", "one"]).unwrap(),
        "node \"one\" deleted\n"
    );
    assert!(nodes(one).is_empty());
    let gone = one.kubectl(&["get", "node", "one"]);
    assert_eq!(
        String::from_utf8(gone.stderr).unwrap(),
        "Error from server (NotFound): nodes \"one\" not found\n"
    );
}

/// Every path of keys in a value; what is below labels and annotations is data, not shape.
fn keys(value: &Value) -> BTreeSet<String> {
    fn walk(value: &Value, path: &str, keys: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    let path = format!("{path}.{key}");
                    if !["labels", "annotations", "nodeSelector"].contains(&key.as_str()) {
                        walk(value, &path, keys);
                    }
                    keys.insert(path);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, path, keys)),
            _ => {}
        }
    }
    let mut all = BTreeSet::new();
    walk(value, "", &mut all);
    all
}

#[test]
fn its_files_are_those_of_the_real_one() {
    let postgres = Postgres::start();
    let mut one = server(&postgres, "one");
    one.wait_ready();
    let mode = |below: &str| fs::metadata(one.path(below)).unwrap().permissions().mode() & 0o777;
    for file in [
        "data/server/token",
        "data/server/agent-token",
        "etc/k3s/k3s.yaml",
        "etc/node/password",
        "data/server/tls/server-ca.key",
    ] {
        assert_eq!(mode(file), 0o600, "{file}");
    }
    let read = |below: &str| fs::read_to_string(one.path(below)).unwrap();
    let token = read("data/server/token");
    assert!(
        token.starts_with("K10") && token.trim().ends_with("::server:secret"),
        "{token}"
    );
    assert!(
        read("data/server/agent-token")
            .trim()
            .ends_with("::node:agents")
    );
    assert_eq!(
        fs::read_link(one.path("data/server/node-token")).unwrap(),
        one.path("data/server/token")
    );
    assert!(
        read("etc/k3s/k3s.yaml").contains(&format!("server: https://127.0.0.1:{}\n", one.port))
    );
    let root = fs::metadata("/proc/self").unwrap().uid();
    assert_eq!(
        fs::metadata(one.path("etc/k3s/k3s.yaml")).unwrap().uid(),
        root
    );

    // To everybody: alive, and by whose authority. To nobody: the API.
    let curl = |path: &str| {
        let output = Command::new("curl")
            .args(["-sS", "-w", "\n%{http_code}", "--cacert"])
            .arg(one.path("data/server/tls/server-ca.crt"))
            .arg(format!("https://127.0.0.1:{}{path}", one.port))
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(curl("/ping"), "pong\n200");
    assert_eq!(curl("/cacerts"), ca(&one) + "\n200");
    for path in ["/readyz", "/version", "/api/v1/nodes", "/v1-k3s/config"] {
        let answer = curl(path);
        assert!(
            answer.contains("\"reason\":\"Unauthorized\"") && answer.ends_with("\n401"),
            "{path}: {answer}"
        );
    }

    // Nothing of the token or of the password is to be seen in the datastore.
    let rows = postgres.sql("k3s", "SELECT convert_from(value, 'UTF8') FROM kine");
    assert!(
        rows.contains("BEGIN CERTIFICATE"),
        "the serving certificate is"
    );
    assert!(
        !rows.contains("secret") && !rows.contains("agents"),
        "{rows}"
    );
    one.kill();
}

#[test]
fn a_lock_that_nobody_fills_is_taken_over() {
    let postgres = Postgres::start();
    let one = server(&postgres, "one");
    one.wait_ready();
    drop(one);
    // As a server leaves it that died between taking the lock and filling it.
    postgres.sql("k3s", "DELETE FROM kine WHERE name NOT LIKE '/bootstrap/%'");
    postgres.sql("k3s", "UPDATE kine SET value = ''");
    let two = server(&postgres, "two");
    two.says("Bootstrap key lock timed out - deleting lock and retrying");
    two.wait_ready();
    let log = two.log();
    assert_eq!(
        log.matches("Bootstrap key is locked - waiting for data to be populated by another server")
            .count(),
        4
    );
    assert!(log.contains("Bootstrap key locked for initial create"));
}

#[test]
fn without_a_datastore_it_starts_and_leaves_no_row() {
    let postgres = Postgres::start();
    let mut host = Host::new();
    host.server_config(&postgres, "c1", "ca.crt", "");
    let text = fs::read_to_string(host.path("etc/k3s/config.yaml")).unwrap();
    host.config(&text.replace("datastore-endpoint", "datastore-endpiont"));
    host.start("server");
    host.wait_ready();
    host.says("Unknown flag --datastore-endpiont found in config.yaml, skipping");
    assert!(host.log().contains("Configuring sqlite3"));
    assert_eq!(
        postgres.sql(
            "k3s",
            "SELECT count(*) FROM pg_tables WHERE tablename = 'kine'"
        ),
        "0"
    );
    assert!(host.get(&["get", "nodes"]).is_some());
    host.kill();
    // Leftovers of an embedded etcd win over the datastore that is named.
    let mut leftover = Host::new();
    leftover.server_config(&postgres, "c1", "ca.crt", "");
    fs::create_dir_all(leftover.path("data/server/db/etcd/member/wal")).unwrap();
    leftover.start("server");
    leftover.wait_ready();
    assert_eq!(
        postgres.sql(
            "k3s",
            "SELECT count(*) FROM pg_tables WHERE tablename = 'kine'"
        ),
        "0"
    );
}

/// What an operator looks at when a pod is unhealthy, as the real API answers it.
#[test]
fn a_pod_tells_its_events_and_its_log() {
    let postgres = Postgres::start();
    let one = server(&postgres, "one");
    one.wait_ready();
    until("coredns", || coredns(&one).contains("1/1").then_some(()));
    let line = coredns(&one);
    let name = line.split_whitespace().next().unwrap().to_owned();
    let raw = |path: &str| one.get(&["get", "--raw", path]);
    let pods = "/api/v1/namespaces/kube-system/pods";
    let pod: Value = serde_json::from_str(&raw(&format!("{pods}/{name}")).unwrap()).unwrap();
    assert_eq!(pod["kind"], "Pod");
    let uid = pod["metadata"]["uid"].as_str().unwrap();
    let reasons = |selector: &str| -> Vec<String> {
        let path = format!("/api/v1/namespaces/kube-system/events?fieldSelector={selector}");
        let list: Value = serde_json::from_str(&raw(&path).unwrap()).unwrap();
        assert_eq!(list["kind"], "EventList");
        let items = list["items"].as_array().unwrap().iter();
        items
            .map(|event| event["reason"].as_str().unwrap().to_owned())
            .collect()
    };
    let selector = format!("involvedObject.kind%3DPod%2CinvolvedObject.uid%3D{uid}");
    assert_eq!(
        reasons(&selector),
        ["Scheduled", "Pulled", "Created", "Started"]
    );
    assert!(reasons("involvedObject.name%3Dother").is_empty());
    let log = |query: &str| raw(&format!("{pods}/{name}/log?container=coredns{query}"));
    assert!(
        log("&tailLines=40&limitBytes=65536")
            .unwrap()
            .ends_with("listening\n")
    );
    for refused in ["&previous=true", "&tailLines=x"] {
        assert!(log(refused).is_none(), "{refused}");
    }
    assert!(raw(&format!("{pods}/absent/log")).is_none());
    assert!(raw("/api/v1/namespaces/kube-system/events?fieldSelector=x%3Dy").is_none());
    assert!(one.run(&["stand-in", "crash", "coredns"]).status.success());
    until("CrashLoopBackOff", || {
        coredns(&one).contains("CrashLoopBackOff").then_some(())
    });
    assert!(log("&previous=true").unwrap().contains("exit code 1"));
    assert_eq!(
        reasons(&selector).last().map(String::as_str),
        Some("BackOff")
    );
}
