//! What is there already: of others, of another cluster, or left behind.

use super::{Requirements, RowDraft};
use crate::answers::{Check, ExistingPostgres, Role};
use crate::platform::network::LISTENER;
use crate::platform::{Platform, PostgresCluster};
use crate::topology::API;

pub(super) fn check(sheet: &mut RowDraft<'_>, wanted: Requirements<'_>) {
    match sheet.role() {
        Role::Postgres => postgres(sheet, wanted),
        Role::Server | Role::Agent => k3s(sheet, wanted),
        Role::LoadBalancer => balancer(sheet, wanted),
        Role::Monitor => {}
    }
}

fn fails(sheet: &mut RowDraft<'_>, cause: impl Into<String>, remedy: impl Into<String>) {
    sheet.fails(Check::Existing, cause, remedy);
}

fn k3s(sheet: &mut RowDraft<'_>, wanted: Requirements<'_>) {
    sheet.looks_at(Check::Existing);
    let k3s = &sheet.looked.facts.k3s;
    let (own, other, token) = match sheet.role() {
        Role::Server => ("k3s", "k3s-agent", wanted.token),
        _ => ("k3s-agent", "k3s", wanted.agent_token),
    };
    let uninstall = |unit: &str| {
        let script = if unit == "k3s" { "k3s" } else { "k3s-agent" };
        format!("/usr/local/bin/{script}-uninstall.sh removes it, with its data")
    };
    let has = |unit: &str| k3s.units.iter().any(|there| there == unit);
    if has(own) && !k3s.ours {
        let version = match &*k3s.version {
            "" => String::new(),
            version => format!(", {version},"),
        };
        fails(
            sheet,
            format!("a K3s{version} that this wizard did not install is here ({own}.service)"),
            format!("Take another host, or: {}", uninstall(own)),
        );
    }
    if has(other) {
        let role = sheet.role();
        fails(
            sheet,
            format!("it already runs {other}, and cannot have the role {role} as well"),
            format!("Take another host, or: {}", uninstall(other)),
        );
    }
    let is_another = |there: &String| there != token;
    if k3s.ours && has(own) && k3s.token.as_ref().is_some_and(is_another) {
        fails(
            sheet,
            "it belongs to another cluster: its K3s has another token",
            format!(
                "Run this where that cluster's state folder is, or take another host, or: {}",
                uninstall(own)
            ),
        );
    }
    for file in &k3s.further_configs {
        fails(
            sheet,
            format!("{file} is here: K3s reads it last, and the servers would not be alike"),
            "Move its settings into the answers, and the file away",
        );
    }
    if sheet.role() == Role::Server {
        leftovers(sheet);
    }
}

/// An embedded etcd wins over the datastore, and certificates newer than those in the datastore keep
/// a server from starting (docs/facts.md, "What stays on a host").
fn leftovers(sheet: &mut RowDraft<'_>) {
    let k3s = &sheet.looked.facts.k3s;
    for path in &k3s.leftovers {
        let remedy = format!("mv {path} {path}.before, when nobody needs it");
        if path.ends_with("/etcd") {
            let cause = format!(
                "the data of an embedded etcd is here, and K3s would use it instead of Postgres \
                 ({path})"
            );
            fails(sheet, cause, remedy);
        } else if path.ends_with("/tls") && !k3s.ours && k3s.units.is_empty() {
            let cause = format!("the certificates of a K3s that is gone are here ({path})");
            fails(sheet, cause, remedy);
        } else if path.ends_with("/state.db") && !k3s.ours {
            let cause = format!("the data of a K3s on SQLite is here, and stays unused ({path})");
            sheet.warns(Check::Existing, cause, remedy);
        }
    }
}

