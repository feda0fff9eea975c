//! A node's own part: it registers with the API, says that it is alive, and tells how it is. On a
//! server it asks the server itself, on an agent it asks through the agent's load balancer.

use std::net::IpAddr;
use std::path::Path;
use std::thread;
use std::time::Duration as Pause;

use serde_json::{Value, json};

use crate::certs;
use crate::host;
use crate::http::{Client, Response};
use crate::kubelet_port;
use crate::log;
use crate::nodes;
use crate::overlay;
use crate::settings::Settings;
use crate::tls::{self, Check};
use crate::token::sha256;
use crate::version::{RUNTIME, VERSION};

/// Between two signs of life.
const HEARTBEAT: Pause = Pause::from_secs(10);
/// A new node has no network for so long.
const NETWORK: Pause = Pause::from_secs(3);
/// The password that proves that a host is the one which had the node's name before.
const PASSWORD: &str = "node/password";

const BACKEND: &str = "flannel.alpha.coreos.com/backend-type";
const VXLAN: &str = "vxlan";

/// Who a node is.
#[derive(Debug, Clone)]
pub struct Identity {
    pub name: String,
    pub address: IpAddr,
    pub password: String,
}

impl Identity {
    /// From the settings and the host.
    pub fn of(settings: &Settings) -> Result<Self, String> {
        let name = settings
            .text("node-name")
            .map_or_else(host::name, str::to_lowercase);
        let address = match settings.many("node-ip").first() {
            Some(text) => text
                .parse()
                .map_err(|_| format!("invalid node-ip: {text}"))?,
            None => host::address().ok_or(
                "no default routes found in \"/proc/net/route\" or \"/proc/net/ipv6_route\"",
            )?,
        };
        Ok(Self {
            name,
            address,
            password: password(&host::etc().join(PASSWORD))?,
        })
    }
}

fn password(path: &Path) -> Result<String, String> {
    if let Ok(text) = std::fs::read_to_string(path)
        && !text.trim().is_empty()
    {
        return Ok(text.trim().to_owned());
    }
    let password = crate::bootstrap::random_hex(16)?;
    certs::write(path, &format!("{password}\n"), 0o600)?;
    Ok(password)
}

/// Asks for the node's certificates; the server refuses a name that another host has.
pub fn certificates(
    client: &Client,
    node: &Identity,
    agent: &Path,
) -> Result<tls::Identity, String> {
    let headers = [
        ("k3s-Node-Name", node.name.as_str()),
        ("k3s-Node-Password", node.password.as_str()),
    ];
    let mut identity = Err("no certificate".to_owned());
    for name in ["serving-kubelet", "client-kubelet"] {
        let file = agent.join(format!("{name}.crt"));
        let answer = client.ask("GET", &format!("/v1-k3s/{name}.crt"), &headers, &[])?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        if answer.status != 200 {
            return Err(format!("{}: {}", file.display(), text.trim()));
        }
        let key = text.find("-----BEGIN PRIVATE KEY").ok_or("no key")?;
        let pair = certs::Pair {
            certificate: text[..key].to_owned(),
            key: text[key..].to_owned(),
        };
        certs::write_pair(agent, name, &pair)?;
        identity = tls::identity(pair.certificate.as_bytes(), pair.key.as_bytes());
    }
    identity
}

/// The same client with the node's own certificate.
pub fn with_certificate(
    client: &Client,
    ca_pem: &str,
    identity: tls::Identity,
) -> Result<Client, String> {
    let check = Check::Name(
        tls::certificates_of(ca_pem.as_bytes()),
        client.address.ip().to_string(),
    );
    let tls = tls::client(check, Some(identity)).map_err(|error| error.to_string())?;
    Ok(Client {
        address: client.address,
        tls,
        basic: None,
    })
}

