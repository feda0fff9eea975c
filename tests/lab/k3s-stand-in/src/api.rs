//! What a server answers on 6443: to everybody, to agents, to nodes and to administrators.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::certs::{self, Pair, Subject};
use crate::cluster::{Cluster, Failure};
use crate::http::{Request, Response};
use crate::log;
use crate::version::VERSION;

const REJECTED: &str = "Node password rejected, duplicate hostname or contents of \
    '/etc/rancher/node/password' may not match server node-passwd entry, try enabling a unique \
    node name with the --with-node-id flag";

/// What the answers are made from.
pub struct Api {
    pub cluster: Cluster,
    pub client_ca: Pair,
    pub server_ca: Pair,
    pub server_password: String,
    pub agent_password: String,
    /// This server's own node and its password, which are trusted before the API is up.
    pub own: (String, String),
    /// What this server advertises.
    pub address: String,
    pub ready: AtomicBool,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    Nobody,
    /// Who knows the agents' token.
    Agent,
    /// Who knows the servers' token.
    Server,
    Node(String),
    Admin,
}

impl Api {
    /// Who the certificate, or else the password, says that it is.
    pub fn caller(&self, certificate: Option<(&str, &[String])>, request: &Request) -> Caller {
        if let Some((common, groups)) = certificate {
            if groups.iter().any(|group| group == "system:masters") {
                return Caller::Admin;
            }
            if let Some(node) = common.strip_prefix("system:node:") {
                return Caller::Node(node.to_owned());
            }
        }
        match request.basic() {
            Some((user, password)) if user == "node" && password == self.agent_password => {
                Caller::Agent
            }
            Some((user, password)) if user == "server" && password == self.server_password => {
                Caller::Server
            }
            _ => Caller::Nobody,
        }
    }

    /// The answer.
    pub fn answer(&self, request: &Request, caller: &Caller) -> Response {
        match request.path.as_str() {
            "/ping" => return Response::text(200, "pong"),
            "/cacerts" => return Response::text(200, self.server_ca.certificate.clone()),
            _ => {}
        }
        if let Some(path) = request.path.strip_prefix("/v1-k3s/") {
            return match caller {
                Caller::Nobody | Caller::Admin => unauthorized(),
                _ => self.supervisor(path, request, caller),
            };
        }
        if !self.ready.load(Ordering::Relaxed) {
            return not_ready();
        }
        match caller {
            Caller::Admin => self.kubernetes(request, None),
            Caller::Node(name) => self.kubernetes(request, Some(name)),
            _ => unauthorized(),
        }
    }

    fn supervisor(&self, path: &str, request: &Request, caller: &Caller) -> Response {
        let up = self.ready.load(Ordering::Relaxed);
        let header = |name: &str| {
            request
                .headers
                .get(name)
                .map(String::as_str)
                .unwrap_or_default()
        };
        let node = header("k3s-node-name");
        let own = (node, header("k3s-node-password")) == (self.own.0.as_str(), self.own.1.as_str());
        match path {
            "serving-kubelet.crt" | "client-kubelet.crt" if node.is_empty() => {
                Response::text(400, "node name not set")
            }
            "serving-kubelet.crt" | "client-kubelet.crt" if own && !up => {
                self.certificate(path, node)
            }
            _ if !up => Response::text(503, "runtime core not ready"),
            "serving-kubelet.crt" | "client-kubelet.crt" => {
                match self.cluster.admit_host(node, header("k3s-node-password")) {
                    Ok(()) => self.certificate(path, node),
                    Err(Failure::PasswordRejected) => Response::text(403, REJECTED),
                    Err(failure) => failed("", &failure),
                }
            }
            "config" => Response::json(
                200,
                &json!({ "ClusterIPRange": self.cluster.cluster_cidr, "Version": VERSION }),
            ),
            "readyz" => Response::text(200, "ok"),
            "client-ca.crt" => Response::text(200, self.client_ca.certificate.clone()),
            "server-ca.crt" => Response::text(200, self.server_ca.certificate.clone()),
            "apiservers" => match self.cluster.servers() {
                Ok(servers) => Response::json(200, &json!(servers)),
                Err(failure) => failed("", &failure),
            },
            "server-bootstrap" | "token" if *caller != Caller::Server => unauthorized(),
            _ => Response::text(404, "404 page not found"),
        }
    }

    fn certificate(&self, path: &str, node: &str) -> Response {
        if path == "serving-kubelet.crt"
            && (node, true) == (self.own.0.as_str(), !self.ready.load(Ordering::Relaxed))
        {
            log::info(format!("Password verified locally for node {node}"));
        }
        let user = format!("system:node:{node}");
        let names = [
            node.to_owned(),
            "localhost".to_owned(),
            "127.0.0.1".to_owned(),
        ];
        let (authority, subject) = if path == "serving-kubelet.crt" {
            (
                &self.server_ca,
                Subject {
                    common_name: node,
                    organisation: "",
                    names: &names,
                },
            )
        } else {
            (
                &self.client_ca,
                Subject {
                    common_name: &user,
                    organisation: "system:nodes",
                    names: &[],
                },
            )
        };
        match certs::sign(authority, subject) {
            Ok(pair) => Response::text(200, pair.certificate + &pair.key),
            Err(reason) => Response::text(500, reason),
        }
    }
}

fn unauthorized() -> Response {
    Response::refusal(401, "Unauthorized", "Unauthorized")
}

fn not_ready() -> Response {
    Response::refusal(503, "ServiceUnavailable", "runtime core not ready")
}

pub fn failed(name: &str, failure: &Failure) -> Response {
    match failure {
        Failure::NotFound => Response::refusal(404, "NotFound", &format!("\"{name}\" not found")),
        Failure::Conflict => Response::refusal(
            409,
            "Conflict",
            "the object has been modified; please apply your changes to the latest version and try again",
        ),
        Failure::PasswordRejected => Response::refusal(403, "Forbidden", REJECTED),
        Failure::Datastore(reason) => Response::refusal(500, "InternalError", reason),
    }
}
