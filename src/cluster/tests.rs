use super::*;

const READY: &str = include_str!("../../tests/fixtures/real/nodes-ready.json");
const READY_WIDE: &str = include_str!("../../tests/fixtures/real/nodes-ready-wide.txt");
const CORDONED: &str = include_str!("../../tests/fixtures/real/nodes-cordoned-and-not-ready.json");
const CORDONED_TABLE: &str =
    include_str!("../../tests/fixtures/real/nodes-cordoned-and-not-ready.txt");
const ZOO: &str = include_str!("../../tests/fixtures/real/pods-zoo.json");
const ZOO_TABLE: &str = include_str!("../../tests/fixtures/real/pods-zoo.txt");
const ZOO_WIDE: &str = include_str!("../../tests/fixtures/real/pods-zoo-wide.txt");

impl Cluster {
    /// There are nodes, and nothing is wrong or still on its way.
    fn healthy(&self) -> bool {
        !self.nodes.is_empty() && self.problems().next().is_none() && self.settled()
    }

    /// Nothing is on its way any more: waiting longer changes nothing.
    fn settled(&self) -> bool {
        let nodes = self.nodes.iter().all(|node| node.waiting.is_none());
        nodes && self.pods.iter().all(|pod| pod.waiting.is_none())
    }

    /// The table of `kubectl get nodes`, with the addresses and without ages.
    fn node_lines(&self) -> Vec<String> {
        let header = ["NAME", "STATUS", "ROLES", "VERSION", "INTERNAL-IP"];
        table(header, &self.nodes, |node| {
            let Node { name, status, .. } = node;
            [name, status, &node.roles, &node.version, &node.internal_ip].map(Clone::clone)
        })
    }

    /// The table of `kubectl get pods -A`, with the nodes and without ages.
    fn pod_lines(&self) -> Vec<String> {
        let header = ["NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS", "NODE"];
        table(header, &self.pods, |pod| {
            let Pod {
                namespace,
                name,
                ready,
                status,
                node,
                ..
            } = pod.clone();
            [
                namespace,
                name,
                ready,
                status,
                pod.restarts.to_string(),
                node,
            ]
        })
    }
}

/// Aligned columns, as kubectl prints them.
fn table<Row, const N: usize>(
    header: [&str; N],
    rows: &[Row],
    cells: impl Fn(&Row) -> [String; N],
) -> Vec<String> {
    const GAP: usize = 3;
    let mut lines = vec![header.map(str::to_owned)];
    lines.extend(rows.iter().map(cells));
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max();
    let widths: Vec<usize> = (0..N)
        .map(|column| width(column).unwrap_or(0) + GAP)
        .collect();
    let text = |line: &[String; N]| {
        let padded = line
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        padded.collect::<String>().trim_end().to_owned()
    };
    lines.iter().map(text).collect()
}

/// A cluster from lists as kubectl prints them, one after the other: there each object has its kind.
pub(crate) fn parse(json: &str) -> Cluster {
    let (mut nodes, mut pods) = (Vec::new(), Vec::new());
    for list in serde_json::Deserializer::from_str(json).into_iter::<serde_json::Value>() {
        let list = list.expect("kubectl's JSON");
        for item in list["items"].as_array().expect("a list") {
            let read = item.clone();
            match item["kind"].as_str() {
                Some("Node") => nodes.push(serde_json::from_value(read).expect("a node")),
                Some("Pod") => pods.push(serde_json::from_value(read).expect("a pod")),
                _ => {}
            }
        }
    }
    Cluster::of(&Nodes(nodes), &Pods(pods))
}

/// The columns of a table that kubectl printed, by their headers; of `4 (54s ago)` the number.
fn columns(table: &str, headers: &[&str]) -> Vec<Vec<String>> {
    let mut lines = table.lines();
    let header = lines.next().expect("a header");
    let cell = |line: &str, name: &str| {
        let start = header.find(&format!("{name} ")).expect("a column");
        let cell = line[start..].split("  ").next().expect("a cell");
        let number = cell.split_once(" (").map_or(cell, |(number, _)| number);
        number.to_owned()
    };
    let row = |line| headers.iter().map(|name| cell(line, name)).collect();
    let mut rows: Vec<Vec<String>> = lines.map(row).collect();
    rows.sort();
    rows
}

fn sorted(mut rows: Vec<Vec<String>>) -> Vec<Vec<String>> {
    rows.sort();
    rows
}

