//! As much of kubectl as the wizard and the tests of the lab use; whatever else is asked is refused
//! by name.

mod configmap;
mod costs;
mod drain;
mod table;

use std::net::ToSocketAddrs as _;

use serde_json::{Value, json};

use crate::http::{Client, Response};
use crate::kubeconfig::{self, Kubeconfig};
use crate::kubelet::told;
use crate::log;
use crate::nodes;
use crate::tls::{self, Check};
use crate::version::{NOTE, VERSION};

/// What ends a command: words for standard error.
type Outcome<T> = Result<T, String>;

/// The arguments, sorted.
#[derive(Debug, Default)]
struct Arguments {
    words: Vec<String>,
    output: String,
    namespace: Option<String>,
    all_namespaces: bool,
    raw: Option<String>,
    kubeconfig: Option<String>,
    no_headers: bool,
    ignore_daemonsets: bool,
    force: bool,
    client: bool,
    timeout: Option<u64>,
    literals: Vec<String>,
}

/// Runs a command; its exit code.
pub fn run(arguments: &[String]) -> i32 {
    costs::burn(arguments);
    let result = Arguments::parse(arguments).and_then(|arguments| {
        match arguments.words.first().map(String::as_str) {
            Some("version") => version(&arguments),
            Some("get") => get(&arguments),
            Some("cordon") => drain::cordon(&arguments, true),
            Some("uncordon") => drain::cordon(&arguments, false),
            Some("drain") => drain::drain(&arguments),
            Some("create") => configmap::create(&arguments),
            Some("delete") => delete(&arguments),
            other => Err(format!(
                "error: {NOTE}: it has no `kubectl {}`",
                other.unwrap_or_default()
            )),
        }
    });
    finish(result)
}

/// `k3s stand-in crash|heal PREFIX`: makes the pods whose names begin so crash, or lets them be.
pub fn stand_in(arguments: &[String]) -> i32 {
    let method = match arguments {
        [verb, _] if verb == "crash" => "POST",
        [verb, _] if verb == "heal" => "DELETE",
        _ => {
            eprintln!("usage: k3s stand-in crash|heal PREFIX-OF-A-POD'S-NAME");
            return 1;
        }
    };
    let result = connect(&Arguments::default())
        .and_then(|client| {
            ask(
                &client,
                method,
                &format!("/stand-in/crash/{}", arguments[1]),
                &[],
            )
        })
        .map(|_| ());
    finish(result)
}

fn finish(result: Outcome<()>) -> i32 {
    match result {
        Ok(()) => 0,
        Err(reason) => {
            eprintln!("{reason}");
            1
        }
    }
}

impl Arguments {
    fn parse(arguments: &[String]) -> Outcome<Self> {
        let mut parsed = Self::default();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            if !argument.starts_with('-') {
                parsed.words.push(argument.clone());
                continue;
            }
            let (name, given) = match argument.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None if argument.len() > 2 && argument.starts_with("-o") => {
                    ("-o", Some(argument[2..].to_owned()))
                }
                None => (argument.as_str(), None),
            };
            let on = given.as_deref() != Some("false");
            let mut value = || {
                let value = given.clone().or_else(|| arguments.next().cloned());
                value.ok_or_else(|| format!("error: flag needs an argument: {name}"))
            };
            match name {
                "-o" | "--output" => parsed.output = value()?,
                "-n" | "--namespace" => parsed.namespace = Some(value()?),
                "-A" | "--all-namespaces" => parsed.all_namespaces = on,
                "--from-literal" => parsed.literals.push(value()?),
                "--raw" => parsed.raw = Some(value()?),
                "--kubeconfig" => parsed.kubeconfig = Some(value()?),
                "--no-headers" => parsed.no_headers = on,
                "--ignore-daemonsets" => parsed.ignore_daemonsets = on,
                "--force" => parsed.force = on,
                "--client" => parsed.client = on,
                "--timeout" => parsed.timeout = seconds(&value()?),
                "--request-timeout" | "--grace-period" => {
                    value()?;
                }
                "--delete-emptydir-data" | "--wait" | "--now" | "--ignore-not-found" => {}
                _ => return Err(format!("error: unknown flag: {name}\n{NOTE}")),
            }
        }
        Ok(parsed)
    }

    fn word(&self, index: usize) -> &str {
        self.words
            .get(index)
            .map(String::as_str)
            .unwrap_or_default()
    }
}

fn seconds(text: &str) -> Option<u64> {
    match text.strip_suffix('m') {
        Some(minutes) => minutes.parse::<u64>().ok().map(|minutes| minutes * 60),
        None => text.trim_end_matches('s').parse().ok(),
    }
}

