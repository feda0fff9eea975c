//! `k3s agent`: joins a cluster through the address of its settings, then finds its own way.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use serde_json::Value;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::balancer::Balancer;
use crate::certs;
use crate::flags::{self, Command};
use crate::host;
use crate::http::Client;
use crate::kubelet::{self, Identity};
use crate::log;
use crate::settings::{self, Refused, Settings};
use crate::tls::{self, Check};
use crate::token::{self, Token};
use crate::version::{NOTE, VERSION};

/// Between two attempts to reach the cluster at all, and to get its configuration.
const VALIDATE: Duration = Duration::from_secs(2);
const RETRIEVE: Duration = Duration::from_secs(5);
const LB_PORT: u16 = 6444;

/// Runs an agent until it is told to stop.
pub fn run(arguments: &[String]) -> ! {
    let settings = match settings::read(Command::Agent, arguments) {
        Ok((settings, _)) => settings,
        Err(Refused::File(reason)) => log::fatal(reason),
        Err(Refused::Usage(reason)) => {
            print!("Incorrect Usage: {reason}\n\n{}", flags::agent_usage());
            log::fatal(format!("Error: {reason}"))
        }
    };
    if !host::is_root() {
        log::fatal("Error: agent must be run as root, or with --rootless");
    }
    let result = token_of(&settings).and_then(|token| {
        let server = settings.text("server").ok_or("--server is required")?;
        Ok((server.to_owned(), token))
    });
    let (server, token) = match result {
        Ok(needed) => needed,
        Err(reason) => log::fatal(format!("Error: {reason}")),
    };
    let signals = Signals::new([SIGTERM, SIGINT]);
    log::info(format!("Starting k3s agent {VERSION}"));
    log::info(NOTE);
    let waiting = Arc::new(Waiting::default());
    stop_on_signal(signals, &waiting);
    let Err(reason) = join(&settings, &server, &token, &waiting);
    log::fatal(format!("Error: {reason}"))
}

fn token_of(settings: &Settings) -> Result<Token, String> {
    let token = match settings.secret("token") {
        Ok(Some(token)) => token,
        Ok(None) => return Err("--token is required".into()),
        Err(reason) => return Err(reason),
    };
    Ok(Token::parse(&token)?)
}

/// What an agent that is told to stop while it waits has to say.
#[derive(Debug, Default)]
struct Waiting(std::sync::Mutex<Option<String>>);

impl Waiting {
    fn set(&self, reason: Option<String>) {
        if let Ok(mut current) = self.0.lock() {
            *current = reason;
        }
    }
}

fn stop_on_signal(signals: std::io::Result<Signals>, waiting: &Arc<Waiting>) {
    let waiting = Arc::clone(waiting);
    match signals {
        Ok(mut signals) => {
            thread::spawn(move || {
                signals.forever().next();
                let reason = waiting.0.lock().ok().and_then(|mut reason| reason.take());
                if let Some(reason) = reason {
                    log::fatal(format!(
                        "Error: failed to retrieve agent configuration: {reason}"
                    ));
                }
                log::info("Shutdown request received");
                std::process::exit(0)
            });
        }
        Err(error) => log::fatal(format!("Error: {error}")),
    }
}