/// The node as it describes itself.
pub fn describe(settings: &Settings, identity: &Identity, server: bool) -> Value {
    let Identity { name, address, .. } = identity;
    let architecture = host::architecture();
    let mut labels = json!({
        "beta.kubernetes.io/arch": architecture,
        "beta.kubernetes.io/instance-type": "k3s",
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": architecture,
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": "k3s",
    });
    if server {
        labels["node-role.kubernetes.io/control-plane"] = json!("true");
    }
    for label in settings.many("node-label") {
        let (key, value) = label.split_once('=').unwrap_or((label, ""));
        labels[key] = json!(value);
    }
    let arguments = masked(settings, server);
    let machine = host::read("/etc/machine-id");
    let memory = format!("{}Ki", host::memory());
    let cpus = thread::available_parallelism()
        .map_or(1, usize::from)
        .to_string();
    let resources = json!({
        "cpu": cpus, "ephemeral-storage": "20961280Ki", "hugepages-1Gi": "0", "hugepages-2Mi": "0",
        "memory": memory, "pods": "110"
    });
    let mut node = json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "annotations": {
                "alpha.kubernetes.io/provided-node-ip": address,
                BACKEND: VXLAN,
                "flannel.alpha.coreos.com/kube-subnet-manager": "true",
                "flannel.alpha.coreos.com/public-ip": address,
                "k3s.io/hostname": name,
                "k3s.io/internal-ip": address,
                "k3s.io/node-args": json!(arguments).to_string(),
                "k3s.io/node-config-hash": sha256(arguments.join(" ").as_bytes()).to_uppercase(),
                "k3s.io/node-env": "{}",
                "node.alpha.kubernetes.io/ttl": "0",
                "volumes.kubernetes.io/controller-managed-attach-detach": "true",
            },
            "labels": labels,
            "name": name,
        },
        "spec": {},
        "status": {
            "addresses": [
                { "address": address, "type": "InternalIP" },
                { "address": name, "type": "Hostname" },
            ],
            "allocatable": resources,
            "capacity": resources,
            "conditions": [],
            "daemonEndpoints": { "kubeletEndpoint": { "Port": 10250 } },
            "images": [],
            "nodeInfo": {
                "architecture": architecture,
                "bootID": host::read("/proc/sys/kernel/random/boot_id"),
                "containerRuntimeVersion": RUNTIME,
                "kernelVersion": host::read("/proc/sys/kernel/osrelease"),
                "kubeProxyVersion": "",
                "kubeletVersion": VERSION,
                "machineID": machine,
                "operatingSystem": "linux",
                "osImage": host::system(),
                "systemUUID": machine,
            },
        },
    });
    let taints: Vec<Value> = settings
        .many("node-taint")
        .iter()
        .filter_map(|taint| taint_of(taint))
        .collect();
    if !taints.is_empty() {
        node["spec"]["taints"] = json!(taints);
    }
    node
}

/// Opens the node to the others: the kubelet's port, and the pods' network, which the node then
/// tells of. (An agent takes vxlan for granted: only servers are told another backend.)
pub fn open(settings: &Settings, identity: &Identity, node: &mut Value) {
    if !host::is_ours_alone() {
        return;
    }
    if let Err(reason) = kubelet_port::start(&settings.data_dir().join("agent")) {
        log::error(format!("Failed to listen and serve: {reason}"));
    }
    let backend = settings.text("flannel-backend").unwrap_or(VXLAN);
    node["metadata"]["annotations"][BACKEND] = json!(backend);
    if backend != VXLAN {
        return;
    }
    match overlay::device(identity.address) {
        Ok(mac) => overlay::annotate(node, &mac),
        Err(reason) => log::error(format!("flannel exited: {reason}")),
    }
}

fn taint_of(text: &str) -> Option<Value> {
    let (key, effect) = text.rsplit_once(':')?;
    let (key, value) = key.split_once('=').unwrap_or((key, ""));
    let mut taint = json!({ "effect": effect, "key": key });
    if !value.is_empty() {
        taint["value"] = json!(value);
    }
    Some(taint)
}

/// The node's arguments with the secrets hidden, as K3s annotates them.
fn masked(settings: &Settings, server: bool) -> Vec<String> {
    let secrets = ["--token", "--agent-token", "--datastore-endpoint"];
    let mut arguments = vec![if server { "server" } else { "agent" }.to_owned()];
    let mut hide = false;
    for argument in &settings.arguments {
        let (name, value) = argument.split_once('=').unwrap_or((argument, ""));
        if hide {
            arguments.push("********".into());
        } else if secrets.contains(&name) && !value.is_empty() {
            arguments.push(format!("{name}=********"));
        } else {
            arguments.push(argument.clone());
        }
        hide = !hide && secrets.contains(&argument.as_str());
    }
    arguments
}

/// The four conditions of a node whose network is up, or not yet.
fn conditions(network: bool, before: &Value) -> Value {
    let now = log::stamp(log::now());
    let well = |kind: &str, reason: &str, message: &str| {
        (
            kind.to_owned(),
            "False",
            reason.to_owned(),
            message.to_owned(),
        )
    };
    let ready = if network {
        (
            "Ready".to_owned(),
            "True",
            "KubeletReady".to_owned(),
            "kubelet is posting ready status".to_owned(),
        )
    } else {
        well(
            "Ready",
            "KubeletNotReady",
            "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady \
             message:Network plugin returns error: cni plugin not initialized",
        )
    };
    let all = [
        well(
            "MemoryPressure",
            "KubeletHasSufficientMemory",
            "kubelet has sufficient memory available",
        ),
        well(
            "DiskPressure",
            "KubeletHasNoDiskPressure",
            "kubelet has no disk pressure",
        ),
        well(
            "PIDPressure",
            "KubeletHasSufficientPID",
            "kubelet has sufficient PID available",
        ),
        ready,
    ];
    let conditions = all.map(|(kind, status, reason, message)| {
        let old = nodes::condition(before, &kind).filter(|old| old["status"] == status);
        let since = old
            .and_then(|old| old["lastTransitionTime"].as_str())
            .unwrap_or(&now);
        json!({
            "lastHeartbeatTime": now, "lastTransitionTime": since, "message": message,
            "reason": reason, "status": status, "type": kind
        })
    });
    json!(conditions)
}

