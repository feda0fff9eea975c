//! `k3s server`: from its settings to a server that serves, in the order and in the words of the
//! real one.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::api::Api;
use crate::bootstrap::{self, Outcome, random_hex};
use crate::certs::{self, Pair};
use crate::cluster::Cluster;
use crate::datastore::kine::Kine;
use crate::datastore::storage;
use crate::election::Election;
use crate::flags::Command;
use crate::http::Client;
use crate::kubeconfig;
use crate::kubelet::{self, Identity};
use crate::listen::{self, Serving};
use crate::log;
use crate::settings::{self, Refused, Settings};
use crate::tls::{self, Check};
use crate::token::{self, Token};
use crate::version::{NOTE, VERSION};
use crate::{host, serving};

/// What the parts of Kubernetes take to come up.
const CORE: Duration = Duration::from_millis(1500);
const PORT: u16 = 6443;

/// Runs a server until it is told to stop.
pub fn run(arguments: &[String]) -> ! {
    // Caught from the start: who waits for the datastore does not end at SIGTERM.
    let signals = Signals::new([SIGTERM, SIGINT]);
    let (settings, warnings) = match settings::read(Command::Server, arguments) {
        Ok(read) => read,
        Err(Refused::File(reason)) => log::fatal(reason),
        Err(Refused::Usage(reason)) => {
            println!("Incorrect Usage: {reason}\n");
            log::fatal(format!("Error: {reason}"))
        }
    };
    for warning in warnings {
        log::warning(warning);
    }
    if !host::is_root() {
        log::fatal("Error: server must run as root, or with --rootless and/or --disable-agent");
    }
    log::info(format!("Starting k3s {VERSION}"));
    log::info(NOTE);
    let server = match Server::start(&settings) {
        Ok(server) => server,
        Err(reason) => log::fatal(format!("Error: {reason}")),
    };
    match signals {
        Ok(mut signals) => {
            signals.forever().next();
        }
        Err(error) => log::fatal(format!("Error: {error}")),
    }
    log::info("Shutdown request received");
    server.stop();
    std::process::exit(0)
}

struct Server {
    api: Arc<Api>,
    election: Arc<Election>,
    address: String,
}

impl Server {
    fn start(settings: &Settings) -> Result<Self, String> {
        let folder = settings.data_dir().join("server");
        let node = Identity::of(settings)?;
        let preparing = |reason: String| format!("preparing server: {reason}");
        let token = settings.secret("token").map_err(preparing)?;
        let kine = storage::open(settings)?;
        let password = bootstrap(&kine, token.as_deref(), &folder).map_err(|reason| {
            log::info("Shutdown request received");
            log::info("Waiting up to 2s for graceful shutdown of Kine GRPC server...");
            log::info("Closing database connections...");
            format!("preparing server: failed to bootstrap cluster data: {reason}")
        })?;
        let agent_password = match settings.secret("agent-token").map_err(preparing)? {
            Some(token) => Token::parse(&token)?.password,
            None => password.secret.clone(),
        };
        let tls = folder.join("tls");
        authorities(&folder, &password.secret, &agent_password).map_err(preparing)?;
        let client_ca = certs::read_pair(&tls, "client-ca").map_err(preparing)?;
        let server_ca = certs::read_pair(&tls, "server-ca").map_err(preparing)?;
        let names = serving::own_names(settings, &node.name, node.address);
        let offered = serving::offer(&server_ca, &names).map_err(preparing)?;
        let serving = Serving::new(serving::identity(&offered)?);
        let cluster_cidr = settings
            .many("cluster-cidr")
            .first()
            .map_or("10.42.0.0/16", String::as_str);
        let advertise = settings
            .text("advertise-address")
            .map_or(node.address.to_string(), ToOwned::to_owned);
        let api = Arc::new(Api {
            cluster: Cluster {
                kine,
                cluster_cidr: cluster_cidr.to_owned(),
            },
            client_ca,
            server_ca,
            server_password: password.secret.clone(),
            agent_password,
            own: (node.name.clone(), node.password.clone()),
            address: advertise.clone(),
            ready: AtomicBool::new(false),
        });
        let port = settings
            .text("https-listen-port")
            .and_then(|port| port.parse().ok())
            .unwrap_or(PORT);
        let bind = settings
            .text("bind-address")
            .and_then(|bind| bind.parse().ok());
        listen::start(
            bind.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
            port,
            &api,
            Arc::clone(&serving),
        )
        .map_err(|reason| preparing(format!("failed to start cluster: {reason}")))?;
        let client = joined(&api, settings, &node, port)?;
        let saved = if password.create {
            bootstrap::save(&api.cluster.kine, &password.secret, &folder)
        } else {
            Ok(())
        };
        core();
        saved.map_err(|reason| preparing(format!("failed to start cluster: {reason}")))?;
        let agreed = serving::agree(&api.cluster.kine, &api.server_ca, &names, &offered);
        let (pair, revision) = agreed.map_err(preparing)?;
        serving.replace(serving::identity(&pair)?);
        write_access(settings, &folder, &api, &node, port)?;
        up(&api, &advertise);
        let election = Election::new(&node.name);
        control(&api, &election, settings, &advertise, (serving, revision));
        let mut description = kubelet::describe(settings, &node, true);
        kubelet::open(settings, &node, &mut description);
        thread::spawn(move || kubelet::run(&client, &description, || {}));
        Ok(Self {
            api,
            election,
            address: advertise,
        })
    }

