//! The part of the Kubernetes API that is there, as far as nodes, kubectl and tests ask for it.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde_json::{Value, json};

use crate::api::{Api, failed};
use crate::cluster::Failure;
use crate::configmaps;
use crate::http::{Request, Response};
use crate::log;
use crate::nodes;
use crate::pods::tell;
use crate::version::VERSION;

const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/";
/// Where the API server behind 6443 listens.
const API_SERVER: u16 = 6444;
const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Checks of `/readyz`, in the API's order as far as anybody looks.
const CHECKS: [&str; 4] = ["ping", "log", "etcd", "informer-sync"];

impl Api {
    /// Answers an administrator, or a node, which may only touch what is its own.
    pub fn kubernetes(&self, request: &Request, node: Option<&str>) -> Response {
        let path = request.path.trim_end_matches('/');
        if let Some(name) = path.strip_prefix(LEASES) {
            return self.lease(request, name, node);
        }
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        match (request.method.as_str(), parts.as_slice()) {
            ("GET", ["readyz" | "livez" | "healthz"]) => self.health(request),
            ("GET", ["version"]) => version(),
            ("GET", ["api"]) => self.versions(),
            (_, ["api", "v1", "nodes"]) => self.nodes(request, "", node),
            (_, ["api", "v1", "nodes", name]) => self.nodes(request, name, node),
            (_, _) if node.is_some() => forbidden("", ""),
            (_, ["api", "v1", "pods"]) => self.pods(request, "kube-system", ""),
            (_, ["api", "v1", "namespaces", namespace, kind, rest @ ..]) => {
                let name = rest.first().copied().unwrap_or_default();
                match *kind {
                    "pods" if rest.get(1) == Some(&"log") => self.log(request, namespace, name),
                    "pods" => self.pods(request, namespace, name),
                    "events" if name.is_empty() => self.events(request, namespace),
                    "configmaps" => self.configmaps(request, namespace, name),
                    "secrets" if request.method == "GET" && name.is_empty() => {
                        list("SecretList", self.cluster.secrets(namespace))
                    }
                    _ => unknown(),
                }
            }
            (method, ["stand-in", "crash", prefix]) => {
                let done = self.cluster.crash(prefix, method == "POST");
                object(prefix, done.map(|()| json!({})))
            }
            _ => unknown(),
        }
    }

    /// To clients outside of the service network: with the port on which its own API server listens.
    fn versions(&self) -> Response {
        let here = SocketAddr::new(self.address.parse().unwrap_or(LOCAL), API_SERVER);
        Response::json(
            200,
            &json!({
                "kind": "APIVersions",
                "versions": ["v1"],
                "serverAddressByClientCIDRs": [
                    { "clientCIDR": "0.0.0.0/0", "serverAddress": here.to_string() }
                ]
            }),
        )
    }

    fn lease(&self, request: &Request, name: &str, node: Option<&str>) -> Response {
        if node.is_some_and(|node| node != name) {
            return forbidden("leases", name);
        }
        match request.method.as_str() {
            "PUT" => object(
                name,
                self.cluster
                    .renew(name)
                    .map(|()| json!({ "kind": "Lease" })),
            ),
            _ => not_allowed(),
        }
    }

    fn nodes(&self, request: &Request, name: &str, node: Option<&str>) -> Response {
        let body = serde_json::from_slice::<Value>(&request.body).unwrap_or_default();
        let named = if name.is_empty() {
            nodes::name(&body)
        } else {
            name
        };
        // Flannel, which runs beside a kubelet, follows all of them.
        let lists = request.method == "GET" && name.is_empty();
        if !lists && node.is_some_and(|node| node != named) {
            return forbidden("nodes", named);
        }
        match (request.method.as_str(), name) {
            ("GET", "") => list("NodeList", self.cluster.nodes()),
            ("POST", "") => created(self.cluster.add_node(body)),
            ("GET", name) => object(name, self.cluster.node(name)),
            ("PUT", name) => object(name, self.cluster.put_node(name, &body)),
            ("PATCH", name) if node.is_none() => {
                let unschedulable = body["spec"]["unschedulable"] == true;
                let changed = self.cluster.change_node(name, |mut node| {
                    nodes::cordon(&mut node, unschedulable, log::now());
                    node
                });
                object(name, changed)
            }
            ("DELETE", name) if node.is_none() => object(name, self.cluster.delete_node(name)),
            _ => not_allowed(),
        }
    }

    /// All pods are in one namespace.
    fn pods(&self, request: &Request, namespace: &str, name: &str) -> Response {
        match (request.method.as_str(), namespace, name) {
            ("GET", "kube-system", "") => list("PodList", self.cluster.pods()),
            ("GET", _, "") => list("PodList", Ok(Vec::new())),
            ("GET", "kube-system", name) => pod(name, self.cluster.pod(name)),
            ("GET", _, name) => pod(name, Err(Failure::NotFound)),
            // POST is to `…/eviction`.
            ("DELETE" | "POST", "kube-system", name) => {
                let gone = self.cluster.delete_pod(name);
                object(
                    name,
                    gone.map(|()| json!({ "kind": "Status", "status": "Success" })),
                )
            }
            _ => unknown(),
        }
    }

    /// Only pods have any.
    fn events(&self, request: &Request, namespace: &str) -> Response {
        if request.method != "GET" {
            return not_allowed();
        }
        let pods = match (namespace, self.cluster.pods()) {
            ("kube-system", Ok(pods)) => pods,
            (_, Ok(_)) => Vec::new(),
            (_, Err(failure)) => return failed("", &failure),
        };
        let now = log::now();
        let events = pods.iter().flat_map(|pod| tell::events(pod, now));
        let selector = request.parameter("fieldSelector").unwrap_or_default();
        match tell::chosen(events.collect(), &selector) {
            Ok(events) => list("EventList", Ok(events)),
            Err(why) => Response::refusal(400, "BadRequest", &why),
        }
    }

