//! Server 1, then the others: one canonical configuration, one version, one install script.

use std::fmt::Write as _;

use minijinja::value::Serde;

use super::{
    Late, Node, PACKAGES, Phase, PlanError, START, START_SECONDS, Step, Task, Topology, Value,
    certificates, in_url, step_file, template,
};
use crate::events::StepId;

pub(super) const INSTALLER: &str = "server-1/installer";
pub(super) const CLUSTER_CA: &str = "server-1/ca";
const KINE: &str = "server-1/datastore";

const CONFIG_FILE: &str = "/etc/rancher/k3s/config.yaml";

pub(super) fn first(topology: &Topology<'_>) -> Result<Phase, PlanError> {
    let server = topology.server_1();
    let installer = server
        .task(
            INSTALLER,
            format!(
                "the install script is here, from {}",
                topology.given.answers.k3s.install_url
            ),
            Task::FetchInstaller,
        )
        .within(PACKAGES);
    let tools = tools(&server, "server-1");
    let mut steps = vec![tools.clone(), installer.needing([tools.id])];
    steps.extend(server_steps(topology, &server, "server-1", None)?);
    steps.push(datastore(topology, KINE, &[server]).needing([server.id("server-1/start")]));
    let ca = "the cluster's certificate authority is known";
    steps.push(
        server
            .task(CLUSTER_CA, ca, Task::LearnClusterCa)
            .needing([server.id("server-1/start")]),
    );
    Ok(Phase {
        id: "server-1",
        title: "Server 1",
        steps,
    })
}

/// All at once, but not before the first: older versions have no bootstrap lock, and two servers
/// on an empty datastore made two CAs.
pub(super) fn others(topology: &Topology<'_>) -> Result<Phase, PlanError> {
    let mut steps = Vec::new();
    for server in &topology.servers[1..] {
        steps.push(tools(server, "servers"));
        let after = Some(topology.postgres.id(KINE));
        steps.extend(server_steps(topology, server, "servers", after)?);
    }
    Ok(Phase {
        id: "servers",
        title: "Server 2 … N",
        steps,
    })
}

/// The step after which a server's node is Ready.
pub(super) fn started(topology: &Topology<'_>, server: &Node<'_>) -> StepId {
    let first = server.name == topology.server_1().name;
    server.id(if first {
        "server-1/start"
    } else {
        "servers/start"
    })
}

pub(super) fn all_started(topology: &Topology<'_>) -> Vec<StepId> {
    let servers = topology.servers.iter();
    servers.map(|server| started(topology, server)).collect()
}

/// Whether the data of these servers is where it should be.
pub(super) fn datastore(topology: &Topology<'_>, step: &str, servers: &[Node<'_>]) -> Step {
    let wanted = &topology.given.answers.postgres;
    let addresses: Vec<_> = servers.iter().map(|server| server.ip.to_string()).collect();
    topology.postgres.shell(
        step,
        "the cluster's data is in Postgres, over TLS with client certificates",
        step_file!("cluster/datastore"),
        vec![
            ("DB_NAME", wanted.database.clone().into()),
            ("DB_USER", wanted.user.clone().into()),
            ("DB_PORT", topology.db_port().into()),
            ("SERVERS", addresses.join(" ").into()),
            ("WAIT", "60".into()),
        ],
    )
}

fn server_steps(
    topology: &Topology<'_>,
    server: &Node<'_>,
    phase: &str,
    after: Option<StepId>,
) -> Result<Vec<Step>, PlanError> {
    let config = server.shell(
        &format!("{phase}/config"),
        "K3s has its configuration",
        step_file!("k3s/config"),
        vec![
            ("CONFIG_FILE", CONFIG_FILE.into()),
            ("CONFIG", Value::Secret(config(topology, server)?.into())),
        ],
    );
    let kind = Kind::SERVER;
    let install = install(topology, server, phase, kind)?;
    let start = start(server, phase, kind)
        .needing([config.id.clone(), install.id.clone()])
        .needing([server.id(certificates::PROOF)])
        .needing(after);
    Ok(vec![config, install, start])
}

/// The two kinds of node, as the install script and systemd call them.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    name: &'static str,
    service: &'static str,
    /// What is read at the start, so that a change wants a restart.
    reads: &'static [&'static str],
}

impl Kind {
    const SERVER: Self = Self {
        name: "server",
        service: "k3s",
        reads: &[
            CONFIG_FILE,
            "/etc/rancher/k3s/datastore/ca.crt",
            "/etc/rancher/k3s/datastore/client.crt",
            "/etc/rancher/k3s/datastore/client.key",
        ],
    };
    pub(super) const AGENT: Self = Self {
        name: "agent",
        service: "k3s-agent",
        reads: &[CONFIG_FILE, "/etc/rancher/k3s/agent-token"],
    };