fn postgres(sheet: &mut RowDraft<'_>, wanted: Requirements<'_>) {
    sheet.looks_at(Check::Existing);
    let postgres = &sheet.looked.facts.postgres;
    let answers = &wanted.answers.postgres;
    let port = answers.port;
    // Somebody else on that port has a cell of its own, and answered in its place.
    let taken = sheet.looked.facts.ports.iter().any(|held| {
        !held.udp && held.number == port && !super::host::is_postgres(held) && held.unit != LISTENER
    });
    if !postgres.error.is_empty() && !postgres.asked && !taken {
        fails(
            sheet,
            format!(
                "a Postgres on port {port} does not answer its superuser: {}",
                postgres.error
            ),
            format!("This must work: runuser -u postgres -- psql -p {port} -c 'SELECT 1'"),
        );
    }
    let on_disk = &postgres.clusters;
    let elsewhere = on_disk.iter().all(|cluster| cluster.port != Some(port));
    if !postgres.ours && !postgres.asked && elsewhere && !on_disk.is_empty() {
        let clusters: Vec<_> = on_disk
            .iter()
            .map(|PostgresCluster { port, name }| match port {
                Some(port) => format!("{name} on port {port}"),
                None => format!("{name} on port -"),
            })
            .collect();
        fails(
            sheet,
            format!(
                "Postgres is here, but not on port {port}: {}",
                clusters.join(", ")
            ),
            "Say its port under [postgres] in the answers",
        );
    }
    if postgres.asked {
        running(sheet, wanted);
    } else if postgres.error.is_empty() && !taken {
        stopped(sheet, wanted);
    }
}

/// Nobody knows what is in a Postgres that cannot be asked. Where it has rules of this very cluster,
/// or where the wizard was restarting it, it was looked at before: then an earlier run was cut off.
fn stopped(sheet: &mut RowDraft<'_>, wanted: Requirements<'_>) {
    let facts = sheet.looked.facts;
    let postgres = &facts.postgres;
    let port = wanted.answers.postgres.port;
    let known = postgres.marks.contains(&wanted.answers.cluster.name);
    if postgres.ours || postgres.cut_off || known {
        return;
    }
    let mut clusters = postgres.clusters.iter();
    let Some(cluster) = clusters.find(|cluster| cluster.port == Some(port)) else {
        return;
    };
    let name = &cluster.name;
    if facts
        .ports
        .iter()
        .any(|held| held.number == port && super::host::is_postgres(held))
    {
        fails(
            sheet,
            format!(
                "a Postgres of others, {name}, listens on port {port}, but has no socket in \
                 /run/postgresql: what is in it cannot be seen"
            ),
            "Set unix_socket_directories = '/var/run/postgresql' in it, or take another host",
        );
        return;
    }
    fails(
        sheet,
        format!(
            "a Postgres of others, {name} on port {port}, is here and does not run: whose data \
             is in it cannot be seen"
        ),
        (Platform::remedies(facts).postgres_stopped)(cluster),
    );
}

/// It has one set of servers: those of another cluster would lose it.
fn balancer(sheet: &mut RowDraft<'_>, wanted: Requirements<'_>) {
    sheet.looks_at(Check::Existing);
    let there = &sheet.looked.facts.balancer;
    if there.servers.is_empty() {
        return;
    }
    let servers = wanted.topology.servers.iter();
    let own: Vec<_> = servers.map(|server| server.at(API).to_string()).collect();
    let other_name = !there.cluster.is_empty() && there.cluster != wanted.answers.cluster.name;
    if !other_name && there.servers.iter().any(|server| own.contains(server)) {
        return;
    }
    let whose = match &*there.cluster {
        "" => "another cluster".to_owned(),
        name => format!("another cluster, {name}"),
    };
    let leads_to = there.servers.join(", ");
    fails(
        sheet,
        format!("its load balancer (k3s-lb.service) is that of {whose}: it leads to {leads_to}"),
        "Take another host; or, when nobody needs it: systemctl disable --now k3s-lb && rm -r \
         /etc/k3s-lb",
    );
}