    /// A kubelet's, which does not answer where its node is lost.
    fn log(&self, request: &Request, namespace: &str, name: &str) -> Response {
        let found = match namespace {
            "kube-system" => self.cluster.pod(name),
            _ => Err(Failure::NotFound),
        };
        let shown = match found {
            Ok(shown) if request.method == "GET" => shown,
            Ok(_) => return not_allowed(),
            failure => return pod(name, failure),
        };
        let options = match log_options(request) {
            Ok(options) => options,
            Err(why) => return Response::refusal(400, "BadRequest", &why),
        };
        let home = shown["spec"]["nodeName"].as_str().unwrap_or_default();
        if let Ok(node) = self.cluster.node(home)
            && !nodes::ready(&node)
        {
            let at = format!("https://{}:10250/containerLogs/", nodes::address(&node));
            let why = format!(
                "Get \"{at}{namespace}/{name}\": proxy error from 127.0.0.1:6443 while dialing \
                 {}:10250, code 502: 502 Bad Gateway",
                nodes::address(&node)
            );
            return Response::refusal(500, "InternalError", &why);
        }
        match tell::log(&shown, &options) {
            Ok(text) => Response::plain(text),
            Err(why) => Response::refusal(400, "BadRequest", &why),
        }
    }

    fn configmaps(&self, request: &Request, namespace: &str, name: &str) -> Response {
        let cluster = &self.cluster;
        let body = serde_json::from_slice::<Value>(&request.body).unwrap_or_default();
        match (request.method.as_str(), name) {
            ("GET", "") => list("ConfigMapList", configmaps::list(cluster, namespace)),
            ("POST", "") => created(configmaps::create(cluster, namespace, body)),
            ("GET", name) => object(name, configmaps::get(cluster, namespace, name)),
            ("PUT", name) => object(name, configmaps::replace(cluster, namespace, name, &body)),
            ("DELETE", name) => object(name, configmaps::delete(cluster, namespace, name)),
            _ => not_allowed(),
        }
    }

    fn health(&self, request: &Request) -> Response {
        let etcd = self.cluster.kine.get("/registry/health").is_ok();
        let name = request.path.trim_start_matches('/');
        if etcd && !request.asks("verbose") {
            return Response::text(200, "ok");
        }
        let mut text = String::new();
        for check in CHECKS {
            let line = if check == "etcd" && !etcd {
                format!("[-]{check} failed: reason withheld\n")
            } else {
                format!("[+]{check} ok\n")
            };
            text.push_str(&line);
        }
        let word = if etcd { "passed" } else { "failed" };
        let _ = writeln!(text, "{name} check {word}");
        Response::text(if etcd { 200 } else { 500 }, text)
    }
}

fn not_allowed() -> Response {
    let message = "the server does not allow this method on the requested resource";
    Response::refusal(405, "MethodNotAllowed", message)
}

fn unknown() -> Response {
    Response::refusal(
        404,
        "NotFound",
        "the server could not find the requested resource",
    )
}

fn version() -> Response {
    let minor = VERSION.split('.').nth(1).unwrap_or_default();
    Response::json(
        200,
        &json!({
            "major": "1", "minor": minor, "gitVersion": VERSION,
            "platform": format!("linux/{}", crate::host::architecture())
        }),
    )
}

fn forbidden(resource: &str, name: &str) -> Response {
    let message = format!("{resource} \"{name}\" is forbidden: not this node's own");
    Response::refusal(403, "Forbidden", &message)
}

/// As the API lists objects: it says their kind of the list alone.
fn list(kind: &str, items: Result<Vec<Value>, Failure>) -> Response {
    match items {
        Ok(mut items) => {
            for item in items.iter_mut().filter_map(Value::as_object_mut) {
                item.remove("kind");
                item.remove("apiVersion");
            }
            Response::json(
                200,
                &json!({ "kind": kind, "apiVersion": "v1", "metadata": { "resourceVersion": "" }, "items": items }),
            )
        }
        Err(failure) => failed("", &failure),
    }
}

/// A pod, or that it is not there, in the API's words.
fn pod(name: &str, found: Result<Value, Failure>) -> Response {
    match found {
        Err(Failure::NotFound) => {
            let why = format!("pods \"{name}\" not found");
            Response::refusal(404, "NotFound", &why)
        }
        found => object(name, found),
    }
}

/// Which log a query asks for; what is no number is refused.
fn log_options(request: &Request) -> Result<tell::LogOptions, String> {
    let number = |name: &str| {
        let value = request.parameter(name);
        let parse = |value: String| {
            let parsed = value.parse::<usize>().ok();
            let why = || format!("strconv.ParseInt: parsing \"{value}\": invalid syntax");
            parsed.ok_or_else(why)
        };
        value.map(parse).transpose()
    };
    Ok(tell::LogOptions {
        container: request.parameter("container"),
        previous: request.asks("previous"),
        tail: number("tailLines")?,
        limit: number("limitBytes")?,
    })
}

fn object(name: &str, object: Result<Value, Failure>) -> Response {
    match object {
        Ok(object) => Response::json(200, &object),
        Err(failure) => failed(name, &failure),
    }
}

fn created(object: Result<Value, Failure>) -> Response {
    match object {
        Ok(object) => Response::json(201, &object),
        Err(failure) => failed("", &failure),
    }
}