#[test]
fn nodes_look_as_kubectl_shows_them() {
    let rows = |json| {
        let nodes = parse(json).nodes.into_iter();
        let row = |node: Node| {
            vec![
                node.name,
                node.status,
                node.roles,
                node.version,
                node.internal_ip,
            ]
        };
        sorted(nodes.map(row).collect())
    };
    let headers = ["NAME", "STATUS", "ROLES", "VERSION", "INTERNAL-IP"];
    assert_eq!(rows(READY), columns(READY_WIDE, &headers));
    let without_ips = |rows: Vec<Vec<String>>| -> Vec<Vec<String>> {
        rows.into_iter().map(|row| row[..3].to_vec()).collect()
    };
    assert_eq!(
        without_ips(rows(CORDONED)),
        columns(CORDONED_TABLE, &headers[..3])
    );
}

#[test]
fn pods_look_as_kubectl_shows_them() {
    let pods = parse(ZOO).pods.into_iter();
    let rows = pods.map(|pod| {
        let restarts = pod.restarts.to_string();
        vec![
            pod.namespace,
            pod.name,
            pod.ready,
            pod.status,
            restarts,
            pod.node,
        ]
    });
    let headers = ["NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS", "NODE"];
    let expected = columns(ZOO_WIDE, &headers);
    assert_eq!(expected.len(), 18);
    let rows = sorted(rows.collect());
    assert_eq!(rows, expected);
    let narrow: Vec<_> = rows.into_iter().map(|row| row[..5].to_vec()).collect();
    assert_eq!(narrow, columns(ZOO_TABLE, &headers[..5]));
}