fn running(sheet: &mut RowDraft<'_>, wanted: Requirements<'_>) {
    let facts = sheet.looked.facts;
    let postgres = &facts.postgres;
    let answers = &wanted.answers.postgres;
    if postgres.version > 0 && postgres.version < 120_000 {
        let version = postgres.version / 10_000;
        fails(
            sheet,
            format!(
                "this is Postgres {version}: below 12, clientcert=verify-full silently means that \
                 no client certificate is needed"
            ),
            "Upgrade it to 14 or later, or take another host",
        );
    }
    if postgres.replica {
        fails(
            sheet,
            "this Postgres is a replica, which nobody can write to",
            "Take the host of its primary, or SELECT pg_promote();",
        );
    }
    if postgres
        .settings
        .get("allow_alter_system")
        .is_some_and(|set| set == "off")
    {
        fails(
            sheet,
            "this Postgres does not let its settings be altered (allow_alter_system is off)",
            "Set allow_alter_system = on where it is set",
        );
    }
    tls(sheet, answers.existing_postgres);
    let is_another = |token: &String| token != wanted.token;
    if !postgres.tokens.is_empty() && postgres.tokens.iter().all(is_another) {
        fails(
            sheet,
            format!(
                "the database {} holds a cluster with another token: no server could read it",
                answers.database
            ),
            format!(
                "Give that cluster's token as token under [k3s], or another database under \
                 [postgres]; or, when nobody needs it: DROP DATABASE {};",
                answers.database
            ),
        );
    }
    shared(sheet, wanted);
}

fn tls(sheet: &mut RowDraft<'_>, word: ExistingPostgres) {
    let facts = sheet.looked.facts;
    let setting = |name: &str| facts.postgres.settings.get(name).map_or("", String::as_str);
    let platform = Platform::of(facts);
    let is_ours = |path: &str, file: &str| {
        platform.is_some_and(|of| path == format!("{}/{file}", of.postgres_tls))
    };
    let is_the_packages =
        |path: &str| platform.is_some_and(|of| path.contains(of.postgres_package_certificate));
    let certificate = setting("ssl_cert_file");
    if setting("ssl") == "on"
        && !is_the_packages(certificate)
        && !is_ours(certificate, "server.crt")
    {
        fails(
            sheet,
            format!("this Postgres speaks TLS with somebody else's certificate ({certificate})"),
            "Give the cluster a Postgres of its own",
        );
    }
    let authority = setting("ssl_ca_file");
    if word == ExistingPostgres::Refuse && !authority.is_empty() && !is_ours(authority, "ca.crt") {
        fails(
            sheet,
            format!("this Postgres trusts client certificates of somebody else's CA ({authority})"),
            "Give the cluster a Postgres of its own, or add ours to theirs with existing_postgres \
             = \"share\" under [postgres]",
        );
    }
}

/// Others use it too: a restart cuts them off for a moment, so it takes the operator's word.
fn shared(sheet: &mut RowDraft<'_>, wanted: Requirements<'_>) {
    let postgres = &sheet.looked.facts.postgres;
    let answers = &wanted.answers.postgres;
    let others: Vec<_> = postgres
        .databases
        .iter()
        .filter(|database| **database != answers.database)
        .map(String::as_str)
        .collect();
    if others.is_empty() {
        return;
    }
    let others = others.join(", ");
    let restart = restart(sheet, wanted);
    let restarts = match &restart {
        Some(why) => format!("; it would be restarted ({why})"),
        None => String::new(),
    };
    let cause = format!("this Postgres serves others, with the databases {others}{restarts}");
    if answers.existing_postgres == ExistingPostgres::Share {
        let remedy = "They survive, with their rules and settings";
        sheet.warns(Check::Existing, cause, remedy);
    } else if restart.is_some() || !postgres.ours {
        fails(
            sheet,
            cause,
            "Give the cluster a Postgres of its own, or allow it with existing_postgres = \
             \"share\" under [postgres]",
        );
    }
}

/// Why it must be restarted, if it must.
fn restart(sheet: &RowDraft<'_>, wanted: Requirements<'_>) -> Option<String> {
    let looked = sheet.looked;
    let setting = |name: &str| looked.facts.postgres.settings.get(name);
    let ip = looked.host.cluster_ip().map(|ip| ip.to_string());
    let addresses = setting("listen_addresses")?;
    let mut addresses = addresses.split(',').map(str::trim);
    let listens = addresses.any(|there| {
        ["*", "0.0.0.0", "::"].contains(&there) || ip.as_deref().is_some_and(|ip| ip == there)
    });
    if !listens {
        return Some("to listen on its address".into());
    }
    let have: usize = setting("max_connections")?.parse().ok()?;
    let need = wanted.topology.max_connections();
    (have < need).then(|| format!("max_connections is {have}; {need} are needed"))
}

#[cfg(test)]
mod tests;