/// A client with the administrator's certificate.
fn connect(arguments: &Arguments) -> Outcome<Client> {
    let given = arguments
        .kubeconfig
        .clone()
        .or_else(|| std::env::var("KUBECONFIG").ok());
    let path = given
        .filter(|path| !path.is_empty())
        .unwrap_or_else(|| kubeconfig::path().display().to_string());
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            log::warning(format!(
                "Unable to read {path}, please start server with --write-kubeconfig-mode or \
                 --write-kubeconfig-group to modify kube config permissions"
            ));
            return Err(format!(
                "error: error loading config file \"{path}\": open {path}: permission denied"
            ));
        }
        Err(_) => {
            return Err("The connection to the server localhost:8080 was refused - did you specify the right host or port?".into());
        }
    };
    let config: Kubeconfig = kubeconfig::parse(&text).ok_or_else(|| {
        format!("error: error loading config file \"{path}\": not a kubeconfig of K3s")
    })?;
    let target = config
        .server
        .trim_start_matches("https://")
        .trim_end_matches('/');
    let (host, _) = target.rsplit_once(':').unwrap_or((target, ""));
    let host = host.trim_matches(['[', ']']).to_owned();
    let unreachable = |reason: String| format!("Unable to connect to the server: {reason}");
    let address = target
        .to_socket_addrs()
        .ok()
        .and_then(|mut addresses| addresses.next());
    let address =
        address.ok_or_else(|| unreachable(format!("dial tcp: lookup {host}: no such host")))?;
    let identity = tls::identity(&config.certificate, &config.key)
        .map_err(|reason| format!("error: {reason}"))?;
    let check = Check::Name(tls::certificates_of(&config.ca), host);
    let tls = tls::client(check, Some(identity)).map_err(|error| unreachable(error.to_string()))?;
    Ok(Client {
        address,
        tls,
        basic: None,
    })
}

/// Asks; what is no success is told as kubectl tells it.
fn ask(client: &Client, method: &str, path: &str, body: &[u8]) -> Outcome<Response> {
    let answer = client.ask(method, path, &[("Content-Type", "application/json")], body).map_err(|reason| {
        if reason.ends_with("connection refused") {
            return format!(
                "The connection to the server {} was refused - did you specify the right host or port?",
                client.address
            );
        }
        let cause = reason.split_once("\": ").map_or(reason.as_str(), |(_, cause)| cause);
        format!("Unable to connect to the server: {cause}")
    })?;
    if answer.status < 300 {
        return Ok(answer);
    }
    let status: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let reason = status
        .as_ref()
        .and_then(|status| status["reason"].as_str())
        .unwrap_or("InternalError");
    Err(match (answer.status, status.is_some()) {
        (503, _) => "Error from server (ServiceUnavailable): the server is currently unable to handle the request".into(),
        (401, _) => "error: You must be logged in to the server (Unauthorized)".into(),
        (_, true) => format!("Error from server ({reason}): {}", told(&answer)),
        (_, false) => format!(
            "Error from server (InternalError): an error on the server ({:?}) has prevented the request from succeeding",
            told(&answer)
        ),
    })
}

/// What the API lists; each object with the kind that is said of the list.
fn items(client: &Client, path: &str) -> Outcome<Vec<Value>> {
    let answer = ask(client, "GET", path, &[])?;
    let list: Value =
        serde_json::from_slice(&answer.body).map_err(|error| format!("error: {error}"))?;
    let kind = list["kind"]
        .as_str()
        .and_then(|kind| kind.strip_suffix("List"));
    let mut items = list["items"].as_array().cloned().unwrap_or_default();
    for item in &mut items {
        item["kind"] = json!(kind);
        item["apiVersion"] = list["apiVersion"].clone();
    }
    Ok(items)
}

fn version(arguments: &Arguments) -> Outcome<()> {
    let client_version = json!({ "gitVersion": VERSION, "major": "1" });
    let server: Option<Value> = if arguments.client {
        None
    } else {
        let answer = ask(&connect(arguments)?, "GET", "/version", &[])?;
        Some(serde_json::from_slice(&answer.body).map_err(|error| format!("error: {error}"))?)
    };
    if arguments.output == "json" {
        print(&json!({ "clientVersion": client_version, "serverVersion": server }));
        return Ok(());
    }
    println!("Client Version: {VERSION}\nKustomize Version: v5.8.1");
    if let Some(version) = server {
        println!(
            "Server Version: {}",
            version["gitVersion"].as_str().unwrap_or_default()
        );
    }
    Ok(())
}

