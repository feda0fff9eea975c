//! K3s itself: one configuration, one version, one install script.

use std::fmt::Write as _;

use minijinja::value::Serde;

use super::{
    PACKAGES, START, START_SECONDS, StepContext, StepError, StepHost, bundle, images, on_each,
    step_file, template,
};
use crate::plan::{Late, Step, Task, Value};

pub const INSTALLER: &str = "k3s/installer";
/// A server's node is Ready after it.
pub const SERVER_START: &str = "k3s/start";
pub const AUTHORITY: &str = "k3s/authority";
pub const AGENTS: &str = "k3s/agents";
pub const AGENT_START: &str = "agent/start";

const CONFIG_FILE: &str = "/etc/rancher/k3s/config.yaml";
const CLIENT_CERTIFICATE: &str = "/etc/rancher/k3s/datastore/client.crt";
const CLIENT_KEY: &str = "/etc/rancher/k3s/datastore/client.key";
const REGISTRIES_FILE: &str = "/etc/rancher/k3s/registries.yaml";

/// The official install script, downloaded once for all hosts.
pub fn installer(context: &StepContext<'_>) -> Step {
    let k3s = &context.given.answers.k3s;
    let server = context.server_1();
    let fetch = |title: String, url: String, sha256, proxy| {
        let task = Task::FetchInstaller { url, sha256, proxy };
        server.task(INSTALLER, title, task).within(PACKAGES)
    };
    let pinned = k3s.install_sha256.clone();
    if let Some(bundle) = context.given.bundle {
        let bundled = bundle
            .contents
            .map(|contents| contents.installer.sha256.clone());
        let title = "Keep the install script of the bundle";
        let sum = pinned.or(bundled);
        return fetch(title.to_owned(), "the bundle".to_owned(), sum, None);
    }
    let proxy = context.proxy(&server).cloned();
    let url = k3s.install_url.clone();
    let title = format!("Download the install script from {url}");
    fetch(title, url, pinned, proxy).needing([server.id(&NodeKind::SERVER.step("tools"))])
}

/// What the install script needs before it can be downloaded or run. Nothing of it with a bundle.
pub fn tools(context: &StepContext<'_>, node: &StepHost<'_>, kind: NodeKind) -> Option<Step> {
    let packages = node.platform.download_packages;
    let step = node.shell(
        &kind.step("tools"),
        "Install curl and CA certificates, which downloads need",
        step_file!("k3s/tools"),
        context.downloading(node, vec![("DOWNLOAD_PACKAGES", packages.into())]),
    );
    let downloads = context.given.bundle.is_none();
    downloads.then(|| step.within(PACKAGES))
}

/// The setting of servers that Kubernetes Secrets are encrypted before they are stored.
const SECRETS_ENCRYPTION: &str = "secrets-encryption";
/// The one that says where the images of K3s itself are; agents learn it from servers.
const SYSTEM_REGISTRY: &str = "system-default-registry";

pub fn server_config(context: &StepContext<'_>, server: &StepHost<'_>) -> Result<Step, StepError> {
    let StepContext { given, .. } = context;
    let mut settings = given.answers.k3s.server_config.clone();
    if given.encrypts {
        let answered = settings.entry(SECRETS_ENCRYPTION);
        answered.or_insert(toml::Value::Boolean(true));
    }
    if let Some(registry) = &given.answers.registries.system_default {
        settings.insert(SYSTEM_REGISTRY.into(), registry.as_str().into());
    }
    confine(context, server, &mut settings);
    let encrypts = settings.get(SECRETS_ENCRYPTION) == Some(&toml::Value::Boolean(true));
    let title = if encrypts {
        "Write the configuration of K3s, which encrypts Secrets in the datastore"
    } else {
        "Write the configuration of K3s, which leaves Secrets in the clear in the datastore"
    };
    let config = template::fill(
        include_str!("../../assets/templates/server-config.yaml.j2"),
        minijinja::context! {
            token => given.secrets.token.expose(),
            agent_token => given.secrets.agent_token.expose(),
            endpoint => endpoint(context),
            certified => is_certified(context),
            node_name => server.name,
            node_ip => server.ip.to_string(),
            tls_san => tls_san(context),
            settings => Serde(&settings),
        },
    )?;
    let config = Value::Secret(config.into());
    config_step(context, server, NodeKind::SERVER, title, config)
}

/// Where `SELinux` enforces, containers are confined.
fn confine(context: &StepContext<'_>, node: &StepHost<'_>, settings: &mut toml::Table) {
    if context.confines(node) {
        settings.entry("selinux").or_insert(true.into());
    }
}

