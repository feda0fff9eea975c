//! Two Postgres hosts and their monitor: `pg_auto_failover` (docs/facts.md, "A pair of Postgres hosts").

use std::fmt::Write as _;
use std::net::IpAddr;

use minijinja::value::Serde;

use super::{
    HEAD, PACKAGES, RESTARTS, StepContext, StepError, StepHost, postgres, step_file, template,
};
use crate::answers::Failover;
use crate::pki::{Identity, PairUse};
use crate::plan::{Step, Value};
use crate::topology::{MONITOR, Replacement};

const INSTALL: &str = "pair/install";
const TLS: &str = "pair/tls";
pub const RUN: &str = "pair/run";
const FORGOTTEN: &str = "pair/forgotten";
const DETACHED: &str = "pair/detached";
pub const REGISTERED: &str = "pair/registered";
pub const IN_SYNC: &str = "pair/in-sync";
const RETRIES: &str = "pair/retries";

/// Room for the connections of six servers: more would need a restart of both members.
const CONNECTIONS: usize = 400;
/// How often the kernel sends again what a host does not acknowledge: about 3 s (docs/facts.md, "A
/// pair of Postgres hosts").
const TCP_RETRIES: &str = "3";

/// What the two kinds of hosts differ in.
#[derive(Clone, Copy)]
struct PairPart {
    name: &'static str,
    service: &'static str,
    data: &'static str,
    description: &'static str,
}

const MEMBER: PairPart = PairPart {
    name: "member",
    service: "k3s-postgres",
    data: "/var/lib/postgresql/k3s",
    description: "Postgres of K3s, a member of a pair (pg_auto_failover)",
};
const MONITORING: PairPart = PairPart {
    name: "monitor",
    service: "k3s-postgres-monitor",
    data: "/var/lib/postgresql/k3s-monitor",
    description: "Monitor of the Postgres pair of K3s (pg_auto_failover)",
};

impl PairPart {
    fn of(context: &StepContext<'_>, host: &StepHost<'_>) -> Self {
        let is_member = context.postgres.iter().any(|one| one.name == host.name);
        if is_member { MEMBER } else { MONITORING }
    }

    fn is_member(self) -> bool {
        self.name == MEMBER.name
    }

    fn port(self, context: &StepContext<'_>) -> String {
        if self.is_member() {
            context.db_port()
        } else {
            MONITOR.to_string()
        }
    }
}