fn said(cluster: &Cluster) -> String {
    let problems = cluster.problems().map(|line| format!("ill: {line}"));
    let waiting = cluster.waiting().map(|line| format!("waiting: {line}"));
    problems.chain(waiting).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_ill_pod_has_its_diagnosis() {
    let mut cluster = parse(ZOO);
    insta::assert_snapshot!(said(&cluster), @r#"
    ill: pod zoo/bad-command: container c: RunContainerError: exec: "/nope": stat /nope: no such file or directory, restarted 4 times
    ill: pod zoo/config-missing: container c: CreateContainerConfigError: configmap "absent" not found
    ill: pod zoo/crash-loop: container c: exit 3 (Error), restarted 4 times
    ill: pod zoo/image-missing: container c: ImagePullBackOff, image registry.invalid/none:1: Head "https://registry.invalid/v2/none/manifests/1": dial tcp: lookup registry.invalid: no such host
    ill: pod zoo/image-never: container c: ErrImageNeverPull, image lab/absent:1: Container image "lab/absent:1" is not present with pull policy of Never
    ill: pod zoo/init-crash: init container i: exit 1 (Error), restarted 3 times
    ill: pod zoo/oom: container c: killed: out of memory (OOMKilled, limit 16Mi), restarted 4 times
    ill: pod zoo/two-containers-one-crashing: container bad: exit 7 (Error), restarted 4 times
    waiting: pod zoo/failing-p5xnb: container c: exit 1 (Error)
    waiting: pod zoo/not-ready: container c: running, not ready
    waiting: pod zoo/pvc-pending: cannot be scheduled: 0/3 nodes are available: persistentvolumeclaim "absent" not found
    waiting: pod zoo/stuck-terminating: has been terminating since 2026-11-23T23:11:58Z, held by lab.example/hold
    waiting: pod zoo/too-big: cannot be scheduled: 0/3 nodes are available: 1 Insufficient memory, 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable
    waiting: pod zoo/unschedulable: cannot be scheduled: 0/3 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable
    waiting: pod zoo/volume-missing: container c: is being created: its image, volumes or network are not ready yet
    "#);
    assert!(!cluster.healthy() && !cluster.settled());
    let ill = cluster.problems().count();
    let all = ill + cluster.waiting().count();
    cluster.overdue();
    assert_eq!(cluster.problems().count(), all);
    assert!(cluster.settled() && !cluster.healthy());
}

#[test]
fn a_pod_on_a_silent_node_is_not_believed() {
    let cluster = parse(&format!("{CORDONED}\n{ZOO}"));
    insta::assert_snapshot!(cluster.node_lines().join("\n"), @r#"
    NAME     STATUS                     ROLES           VERSION        INTERNAL-IP
    k3s-ag   NotReady                   <none>          v1.36.2+k3s1   198.51.100.15
    k3s-s2   Ready,SchedulingDisabled   control-plane   v1.36.2+k3s1   198.51.100.13
    k3s-s1   Ready                      control-plane   v1.36.2+k3s1   198.51.100.12
    "#);
    insta::assert_snapshot!(cluster.pod_lines().join("\n"), @r#"
    NAMESPACE     NAME                          READY   STATUS                       RESTARTS   NODE
    zoo           bad-command                   0/1     RunContainerError            4          k3s-s1
    zoo           config-missing                0/1     CreateContainerConfigError   0          k3s-s2
    zoo           crash-loop                    0/1     Error                        4          k3s-ag
    zoo           image-missing                 0/1     ImagePullBackOff             0          k3s-s1
    zoo           image-never                   0/1     ErrImageNeverPull            0          k3s-s2
    zoo           init-crash                    0/1     Init:Error                   3          k3s-ag
    zoo           oom                           0/1     OOMKilled                    4          k3s-s1
    zoo           two-containers-one-crashing   1/2     Error                        4          k3s-s2
    zoo           failing-p5xnb                 0/1     Error                        0          k3s-ag
    zoo           not-ready                     0/1     Running                      0          k3s-s2
    zoo           pvc-pending                   0/1     Pending                      0          <none>
    zoo           stuck-terminating             0/1     Completed                    0          k3s-s1
    zoo           too-big                       0/1     Pending                      0          <none>
    zoo           unschedulable                 0/1     Pending                      0          <none>
    zoo           volume-missing                0/1     ContainerCreating            0          k3s-ag
    kube-system   coredns-5f5694d56b-9tjf4      1/1     Running                      0          k3s-s1
    zoo           finished-v7tzr                0/1     Completed                    0          k3s-ag
    zoo           healthy                       1/1     Running                      0          k3s-s2
    "#);
    let nodes = said(&cluster);
    let nodes: Vec<_> = nodes
        .lines()
        .filter(|line| line.contains(": node "))
        .collect();
    insta::assert_snapshot!(nodes.join("\n"), @r#"
    ill: node k3s-ag: no longer reports: Kubelet stopped posting node status.
    ill: node k3s-s2: is cordoned and takes no new pods. To undo: kubectl uncordon k3s-s2
    "#);
    let zoo = ZOO.replace(r#""nodeName": "k3s-s2""#, r#""nodeName": "k3s-ag""#);
    let silent = parse(&format!("{CORDONED}{zoo}"));
    let healthy = silent
        .pods
        .iter()
        .find(|pod| pod.name == "healthy")
        .expect("it is there");
    insta::assert_snapshot!(healthy.problem.as_deref().unwrap_or_default(), @"its node k3s-ag is NotReady: this is its last reported state");
    let finished = silent.pods.iter().find(|pod| pod.name == "finished-v7tzr");
    assert_eq!(finished.expect("it is there").problem, None);
}

#[test]
fn nodes_are_compared_with_what_they_should_be() {
    let version = "v1.36.2+k3s1";
    let node = |name: &str, ip: &str| ExpectedNode {
        name: name.into(),
        ip: ip.into(),
        version: version.into(),
    };
    let expected = [
        node("k3s-s1", "198.51.100.12"),
        node("k3s-s2", "198.51.100.13"),
        node("k3s-ag", "198.51.100.15"),
    ];
    let mut cluster = parse(READY);
    cluster.expect(&expected);
    assert!(cluster.healthy(), "{}", said(&cluster));

    let newer = "v1.36.3+k3s1";
    let other = [
        ExpectedNode {
            version: newer.into(),
            ..expected[0].clone()
        },
        node("k3s-s2", "198.51.100.99"),
        expected[2].clone(),
        node("k3s-s3", "198.51.100.16"),
    ];
    cluster.expect(&other);
    insta::assert_snapshot!(said(&cluster), @r#"
    ill: node k3s-s1: runs v1.36.2+k3s1 instead of v1.36.3+k3s1
    ill: node k3s-s2: has joined with the address 198.51.100.13 instead of 198.51.100.99: check node-ip in its config.yaml
    waiting: node k3s-s3: has not joined the cluster
    "#);
    insta::assert_snapshot!(cluster.node_lines().join("\n"), @r#"
    NAME     STATUS   ROLES           VERSION        INTERNAL-IP
    k3s-s1   Ready    control-plane   v1.36.2+k3s1   198.51.100.12
    k3s-s2   Ready    control-plane   v1.36.2+k3s1   198.51.100.13
    k3s-s3   Absent   <none>          <none>         <none>
    k3s-ag   Ready    <none>          v1.36.2+k3s1   198.51.100.15
    "#);
    assert!(!Cluster::default().healthy(), "nothing is not healthy");
}

/// One pod, as JSON; its status and spec.
fn pod(spec: &str, status: &str) -> Pod {
    let json = format!(
        r#"{{"items": [{{"kind": "Service"}}, {{"kind": "Pod",
            "metadata": {{"name": "app", "namespace": "n"}}, "spec": {spec}, "status": {status}}}]}}"#
    );
    parse(&json).pods.remove(0)
}

fn row(pod: &Pod) -> String {
    let Pod {
        ready,
        status,
        restarts,
        problem,
        waiting,
        ..
    } = pod;
    let (ill, mark) = match (problem, waiting) {
        (Some(text), _) => (text.as_str(), "ill"),
        (None, Some(text)) => (text.as_str(), "waiting"),
        (None, None) => ("", "well"),
    };
    format!("{ready} {status} {restarts} | {mark} {ill}")
        .trim_end()
        .to_owned()
}

/// Shapes that the real cluster did not have at that moment.
#[test]
fn columns_and_diagnoses_of_further_shapes() {
    let one = r#"{"nodeName": "s1", "restartPolicy": "Always", "containers": [
        {"name": "app", "image": "app:1", "resources": {"limits": {"memory": "64Mi"}}}]}"#;
    let with_state = |state: &str| {
        row(&pod(
            one,
            &format!(
                r#"{{"phase": "Running", "containerStatuses": [{{"name": "app", {state}}}]}}"#
            ),
        ))
    };
    insta::assert_snapshot!(with_state(r#""restartCount": 7, "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"}}, "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}}"#), @"0/1 CrashLoopBackOff 7 | ill container app: CrashLoopBackOff, last exit 1 (Error), restarted 7 times");
    insta::assert_snapshot!(with_state(r#""restartCount": 2, "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}"#), @"0/1 CrashLoopBackOff 2 | ill container app: CrashLoopBackOff, last killed: out of memory (OOMKilled, limit 64Mi), restarted 2 times");
    insta::assert_snapshot!(with_state(r#""restartCount": 1, "state": {"terminated": {"exitCode": 137, "signal": 9}}"#), @"0/1 Signal:9 1 | ill container app: signal 9, restarted once");
    insta::assert_snapshot!(with_state(r#""state": {"terminated": {"exitCode": 2}}"#), @"0/1 ExitCode:2 0 | ill container app: exit 2");
    insta::assert_snapshot!(with_state(r#""restartCount": 3, "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}"#), @"0/1 Completed 3 | waiting container app: exited, and is being restarted, restarted 3 times");
    insta::assert_snapshot!(with_state(r#""started": false, "state": {"running": {}}"#), @"0/1 Running 0 | waiting container app: has started, but its probe has not passed yet");
    insta::assert_snapshot!(with_state(r#""ready": true, "started": true, "restartCount": 5, "state": {"running": {}}"#), @"1/1 Running 5 | well");
    insta::assert_snapshot!(with_state(r#""state": {"waiting": {"reason": "ContainerCreating"}}"#), @"0/1 ContainerCreating 0 | waiting container app: is being created: its image, volumes or network are not ready yet");

    let evicted = r#"{"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: ephemeral-storage. "}"#;
    insta::assert_snapshot!(row(&pod(one, evicted)), @"0/1 Evicted 0 | ill Evicted: The node was low on resource: ephemeral-storage");
    insta::assert_snapshot!(row(&pod(one, r#"{"phase": "Pending"}"#)), @"0/1 Pending 0 | waiting its node has not started it yet");
    insta::assert_snapshot!(row(&pod(one, r#"{"phase": "Unknown"}"#)), @"0/1 Unknown 0 | ill its node has not reported what happened to it");
    let gate = r#"{"phase": "Running", "conditions": [{"type": "Ready", "status": "False", "reason": "ReadinessGatesNotReady", "message": "corresponding condition of pod readiness gate does not exist"}], "containerStatuses": [{"name": "app", "ready": true, "state": {"running": {}}}]}"#;
    insta::assert_snapshot!(row(&pod(one, gate)), @"1/1 Running 0 | waiting running, not ready: corresponding condition of pod readiness gate does not exist");
    let gated = r#"{"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated", "message": "Scheduling is blocked due to non-empty scheduling gates"}]}"#;
    insta::assert_snapshot!(row(&pod(one, gated)), @"0/1 SchedulingGated 0 | waiting cannot be scheduled: Scheduling is blocked due to non-empty scheduling gates");

    let init = r#"{"restartPolicy": "Always", "containers": [{"name": "app"}], "initContainers": [
        {"name": "mesh", "restartPolicy": "Always"}, {"name": "wait"}]}"#;
    let with_init = |mesh: &str, wait: &str, app: &str| {
        row(&pod(
            init,
            &format!(
                r#"{{"phase": "Pending", "initContainerStatuses": [{{"name": "mesh", {mesh}}}, {{"name": "wait", {wait}}}],
                "containerStatuses": [{{"name": "app", {app}}}]}}"#
            ),
        ))
    };
    let runs = r#""ready": true, "started": true, "restartCount": 1, "state": {"running": {}}"#;
    let through =
        r#""restartCount": 2, "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}"#;
    let not_yet = r#""state": {"waiting": {"reason": "PodInitializing"}}"#;
    insta::assert_snapshot!(with_init(runs, r#""state": {"running": {}}"#, not_yet), @"1/2 Init:1/2 1 | waiting init container wait: is still running");
    insta::assert_snapshot!(with_init(runs, r#""restartCount": 4, "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"exitCode": 1}}"#, not_yet), @"1/2 Init:CrashLoopBackOff 5 | ill init container wait: CrashLoopBackOff, last exit 1, restarted 4 times");
    insta::assert_snapshot!(with_init(runs, through, not_yet), @"1/2 PodInitializing 1 | waiting container app: waits to start");
    insta::assert_snapshot!(with_init(runs, through, runs), @"2/2 Pending 2 | well");
    insta::assert_snapshot!(with_init(not_yet, not_yet, not_yet), @"0/2 Init:0/2 0 | waiting init container mesh: waits to start");
}

#[test]
fn a_pod_that_goes_away_is_waited_for() {
    let json = |phase: &str, reason: &str| {
        format!(
            r#"{{"items": [{{"kind": "Pod", "metadata": {{"name": "app", "namespace": "n",
            "deletionTimestamp": "2026-11-23T23:11:58Z"}}, "spec": {{"containers": [{{"name": "c"}}]}},
            "status": {{"phase": "{phase}", "reason": "{reason}"}}}}]}}"#
        )
    };
    let shown = |phase, reason| row(&parse(&json(phase, reason)).pods[0]);
    insta::assert_snapshot!(shown("Running", ""), @"0/1 Terminating 0 | waiting has been terminating since 2026-11-23T23:11:58Z");
    insta::assert_snapshot!(shown("Running", "NodeLost"), @"0/1 Unknown 0 | waiting has been terminating since 2026-11-23T23:11:58Z");
    insta::assert_snapshot!(shown("Failed", ""), @"0/1 Failed 0 | waiting has been terminating since 2026-11-23T23:11:58Z");
}

/// The jobs that install K3s's charts fail a few times at first.
#[test]
fn a_job_that_finished_in_the_end_is_well() {
    let pod = |name: &str, phase: &str| {
        let exit = u8::from(phase == "Failed");
        format!(
            r#"{{"kind": "Pod", "metadata": {{"name": "{name}", "namespace": "kube-system",
            "ownerReferences": [{{"kind": "Job", "name": "helm-install-traefik"}}]}},
            "spec": {{"restartPolicy": "OnFailure", "containers": [{{"name": "helm"}}]}},
            "status": {{"phase": "{phase}", "containerStatuses": [
            {{"name": "helm", "state": {{"terminated": {{"exitCode": {exit}}}}}}}]}}}}"#
        )
    };
    let list = |pods: &[String]| parse(&format!(r#"{{"items": [{}]}}"#, pods.join(",")));
    let failed = list(&[pod("a", "Failed")]);
    insta::assert_snapshot!(said(&failed), @"waiting: pod kube-system/a: container helm: exit 1");
    let tried_again = list(&[pod("a", "Failed"), pod("b", "Running")]);
    assert!(!tried_again.settled());
    let finished = list(&[pod("a", "Failed"), pod("b", "Succeeded")]);
    assert_eq!(said(&finished), "");
}

#[test]
fn a_cluster_survives_the_log_of_a_run() {
    let cluster = parse(&format!("{CORDONED}{ZOO}"));
    let json = serde_json::to_string(&cluster).expect("JSON");
    assert_eq!(
        serde_json::from_str::<Cluster>(&json).expect("a cluster"),
        cluster
    );
    // One of before there was `waiting`.
    let old = r#"{"name": "s1", "status": "Ready", "roles": "", "version": "", "internal_ip": "", "problem": null}"#;
    assert!(serde_json::from_str::<Node>(old).is_ok());
}