/// Joins and stays; it returns only when it cannot even begin.
fn join(
    settings: &Settings,
    server: &str,
    token: &Token,
    waiting: &Waiting,
) -> Result<Infallible, String> {
    if !server.starts_with("https://") {
        return Err(format!(
            "only https:// URLs are supported, invalid scheme: {server}"
        ));
    }
    let folder = settings.data_dir().join("agent");
    let identity = Identity::of(settings)?;
    let port = settings
        .text("lb-server-port")
        .and_then(|port| port.parse().ok())
        .unwrap_or(LB_PORT);
    let balancer = Balancer::start(server, port, &folder)?;
    let (ca, client) = loop {
        match validate(&balancer, token) {
            Ok(validated) => break validated,
            Err(reason) => log::error(format!(
                "Failed to validate connection to cluster at {server}: {reason}"
            )),
        }
        thread::sleep(VALIDATE);
    };
    let node = loop {
        match retrieve(&client, &identity, &folder) {
            Ok(node) => break node,
            Err(reason) => {
                log::info(format!(
                    "Waiting to retrieve agent configuration; server is not ready: {reason}"
                ));
                waiting.set(Some(reason));
            }
        }
        thread::sleep(RETRIEVE);
    };
    waiting.set(None);
    certs::write(&folder.join("server-ca.crt"), &ca, 0o644)?;
    log::info("Getting list of apiserver endpoints from server");
    balancer.update(servers(&client)?)?;
    log::info(format!(
        "Logging containerd to {}",
        folder.join("containerd/containerd.log").display()
    ));
    log::info(format!(
        "Running containerd -c {}",
        folder.join("etc/containerd/config.toml").display()
    ));
    for server in servers(&client)? {
        log::info_with(
            "Connecting to proxy",
            &[("url", &format!("wss://{server}/v1-k3s/connect"))],
        );
    }
    thread::sleep(Duration::from_secs(1));
    log::info("k3s agent is up and running");
    if let Err(error) = host::notify("READY=1") {
        log::error(format!("Failed to notify systemd: {error}"));
    }
    let kubelet = kubelet::with_certificate(&client, &ca, node)?;
    let mut description = kubelet::describe(settings, &identity, false);
    kubelet::open(settings, &identity, &mut description);
    kubelet::run(&kubelet, &description, || {
        let updated = servers(&client).and_then(|servers| balancer.update(servers));
        if let Err(reason) = updated {
            log::error(format!(
                "Failed to update list of apiserver endpoints: {reason}"
            ));
        }
    })
}

/// Gets the cluster's CA and holds it against the token.
fn validate(balancer: &Balancer, token: &Token) -> Result<(String, Client), String> {
    let blind = Client {
        address: balancer.address,
        tls: client_tls(Check::Nothing)?,
        basic: None,
    };
    let answer = blind
        .ask("GET", "/cacerts", &[], &[])
        .map_err(|reason| format!("failed to get CA certs: {reason}"))?;
    if answer.status != 200 {
        return Err(format!(
            "failed to get CA certs: https://{}/cacerts: {}",
            balancer.address,
            status(answer.status)
        ));
    }
    let ca = String::from_utf8_lossy(&answer.body).into_owned();
    let check = Check::Name(
        tls::certificates_of(ca.as_bytes()),
        balancer.address.ip().to_string(),
    );
    let basic = Some(("node".to_owned(), token.password.clone()));
    let client = Client {
        address: balancer.address,
        tls: client_tls(check)?,
        basic,
    };
    client
        .ask("GET", "/cacerts", &[], &[])
        .map_err(|reason| format!("CA cert validation failed: {reason}"))?;
    match &token.ca_hash {
        None => log::warning(
            "Cluster CA certificate is not trusted by the host CA bundle, but the token does not include a \
             CA hash. Use the full token from the server's node-token file to enable Cluster CA validation.",
        ),
        Some(hash) => {
            let real = token::ca_hash(&ca);
            if *hash != real {
                return Err(format!(
                    "token CA hash does not match the Cluster CA certificate hash: {hash} != {real}"
                ));
            }
        }
    }
    Ok((ca, client))
}

fn client_tls(check: Check) -> Result<Arc<rustls::ClientConfig>, String> {
    tls::client(check, None).map_err(|error| error.to_string())
}

/// Gets the cluster's configuration and the node's certificates.
fn retrieve(client: &Client, identity: &Identity, folder: &Path) -> Result<tls::Identity, String> {
    let answer = client.ask("GET", "/v1-k3s/config", &[], &[]);
    let answer = answer
        .map_err(|reason| format!("failed to retrieve configuration from server: {reason}"))?;
    match answer.status {
        200 => {}
        401 | 403 => {
            return Err("failed to retrieve configuration from server: not authorized".into());
        }
        other => {
            return Err(format!(
                "failed to retrieve configuration from server: https://{}/v1-k3s/config: {}",
                client.address,
                status(other)
            ));
        }
    }
    kubelet::certificates(client, identity, folder)
}

fn status(code: u16) -> String {
    format!("{code} {}", crate::http::reason(code))
}

/// The servers that the cluster names.
fn servers(client: &Client) -> Result<Vec<String>, String> {
    let answer = client.ask("GET", "/v1-k3s/apiservers", &[], &[])?;
    if answer.status != 200 {
        return Err(kubelet::told(&answer));
    }
    let list: Value = serde_json::from_slice(&answer.body).map_err(|error| error.to_string())?;
    let servers = list.as_array().into_iter().flatten();
    Ok(servers
        .filter_map(|server| server.as_str().map(ToOwned::to_owned))
        .collect())
}