pub fn agent_config(context: &StepContext<'_>, agent: &StepHost<'_>) -> Result<Step, StepError> {
    let StepContext { given, .. } = context;
    let answered = &given.answers.k3s.agent_config;
    let mut settings = answered.clone();
    confine(context, agent, &mut settings);
    let config = template::fill(
        include_str!("../../assets/templates/agent-config.yaml.j2"),
        minijinja::context! {
            server => given.topology.api.join_url(),
            node_name => agent.name,
            node_ip => agent.ip.to_string(),
            settings => Serde(&settings),
        },
    )?;
    // The wizard's own lines have no secret; of the operator's it does not know.
    let config = if answered.is_empty() {
        Value::Plain(config)
    } else {
        Value::Secret(config.into())
    };
    let title = "Write the configuration of K3s";
    config_step(context, agent, NodeKind::AGENT, title, config)
}

fn config_step(
    context: &StepContext<'_>,
    node: &StepHost<'_>,
    kind: NodeKind,
    title: &str,
    config: Value,
) -> Result<Step, StepError> {
    let registries = context.given.registries;
    let files: Vec<_> = registries.files().collect();
    let environment = context.proxy(node).map(images::environment);
    let empty = || Value::from("");
    Ok(node.shell(
        &kind.step("config"),
        title,
        step_file!("k3s/config"),
        vec![
            ("CONFIG_FILE", CONFIG_FILE.into()),
            ("CONFIG", config),
            ("REGISTRIES_FILE", REGISTRIES_FILE.into()),
            (
                "REGISTRIES",
                images::registries(registries)?.unwrap_or_else(empty),
            ),
            ("REGISTRY_FILES", files.join(" ").into()),
            ("ENVIRONMENT_FILE", kind.environment().into()),
            ("ENVIRONMENT", environment.unwrap_or_else(empty)),
        ],
    ))
}

/// The two kinds of node, as the install script and systemd call them.
#[derive(Clone, Copy)]
pub struct NodeKind {
    component: &'static str,
    name: &'static str,
    service: &'static str,
    /// The files that are always read at the start, so that a change needs a restart.
    reads: &'static [&'static str],
}

impl NodeKind {
    pub const SERVER: Self = Self {
        component: "k3s",
        name: "server",
        service: "k3s",
        reads: &[
            CONFIG_FILE,
            "/etc/rancher/k3s/datastore/ca.crt",
            CLIENT_CERTIFICATE,
            CLIENT_KEY,
        ],
    };
    pub const AGENT: Self = Self {
        component: "agent",
        name: "agent",
        service: "k3s-agent",
        reads: &[CONFIG_FILE, "/etc/rancher/k3s/agent-token"],
    };

    /// The id of one of its steps, without the host.
    pub fn step(self, name: &str) -> String {
        format!("{}/{name}", self.component)
    }

    /// The environment of its service (docs/facts.md, "Proxies").
    fn environment(self) -> String {
        format!("/etc/systemd/system/{}.service.env", self.service)
    }

    /// What it reads at its start on this host.
    fn reads_on(self, context: &StepContext<'_>, node: &StepHost<'_>) -> Vec<String> {
        let is_of_client = |file: &&&str| [CLIENT_CERTIFICATE, CLIENT_KEY].contains(*file);
        let certified = is_certified(context);
        let always = self.reads.iter();
        let always = always.filter(|file| certified || !is_of_client(file));
        let always = always.map(|file| (*file).to_owned());
        let registries = !context.given.registries.is_empty();
        let registries = registries.then(|| REGISTRIES_FILE.to_owned());
        let environment = context.proxy(node).map(|_| self.environment());
        always.chain(registries).chain(environment).collect()
    }

    /// The file in which a start records what it has read.
    fn loaded(self) -> String {
        format!("/run/k3s-ha-wizard/loaded-{}", self.service)
    }
}