fn get(arguments: &Arguments) -> Outcome<()> {
    let client = connect(arguments)?;
    if let Some(path) = &arguments.raw {
        let answer = ask(&client, "GET", path, &[])?;
        print!("{}", String::from_utf8_lossy(&answer.body));
        return Ok(());
    }
    let (kind, mut name) = match arguments.word(1).split_once('/') {
        Some((kind, name)) => (kind, Some(name)),
        None => (arguments.word(1), None),
    };
    if arguments.words.len() > 2 {
        name = Some(arguments.word(2));
    }
    if configmap::is(kind) {
        return configmap::get(arguments);
    }
    let namespace = arguments.namespace.as_deref().unwrap_or("default");
    if ["secret", "secrets"].contains(&kind) {
        for item in items(&client, &format!("/api/v1/namespaces/{namespace}/secrets"))? {
            println!("secret/{}", nodes::name(&item));
        }
        return Ok(());
    }
    let node = match kind {
        "node" | "nodes" | "no" => true,
        "pod" | "pods" | "po" => false,
        other => {
            return Err(format!(
                "error: the server doesn't have a resource type \"{other}\"\n{NOTE}"
            ));
        }
    };
    let path = match (node, arguments.all_namespaces) {
        (true, _) => "/api/v1/nodes".to_owned(),
        (false, true) => "/api/v1/pods".to_owned(),
        (false, false) => format!("/api/v1/namespaces/{namespace}/pods"),
    };
    let mut found = items(&client, &path)?;
    if let Some(name) = name {
        found.retain(|item| nodes::name(item) == name);
        if found.is_empty() {
            let plural = if node { "nodes" } else { "pods" };
            return Err(format!(
                "Error from server (NotFound): {plural} \"{name}\" not found"
            ));
        }
    }
    show(arguments, node, name.is_some(), &found, namespace)
}

fn show(
    arguments: &Arguments,
    node: bool,
    single: bool,
    found: &[Value],
    namespace: &str,
) -> Outcome<()> {
    let now = log::now();
    match arguments.output.as_str() {
        "json" if single => found.first().into_iter().for_each(print),
        "json" => print(&json!({
            "apiVersion": "v1", "items": found, "kind": "List", "metadata": { "resourceVersion": "" }
        })),
        "name" => {
            let kind = if node { "node" } else { "pod" };
            for item in found {
                println!("{kind}/{}", nodes::name(item));
            }
        }
        "" | "wide" if found.is_empty() => {
            if arguments.all_namespaces || node {
                eprintln!("No resources found");
            } else {
                eprintln!("No resources found in {namespace} namespace.");
            }
        }
        "" | "wide" => {
            let wide = arguments.output == "wide";
            let mut rows = if node {
                table::nodes(found, wide, now)
            } else {
                table::pods(found, arguments.all_namespaces, wide, now)
            };
            if arguments.no_headers {
                rows.remove(0);
            }
            print!("{}", table::render(&rows));
        }
        other => return Err(format!("error: {NOTE}: it has no output {other:?}")),
    }
    Ok(())
}

/// JSON as kubectl prints it: four spaces.
fn print(value: &Value) {
    use serde::Serialize as _;
    let mut text = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, formatter);
    if value.serialize(&mut serializer).is_ok() {
        println!("{}", String::from_utf8_lossy(&text));
    }
}

fn delete(arguments: &Arguments) -> Outcome<()> {
    let client = connect(arguments)?;
    let (kind, name) = match arguments.word(1).split_once('/') {
        Some((kind, name)) => (kind, name),
        None => (arguments.word(1), arguments.word(2)),
    };
    match kind {
        "node" | "nodes" | "no" => {
            ask(&client, "DELETE", &format!("/api/v1/nodes/{name}"), &[])
                .map_err(|reason| reason.replace(": \"", ": nodes \""))?;
            println!("node \"{name}\" deleted");
        }
        kind if configmap::is(kind) => configmap::delete(arguments)?,
        "pod" | "pods" | "po" => {
            let namespace = arguments.namespace.as_deref().unwrap_or("default");
            ask(
                &client,
                "DELETE",
                &format!("/api/v1/namespaces/{namespace}/pods/{name}"),
                &[],
            )?;
            drain::gone(&client, &[name.to_owned()], arguments.timeout)?;
            println!("pod \"{name}\" deleted from {namespace} namespace");
        }
        other => {
            return Err(format!(
                "error: the server doesn't have a resource type \"{other}\"\n{NOTE}"
            ));
        }
    }
    Ok(())
}