    /// Where a start notes what it has read.
    fn loaded(self) -> String {
        format!("/run/k3s-ha-wizard/loaded-{}", self.service)
    }
}

pub(super) fn install(
    topology: &Topology<'_>,
    node: &Node<'_>,
    phase: &str,
    kind: Kind,
) -> Result<Step, PlanError> {
    let k3s = &topology.given.answers.k3s;
    let drop_in = template::fill(
        include_str!("../../assets/templates/k3s-drop-in.conf.j2"),
        minijinja::context! { files => Serde(kind.reads), loaded => kind.loaded() },
    )?;
    let text = |text: &Option<String>| Value::Plain(text.clone().unwrap_or_default());
    let step = node.shell(
        &format!("{phase}/install"),
        format!("K3s {} is installed", k3s.version),
        step_file!("k3s/install"),
        vec![
            ("KIND", kind.name.into()),
            ("SERVICE", kind.service.into()),
            ("VERSION", k3s.version.clone().into()),
            ("DROP_IN", drop_in.into()),
            ("ARTIFACT_URL", text(&k3s.artifact_url)),
            ("CHANNEL_URL", text(&k3s.channel_url)),
            ("INSTALLER_SHA256", Late::InstallerSha256.into()),
            ("INSTALLER", Late::Installer.into()),
        ],
    );
    let installer = topology.server_1().id(INSTALLER);
    let tools = node.id(&format!("{phase}/tools"));
    Ok(step.within(PACKAGES).needing([tools, installer]))
}

/// What the install script needs before it can be fetched or run.
pub(super) fn tools(node: &Node<'_>, phase: &str) -> Step {
    node.shell(
        &format!("{phase}/tools"),
        "the host can download over HTTPS",
        step_file!("k3s/tools"),
        vec![("DOWNLOAD_PACKAGES", node.platform.download_packages.into())],
    )
    .within(PACKAGES)
}

pub(super) fn start(node: &Node<'_>, phase: &str, kind: Kind) -> Step {
    let title = if kind.name == "server" {
        "K3s runs, and its node is Ready"
    } else {
        "K3s runs as an agent"
    };
    node.shell(
        &format!("{phase}/start"),
        title,
        step_file!("k3s/start"),
        vec![
            ("KIND", kind.name.into()),
            ("SERVICE", kind.service.into()),
            ("NODE_NAME", node.name.into()),
            ("LOADED", kind.loaded().into()),
            ("WAIT", START_SECONDS.to_string().into()),
        ],
    )
    .within(START)
}

fn config(topology: &Topology<'_>, server: &Node<'_>) -> Result<String, PlanError> {
    let given = topology.given;
    Ok(template::fill(
        include_str!("../../assets/templates/server-config.yaml.j2"),
        minijinja::context! {
            token => given.secrets.token.expose(),
            agent_token => given.secrets.agent_token.expose(),
            endpoint => endpoint(topology),
            node_name => server.name,
            node_ip => server.ip.to_string(),
            tls_san => tls_san(topology),
            settings => Serde(&given.answers.k3s.server_config),
        },
    )?)
}

/// How servers reach the datastore. Without `sslmode`, kine takes verify-full as soon as it is
/// given certificates (facts 2.1).
fn endpoint(topology: &Topology<'_>) -> String {
    let wanted = &topology.given.answers.postgres;
    let host = wanted
        .name
        .clone()
        .unwrap_or_else(|| in_url(topology.postgres.ip));
    let password = topology.given.secrets.db_password.expose();
    format!(
        "postgres://{}:{}@{host}:{}/{}",
        wanted.user,
        percent_encoded(password),
        wanted.port,
        wanted.database
    )
}

/// As it stands in the user part of a URL (RFC 3986: everything but unreserved letters is encoded).
fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

/// Every name and address under which a server may be asked for, each once: those of the load
/// balancer, those of the servers, and what the answers add.
fn tls_san(topology: &Topology<'_>) -> Vec<String> {
    let answers = topology.given.answers;
    let of_nodes = [topology.balancer]
        .into_iter()
        .chain(topology.servers.iter().copied())
        .flat_map(|node| [node.ip.to_string(), node.host.address.clone()]);
    let mut names = Vec::new();
    for name in of_nodes
        .chain(answers.load_balancer.names.iter().cloned())
        .chain(answers.k3s.tls_san.iter().cloned())
    {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}