    fn stop(&self) {
        self.api.ready.store(false, Ordering::Relaxed);
        self.election.resign(&self.api.cluster.kine);
        self.api.cluster.leave(&self.address);
    }
}

/// The token's password, and whether the cluster is to be made with it.
struct Password {
    secret: String,
    create: bool,
}

fn bootstrap(kine: &Kine, token: Option<&str>, folder: &Path) -> Result<Password, String> {
    let kept = fs::read_to_string(folder.join("token")).unwrap_or_default();
    let token = token
        .map(ToOwned::to_owned)
        .or(Some(kept.trim().to_owned()).filter(|kept| !kept.is_empty()));
    let Some(token) = token else {
        log::info(
            "Datastore connection validated successfully, proceeding with bootstrap data generation",
        );
        return Ok(Password {
            secret: random_hex(16)?,
            create: true,
        });
    };
    let parsed = Token::parse(&token).map_err(|_| {
        "failed to normalize token; must be in format K10<CA-HASH>::<USERNAME>:<PASSWORD> or <PASSWORD>"
    })?;
    let create = bootstrap::load(kine, &parsed.password, folder)? == Outcome::Create;
    Ok(Password {
        secret: parsed.password,
        create,
    })
}

/// The authorities and what is beside them, made where they are missing.
fn authorities(folder: &Path, password: &str, agent_password: &str) -> Result<(), String> {
    certs::ensure(&folder.join("tls"))?;
    let users =
        format!("{agent_password},node,node,k3s:agent\n{password},server,server,k3s:server\n");
    certs::write(&folder.join("cred/passwd"), &users, 0o600)?;
    for (file, bytes) in [("tls/service.key", 32), ("cred/ipsec.psk", 48)] {
        let path = folder.join(file);
        if !path.exists() {
            certs::write(&path, &random_hex(bytes)?, 0o600)?;
        }
    }
    Ok(())
}

/// Gets the certificates of this server's own node, as every node does.
fn joined(api: &Api, settings: &Settings, node: &Identity, port: u16) -> Result<Client, String> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let ca = &api.server_ca.certificate;
    let check = Check::Name(
        tls::certificates_of(ca.as_bytes()),
        address.ip().to_string(),
    );
    let client = Client {
        address,
        tls: tls::client(check, None).map_err(|error| error.to_string())?,
        basic: Some(("node".into(), api.agent_password.clone())),
    };
    let identity = kubelet::certificates(&client, node, &settings.data_dir().join("agent"))?;
    kubelet::with_certificate(&client, ca, identity)
}