/// The version of Postgres that the distribution has `pg_auto_failover` for. The preflight refuses
/// hosts without one.
fn version(host: &StepHost<'_>) -> Result<&'static str, StepError> {
    let version = host.platform.auto_failover;
    version.ok_or_else(|| StepError::NoAutoFailover(host.name.to_owned()))
}

pub fn install(context: &StepContext<'_>, host: &StepHost<'_>) -> Result<Step, StepError> {
    let version = version(host)?;
    let kind = PairPart::of(context, host);
    let packages = host.platform.pair_packages().unwrap_or_default();
    let step = host.shell(
        INSTALL,
        format!("Install pg_auto_failover with Postgres {version}"),
        step_file!("pair/install"),
        context.downloading(
            host,
            vec![
                ("PACKAGES", packages.into()),
                ("PGDATA", kind.data.into()),
                ("DB_PORT", kind.port(context).into()),
            ],
        ),
    );
    Ok(step.within(PACKAGES))
}

pub fn tls(context: &StepContext<'_>, host: &StepHost<'_>) -> Result<Step, StepError> {
    let pki = context.given.pki;
    let missing = || StepError::NoCertificate(host.name.to_owned());
    let of = |usage| pki.pair.get(&(usage, host.name.to_owned()));
    let is_member = PairPart::of(context, host).is_member();
    let server = if is_member {
        pki.postgres.get(host.name)
    } else {
        of(PairUse::Monitor)
    };
    let server = server.ok_or_else(missing)?;
    let client = |usage| match of(usage) {
        None if is_member => Err(missing()),
        identity => Ok(identity),
    };
    let cert = |identity: Option<&Identity>| -> Value {
        let pem = identity.map(|identity| identity.cert_pem.clone());
        pem.unwrap_or_default().into()
    };
    let key = |identity: Option<&Identity>| -> Value {
        identity.map_or_else(|| "".into(), |identity| (&identity.key_pem).into())
    };
    let (keeper, replication) = (client(PairUse::Keeper)?, client(PairUse::Replication)?);
    let step = host.shell(
        TLS,
        "Give the host its certificates for the pair",
        step_file!("pair/tls"),
        vec![
            ("TLS_DIRECTORY", host.platform.postgres_tls.into()),
            ("CA_PEM", pki.ca_cert.clone().into()),
            ("CERT_PEM", server.cert_pem.clone().into()),
            ("KEEPER_CERT_PEM", cert(keeper)),
            ("REPLICATION_CERT_PEM", cert(replication)),
            ("KEY_PEM", (&server.key_pem).into()),
            ("KEEPER_KEY_PEM", key(keeper)),
            ("REPLICATION_KEY_PEM", key(replication)),
        ],
    );
    Ok(step.needing([host.id(INSTALL)]))
}

/// The monitor, or a member.
pub fn run(context: &StepContext<'_>, host: &StepHost<'_>) -> Result<Step, StepError> {
    let kind = PairPart::of(context, host);
    let is_member = kind.is_member();
    let profile = Profile::of(context.given.answers.postgres.failover);
    let directory = host.platform.postgres_tls;
    let connections = context.given.topology.max_connections().max(CONNECTIONS);
    let timeouts: toml::Table = pairs(if is_member { &profile.member } else { &[] });
    let unit = template::fill(
        include_str!("../../assets/templates/k3s-postgres.service.j2"),
        minijinja::context! {
            description => kind.description,
            service => kind.service,
            tls => directory,
            timeouts => Serde(&timeouts),
        },
    )?;
    let config = if is_member {
        template::fill(
            include_str!("../../assets/templates/pair-member.conf.j2"),
            minijinja::context! { tls => directory, connections },
        )?
    } else {
        let settings = pairs(&profile.monitor);
        template::fill(
            include_str!("../../assets/templates/pair-monitor.conf.j2"),
            minijinja::context! { tls => directory, settings => Serde(&settings) },
        )?
    };
    let title = if is_member {
        "Start Postgres as a member of the pair"
    } else {
        "Start the monitor of the pair"
    };
    let step = host.shell(
        RUN,
        title,
        step_file!("pair/run"),
        vec![
            ("KIND", kind.name.into()),
            ("PG_BIN", programs(host)?.into()),
            ("PGDATA", kind.data.into()),
            ("DB_PORT", kind.port(context).into()),
            ("ADDRESS", host.ip.to_string().into()),
            ("NODE_NAME", host.name.into()),
            ("TLS_DIRECTORY", directory.into()),
            ("MONITOR", connection(context, host).into()),
            ("EXISTING", existing(context, host, is_member).into()),
            ("SERVICE", kind.service.into()),
            ("UNIT", unit.into()),
            ("CONFIG", config.into()),
            ("HBA", rules(context, is_member).into()),
            ("MAX_CONNECTIONS", connections.to_string().into()),
        ],
    );
    Ok(step.within(RESTARTS).needing([host.id(TLS)]))
}

/// The folder of Postgres's programs.
fn programs(host: &StepHost<'_>) -> Result<String, StepError> {
    Ok(format!("/usr/lib/postgresql/{}/bin", version(host)?))
}

/// How a member connects to the monitor.
fn connection(context: &StepContext<'_>, host: &StepHost<'_>) -> String {
    let directory = host.platform.postgres_tls;
    let monitor = context.given.topology.datastore.monitors.first();
    monitor.map_or_else(String::new, |monitor| {
        format!(
            "postgres://autoctl_node@{}/pg_auto_failover?sslmode=verify-full\
             &sslrootcert={directory}/ca.crt&sslcert={directory}/keeper.crt\
             &sslkey={directory}/keeper.key",
            monitor.at(MONITOR)
        )
    })
}

/// The hosts that show that the cluster exists, so that its Postgres or its monitor must not be begun
/// again here.
fn existing(context: &StepContext<'_>, host: &StepHost<'_>, is_member: bool) -> String {
    let is_replaced = |it: &Replacement| it.is_monitor && it.new == host.name;
    if context.replaced().is_some_and(is_replaced) {
        return String::new();
    }
    let is_other = |other: &&StepHost<'_>| other.name != host.name;
    let members = context.postgres.iter().filter(is_other);
    let members = members.filter(|member| context.is_created(member));
    let runs = |server: &&StepHost<'_>| is_member && context.given.running.contains(server.name);
    let servers = context.servers.iter().filter(runs);
    let names: Vec<_> = members.chain(servers).map(|host| host.name).collect();
    names.join(" ")
}

/// On the monitor: it no longer knows a lost member.
pub fn forgotten(
    context: &StepContext<'_>,
    monitor: &StepHost<'_>,
    replaced: &Replacement,
) -> Step {
    let in_place = if replaced.is_in_place() { "yes" } else { "" };
    monitor.shell(
        FORGOTTEN,
        format!(
            "Remove the lost {} from the monitor: whatever only it had is lost for good",
            replaced.lost
        ),
        step_file!("pair/forgotten"),
        vec![
            ("LOST_ADDRESS", replaced.lost_ip.to_string().into()),
            ("MEMBER_PORT", context.db_port().into()),
            ("IN_PLACE", in_place.into()),
            ("DB_PORT", MONITOR.to_string().into()),
        ],
    )
}

/// On a member, before there is a new monitor.
pub fn detached(context: &StepContext<'_>, host: &StepHost<'_>) -> Result<Step, StepError> {
    let title = "Detach the member from the lost monitor: Postgres goes on, and no standby takes over until \
                 both members are registered with the new one";
    registration(context, host, DETACHED, title)
}

/// On a member that runs.
pub fn registered(context: &StepContext<'_>, host: &StepHost<'_>) -> Result<Step, StepError> {
    let title = "Register the member with the monitor";
    let step = registration(context, host, REGISTERED, title)?;
    Ok(step.needing([host.id(RUN)]))
}

fn registration(
    context: &StepContext<'_>,
    host: &StepHost<'_>,
    step: &'static str,
    title: &str,
) -> Result<Step, StepError> {
    let wanted = if step == DETACHED {
        "detached"
    } else {
        "registered"
    };
    let step = host.shell(
        step,
        title,
        step_file!("pair/registered"),
        vec![
            ("WANTED", wanted.into()),
            ("MONITOR", connection(context, host).into()),
            ("PG_BIN", programs(host)?.into()),
            ("PGDATA", MEMBER.data.into()),
            ("DB_PORT", context.db_port().into()),
            ("ADDRESS", host.ip.to_string().into()),
            ("TLS_DIRECTORY", host.platform.postgres_tls.into()),
        ],
    );
    Ok(step.within(RESTARTS))
}

/// Who may connect: to a member the servers, the other member and the monitor; to the monitor the
/// members. The same on both members, because one may be copied to the other.
fn rules(context: &StepContext<'_>, is_member: bool) -> String {
    let datastore = &context.given.topology.datastore;
    let mut rules = format!("{HEAD}local all postgres peer\n");
    let mut add = |database: &str, role: &str, from: IpAddr, how: &str| {
        let bits = if from.is_ipv4() { 32 } else { 128 };
        let _ = writeln!(rules, "hostssl {database} {role} {from}/{bits} {how}");
    };
    let members = datastore.members.iter().map(|member| member.ip);
    let keeper = PairUse::Keeper.role().unwrap_or_default();
    if is_member {
        // The health check: pg_auto_failover gives this role no certificate and a known password. It
        // has no rights.
        for monitor in &datastore.monitors {
            add("postgres", "pgautofailover_monitor", monitor.ip, "trust");
        }
        let replicator = PairUse::Replication.role().unwrap_or_default();
        for member in members {
            add("replication", replicator, member, "cert");
            add("all", replicator, member, "cert");
        }
        for server in &context.servers {
            let how = "scram-sha-256 clientcert=verify-full";
            add(&datastore.database, &datastore.user, server.ip, how);
        }
    } else {
        for member in members {
            add("pg_auto_failover", keeper, member, "cert");
        }
        // The monitor listens to its own events, on its socket.
        let _ = writeln!(rules, "local pg_auto_failover {keeper} trust");
    }
    rules.push_str("host all all all reject\n");
    rules
}

/// The members are in sync: a commit is on both.
pub fn in_sync(context: &StepContext<'_>, host: &StepHost<'_>) -> Step {
    host.shell(
        IN_SYNC,
        "Wait until the pair is in sync: every commit is on both members",
        step_file!("pair/in-sync"),
        vec![("DB_PORT", context.db_port().into())],
    )
    .needing(super::on_each(REGISTERED, &context.postgres))
    .needing([host.id(postgres::ROLE)])
}

/// On a server.
pub fn retries(server: &StepHost<'_>) -> Step {
    server.shell(
        RETRIES,
        format!(
            "Let connections to a lost Postgres time out quickly (tcp_retries2 = {TCP_RETRIES})"
        ),
        step_file!("pair/retries"),
        vec![("RETRIES", TCP_RETRIES.into())],
    )
}

type Setting = (&'static str, i64);

/// When a primary counts as lost: the monitor's settings in milliseconds, a member's in seconds.
struct Profile {
    monitor: [Setting; 6],
    member: [Setting; 3],
}

impl Profile {
    /// The measured ones (docs/facts.md, "A pair of Postgres hosts").
    fn of(failover: Failover) -> Self {
        let [timeout, delay, retries, unhealthy, demote] = match failover {
            Failover::Fast => [1000, 500, 1, 3000, 3000],
            Failover::Steady => [2000, 1000, 2, 6000, 2000],
        };
        Self {
            monitor: [
                ("health_check_period", 1000),
                ("health_check_timeout", timeout),
                ("health_check_retry_delay", delay),
                ("health_check_max_retries", retries),
                ("node_considered_unhealthy_timeout", unhealthy),
                ("primary_demote_timeout", demote),
            ],
            member: [
                ("network_partition_timeout", 4),
                ("prepare_promotion_catchup", 3),
                ("prepare_promotion_walreceiver", 1),
            ],
        }
    }
}

fn pairs(settings: &[Setting]) -> toml::Table {
    let pairs = settings.iter();
    pairs
        .map(|(name, value)| ((*name).to_owned(), toml::Value::from(*value)))
        .collect()
}