pub fn install(
    context: &StepContext<'_>,
    node: &StepHost<'_>,
    kind: NodeKind,
) -> Result<Step, StepError> {
    let k3s = &context.given.answers.k3s;
    let drop_in = template::fill(
        include_str!("../../assets/templates/k3s-drop-in.conf.j2"),
        minijinja::context! { files => kind.reads_on(context, node), loaded => kind.loaded() },
    )?;
    let text = |text: &Option<String>| Value::Plain(text.clone().unwrap_or_default());
    let step = node.shell(
        &kind.step("install"),
        format!("Install K3s {}", k3s.version),
        step_file!("k3s/install"),
        context.downloading(
            node,
            vec![
                ("KIND", kind.name.into()),
                ("SERVICE", kind.service.into()),
                ("VERSION", k3s.version.clone().into()),
                ("DROP_IN", drop_in.into()),
                ("ARTIFACT_URL", text(&k3s.artifact_url)),
                ("CHANNEL_URL", text(&k3s.channel_url)),
                ("INSTALLER_SHA256", Late::InstallerSha256.into()),
                ("INSTALLER", Late::Installer.into()),
            ]
            .into_iter()
            .chain(bundle::images(context, node))
            .collect(),
        ),
    );
    let installer = context.server_1().id(INSTALLER);
    let tools = tools(context, node, kind).map(|step| step.id);
    Ok(step.within(PACKAGES).needing(tools).needing([installer]))
}

/// The token and server address of an agent.
pub fn token(context: &StepContext<'_>, agent: &StepHost<'_>) -> Step {
    agent
        .shell(
            &NodeKind::AGENT.step("token"),
            "Give the agent its token",
            step_file!("k3s/token"),
            vec![("JOIN_TOKEN", Late::JoinToken.into())],
        )
        .needing([context.server_1().id(AUTHORITY)])
}

/// The agent's server address answers.
pub fn endpoint_proof(context: &StepContext<'_>, agent: &StepHost<'_>) -> Step {
    agent
        .task(
            &NodeKind::AGENT.step("endpoint"),
            "Prove that this host reaches the cluster through the load balancer",
            Task::ProveEndpoint {
                at: context.given.topology.api.at.clone(),
            },
        )
        .skippable()
        .needing([context.server_1().id(AUTHORITY)])
}

pub fn start(context: &StepContext<'_>, node: &StepHost<'_>, kind: NodeKind) -> Step {
    let is_server = kind.name == "server";
    let title = if is_server {
        "Start K3s, and wait until its node is Ready"
    } else {
        "Start K3s as an agent"
    };
    // Of an agent only its service is seen here: its node is looked at from a server.
    let nodes = is_server.then(|| node.name.to_owned());
    node.shell(
        &kind.step("start"),
        title,
        step_file!("k3s/start"),
        vec![
            ("KIND", kind.name.into()),
            ("SERVICE", kind.service.into()),
            ("NODE_NAME", node.name.into()),
            ("LOADED", kind.loaded().into()),
            ("READS", kind.reads_on(context, node).join(" ").into()),
            ("WAIT", START_SECONDS.to_string().into()),
        ],
    )
    .until_ready(nodes.into_iter().collect())
    .within(START)
    .needing(["config", "install"].map(|step| node.id(&kind.step(step))))
}

/// The cluster's certificate authority, which server 1 creates.
pub fn authority(context: &StepContext<'_>) -> Step {
    let server = context.server_1();
    let title = "Read the cluster's certificate authority";
    server
        .task(AUTHORITY, title, Task::LearnClusterCa)
        .needing([server.id(SERVER_START)])
}

/// The agents' nodes; `None` where there are none.
pub fn agents(context: &StepContext<'_>) -> Option<Step> {
    let agents = &context.agents;
    if agents.is_empty() {
        return None;
    }
    let names: Vec<_> = agents.iter().map(|agent| agent.name.to_owned()).collect();
    let step = context.server_1().shell(
        AGENTS,
        "Wait until the agents' nodes are Ready",
        step_file!("agents/ready"),
        vec![
            ("NODES", names.join(" ").into()),
            ("WAIT", START_SECONDS.to_string().into()),
        ],
    );
    let step = step
        .until_ready(names)
        .needing(on_each(AGENT_START, agents));
    // It only waits.
    Some(step.skippable().within(START))
}

/// Servers show a client certificate to the datastore.
fn is_certified(context: &StepContext<'_>) -> bool {
    let external = context.given.topology.datastore.external.as_ref();
    external.is_none_or(|external| external.certified)
}

/// How servers reach the datastore. Without `sslmode`, kine takes verify-full as soon as it is
/// given certificates (docs/facts.md, "Address").
fn endpoint(context: &StepContext<'_>) -> String {
    let datastore = &context.given.topology.datastore;
    let password = context.given.secrets.db_password.expose();
    let login = format!("{}:{}", datastore.user, percent_encoded(password));
    datastore.connection_string(&login)
}

/// Encoded for the user part of a URL (RFC 3986: everything but unreserved letters is encoded).
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

/// Every name and address of the API, each once.
fn tls_san(context: &StepContext<'_>) -> Vec<String> {
    let mut names = context.given.topology.server_names();
    for name in &context.given.answers.k3s.tls_san {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}