/// Writes what lets others in: the tokens and the administrator's kubeconfig.
fn write_access(
    settings: &Settings,
    folder: &Path,
    api: &Api,
    node: &Identity,
    port: u16,
) -> Result<(), String> {
    let ca = &api.server_ca.certificate;
    let token = folder.join("token");
    certs::write(
        &token,
        &(token::secure(ca, "server", &api.server_password) + "\n"),
        0o600,
    )?;
    link(&token, &folder.join("node-token"))?;
    let agent_token = folder.join("agent-token");
    if api.agent_password == api.server_password {
        link(&token, &agent_token)?;
    } else {
        let _ = fs::remove_file(&agent_token);
        certs::write(
            &agent_token,
            &(token::secure(ca, "node", &api.agent_password) + "\n"),
            0o600,
        )?;
    }
    let address = settings
        .text("advertise-address")
        .map_or(node.address.to_string(), ToOwned::to_owned);
    log::info(format!(
        "Server node token is available at {}",
        token.display()
    ));
    log::info(format!(
        "To join server node to cluster: k3s server -s https://{address}:{port} -t ${{SERVER_NODE_TOKEN}}"
    ));
    log::info(format!(
        "Agent node token is available at {}",
        agent_token.display()
    ));
    log::info(format!(
        "To join agent node to cluster: k3s agent -s https://{address}:{port} -t ${{AGENT_NODE_TOKEN}}"
    ));
    let path = settings
        .text("write-kubeconfig")
        .map_or_else(kubeconfig::path, PathBuf::from);
    let mode = settings.text("write-kubeconfig-mode").unwrap_or("600");
    let mode = u32::from_str_radix(mode, 8)
        .map_err(|_| format!("invalid write-kubeconfig-mode: {mode}"))?;
    let admin: Pair = certs::read_pair(&folder.join("tls"), "client-admin")?;
    certs::write(
        &path,
        &kubeconfig::render(ca, &admin, &format!("https://127.0.0.1:{port}")),
        mode,
    )?;
    log::info(format!("Wrote kubeconfig {}", path.display()));
    log::info("Run: k3s kubectl");
    Ok(())
}

fn link(to: &Path, at: &Path) -> Result<(), String> {
    let _ = fs::remove_file(at);
    symlink(to, at)
        .map_err(|error| format!("symlink {}: {}", at.display(), crate::go_words(&error)))
}

/// Brings up what the API stands on.
fn core() {
    log::info("Connection to etcd is ready");
    log::info("ETCD server is now running");
    log::info("Opening etcd client connection with endpoints [unix://kine.sock]");
    log::info(
        "Polling for API server readiness: GET /readyz failed: the server is currently unable to handle the request",
    );
    thread::sleep(CORE);
}

/// Opens the API and says so.
fn up(api: &Api, advertise: &str) {
    let (node, password) = &api.own;
    if let Err(failure) = api.cluster.admit_host(node, password) {
        log::error(format!(
            "Unable to verify password for node {node}: {failure:?}"
        ));
    }
    if let Err(failure) = api.cluster.serve_at(advertise) {
        log::error(format!("Failed to update endpoints: {failure:?}"));
    }
    api.ready.store(true, Ordering::Relaxed);
    log::info("Kube API server is now running");
    log::info("k3s is up and running");
    if let Err(error) = host::notify("READY=1") {
        log::error(format!("Failed to notify systemd: {error}"));
    }
}

/// The controllers: this server's own lease as an endpoint, the election, and, where it leads, pods.
fn control(
    api: &Arc<Api>,
    election: &Arc<Election>,
    settings: &Settings,
    advertise: &str,
    serving: (Arc<Serving>, i64),
) {
    let disabled: BTreeSet<String> = settings.many("disable").iter().cloned().collect();
    let (api, election, advertise) = (Arc::clone(api), Arc::clone(election), advertise.to_owned());
    let (serving, mut revision) = serving;
    thread::spawn(move || {
        let mut renewed = Instant::now();
        loop {
            if election.lead(&api.cluster.kine)
                && let Err(failure) = api.cluster.control(&disabled)
            {
                log::error(format!("Failed to reconcile pods: {failure:?}"));
            }
            if renewed.elapsed() >= Duration::from_secs(5) {
                renewed = Instant::now();
                if api.ready.load(Ordering::Relaxed)
                    && let Err(failure) = api.cluster.serve_at(&advertise)
                {
                    log::error(format!("Failed to update endpoints: {failure:?}"));
                }
                if let Some((pair, newer)) =
                    serving::newer(&api.cluster.kine, &api.server_ca, revision)
                    && let Ok(identity) = serving::identity(&pair)
                {
                    serving.replace(identity);
                    revision = newer;
                }
            }
            thread::sleep(Duration::from_secs(2));
        }
    });
}