/// Registers the node and keeps it alive for as long as the process lives. `beat` is called after
/// every sign of life that reached a server.
pub fn run(client: &Client, node: &Value, mut beat: impl FnMut()) -> ! {
    let name = nodes::name(node).to_owned();
    if host::is_ours_alone() {
        overlay::follow(client.clone(), name.clone());
    }
    loop {
        match register(client, node, &name) {
            Ok(known) => {
                log::info(format!("Successfully registered node {name}"));
                renew(client, &name);
                if !known {
                    thread::sleep(NETWORK);
                    report(client, &name, true);
                }
                break;
            }
            Err(reason) => {
                log::error(format!("Unable to register node with API server: {reason}"));
                thread::sleep(Pause::from_secs(1));
            }
        }
    }
    let mut rounds = 0_u32;
    loop {
        thread::sleep(HEARTBEAT);
        if renew(client, &name) {
            beat();
            // The whole status every five minutes, and when the last one did not make it.
            rounds = rounds.wrapping_add(1);
            if rounds.is_multiple_of(30) {
                report(client, &name, true);
            }
        }
    }
}

/// Registers the node; true when it was known and Ready, as after a restart.
fn register(client: &Client, node: &Value, name: &str) -> Result<bool, String> {
    let path = format!("/api/v1/nodes/{name}");
    let current = client.ask("GET", &path, &[], &[])?;
    let known = current.status == 200;
    let (method, path, body, ready) = if known {
        let before = parse(&current)?;
        let ready = nodes::condition(&before, "Ready")
            .is_some_and(|condition| condition["status"] != "False");
        let mut body = before.clone();
        body["status"] = node["status"].clone();
        body["status"]["conditions"] = conditions(ready, &before);
        body["metadata"]["annotations"] = node["metadata"]["annotations"].clone();
        for (key, value) in node["metadata"]["labels"].as_object().into_iter().flatten() {
            body["metadata"]["labels"][key] = value.clone();
        }
        ("PUT", path, body, ready)
    } else if current.status == 404 {
        let mut body = node.clone();
        body["status"]["conditions"] = conditions(false, &Value::Null);
        ("POST", "/api/v1/nodes".to_owned(), body, false)
    } else {
        return Err(told(&current));
    };
    let answer = client.ask(method, &path, &[], body.to_string().as_bytes())?;
    if answer.status >= 300 {
        return Err(told(&answer));
    }
    Ok(ready)
}

/// Renews the node's lease; false when no server took it.
fn renew(client: &Client, name: &str) -> bool {
    let path = format!("/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{name}");
    match client.ask("PUT", &path, &[], b"{}") {
        Ok(answer) if answer.status < 300 => true,
        Ok(answer) if answer.status == 404 => {
            log::error(format!(
                "Error updating node status, will retry: error getting node \"{name}\": nodes \"{name}\" not found"
            ));
            false
        }
        Ok(answer) => {
            log::error(format!("Failed to update lease: {}", told(&answer)));
            false
        }
        Err(reason) => {
            log::error(format!("Failed to update lease: {reason}"));
            false
        }
    }
}

fn report(client: &Client, name: &str, network: bool) {
    let path = format!("/api/v1/nodes/{name}");
    let attempt = || -> Result<(), String> {
        let current = client.ask("GET", &path, &[], &[])?;
        let mut body = parse(&current)?;
        body["status"]["conditions"] = conditions(network, &body);
        let answer = client.ask("PUT", &path, &[], body.to_string().as_bytes())?;
        if answer.status < 300 {
            Ok(())
        } else {
            Err(told(&answer))
        }
    };
    for _ in 0..5 {
        match attempt() {
            Ok(()) => return,
            Err(reason) => log::error(format!("Error updating node status, will retry: {reason}")),
        }
        thread::sleep(Pause::from_secs(2));
    }
}

fn parse(answer: &Response) -> Result<Value, String> {
    if answer.status != 200 {
        return Err(told(answer));
    }
    serde_json::from_slice(&answer.body).map_err(|error| error.to_string())
}

/// What a refusal says.
pub fn told(answer: &Response) -> String {
    let status: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let message = status
        .as_ref()
        .and_then(|status| status["message"].as_str())
        .map(ToOwned::to_owned);
    message.unwrap_or_else(|| String::from_utf8_lossy(&answer.body).trim().to_owned())
}
