//! What is already installed: by others, by another cluster, or left over.

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
            format!("Use another host, or: {}", uninstall(own)),
        );
    }
    if has(other) {
        let role = sheet.role();
        fails(
            sheet,
            format!("it already runs {other}, so it cannot have the role {role} too"),
            format!("Use another host, or: {}", uninstall(other)),
        );
    }
    let is_another = |there: &String| there != token;
    if k3s.ours && has(own) && k3s.token.as_ref().is_some_and(is_another) {
        fails(
            sheet,
            "it belongs to another cluster: its K3s has another token",
            format!(
                "Run the wizard on the machine with that cluster's state folder, or use another \
                 host, or: {}",
                uninstall(own)
            ),
        );
    }
    for file in &k3s.further_configs {
        fails(
            sheet,
            format!(
                "{file} exists: K3s reads it last, so the servers would not have the same \
                     settings"
            ),
            "Move its settings into the answers, and remove the file",
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
        let remedy = format!("If it is not needed: mv {path} {path}.before");
        if path.ends_with("/etcd") {
            let cause = format!(
                "this host has the data of an embedded etcd, and K3s would use it instead of \
                 Postgres ({path})"
            );
            fails(sheet, cause, remedy);
        } else if path.ends_with("/tls") && !k3s.ours && k3s.units.is_empty() {
            let cause = format!("this host has certificates of a removed K3s ({path})");
            fails(sheet, cause, remedy);
        } else if path.ends_with("/state.db") && !k3s.ours {
            let cause = format!(
                "this host has the data of a K3s on SQLite; it stays unused \
                                 ({path})"
            );
            sheet.warns(Check::Existing, cause, remedy);
        }
    }
}

fn postgres(sheet: &mut RowDraft<'_>, wanted: Requirements<'_>) {
    sheet.looks_at(Check::Existing);
    let postgres = &sheet.looked.facts.postgres;
    let answers = &wanted.answers.postgres;
    let port = answers.port;
    // Another program on that port is reported by another check, and answered instead.
    let taken = sheet.looked.facts.ports.iter().any(|held| {
        !held.udp && held.number == port && !super::host::is_postgres(held) && held.unit != LISTENER
    });
    if !postgres.error.is_empty() && !postgres.asked && !taken {
        fails(
            sheet,
            format!(
                "the Postgres on port {port} does not answer its superuser: {}",
                postgres.error
            ),
            format!("This command must work: runuser -u postgres -- psql -p {port} -c 'SELECT 1'"),
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
                "Postgres is installed, but not on port {port}: {}",
                clusters.join(", ")
            ),
            "Set its port under [postgres] in the answers",
        );
    }
    if postgres.asked {
        running(sheet, wanted);
    } else if postgres.error.is_empty() && !taken {
        stopped(sheet, wanted);
    }
}

/// The content of a Postgres that cannot be queried is unknown. If it has rules of this cluster, or
/// the wizard was restarting it, it was checked before: then an earlier run was interrupted.
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
                "a Postgres that the wizard did not install, {name}, listens on port {port}, but \
                 has no socket in /run/postgresql: its content cannot be checked"
            ),
            "Set unix_socket_directories = '/var/run/postgresql' in it, or use another host",
        );
        return;
    }
    fails(
        sheet,
        format!(
            "a Postgres that the wizard did not install, {name} on port {port}, is not running: \
             its content cannot be checked"
        ),
        (Platform::remedies(facts).postgres_stopped)(cluster),
    );
}

/// It forwards to one set of servers: another cluster would lose its load balancer.
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
    let forwards_to = there.servers.join(", ");
    fails(
        sheet,
        format!(
            "its load balancer (k3s-lb.service) belongs to {whose}: it forwards to {forwards_to}"
        ),
        "Use another host; or, if it is not needed: systemctl disable --now k3s-lb && rm -r \
         /etc/k3s-lb",
    );
}

fn running(sheet: &mut RowDraft<'_>, wanted: Requirements<'_>) {
    let facts = sheet.looked.facts;
    let postgres = &facts.postgres;
    let answers = &wanted.answers.postgres;
    let version = postgres.version / 10_000;
    if let Some((level, why)) = (version > 0)
        .then(|| super::old_postgres(version))
        .flatten()
    {
        sheet.add(
            level,
            Check::Existing,
            format!("this is Postgres {version}: {why}"),
            "Upgrade it to 15 or later, or use another host",
        );
    }
    if postgres.replica && !wanted.topology.datastore.is_pair() {
        fails(
            sheet,
            "this Postgres is a replica, which is read-only",
            "Use the host of its primary, or SELECT pg_promote();",
        );
    }
    if postgres
        .settings
        .get("allow_alter_system")
        .is_some_and(|set| set == "off")
    {
        fails(
            sheet,
            "this Postgres refuses ALTER SYSTEM (allow_alter_system is off)",
            "Set allow_alter_system = on in its configuration",
        );
    }
    tls(sheet, answers.existing_postgres);
    let is_another = |token: &String| token != wanted.token;
    if !postgres.tokens.is_empty() && postgres.tokens.iter().all(is_another) {
        fails(
            sheet,
            format!(
                "the database {} holds a cluster with another token: the servers could not read it",
                answers.database
            ),
            format!(
                "Set that cluster's token as token under [k3s], or another database under \
                 [postgres]; or, if it is not needed: DROP DATABASE {};",
                answers.database
            ),
        );
    }
    exposed(sheet, wanted);
    shared(sheet, wanted);
}

/// Rules that let nothing in while Postgres listens on this host only.
fn exposed(sheet: &mut RowDraft<'_>, wanted: Requirements<'_>) {
    let rules = &sheet.looked.facts.postgres.rules;
    if rules.is_empty() || listens(sheet) != Some(false) {
        return;
    }
    let address = sheet.looked.host.cluster_ip();
    let address = address.map_or_else(|| "its address".to_owned(), |ip| ip.to_string());
    let cause = format!(
        "once this Postgres listens on {address}, access rules that are not the wizard's let in \
         other hosts: {}",
        rules.join("; ")
    );
    let port = wanted.answers.postgres.port;
    let remedy = format!(
        "Narrow those that are for this host only, in the file that this prints: runuser -u \
         postgres -- psql -p {port} -c 'SHOW hba_file'"
    );
    sheet.warns(Check::Existing, cause, remedy);
}

/// Whether the package gave Postgres this certificate.
fn is_the_packages(platform: Option<Platform>, path: &str) -> bool {
    let part = platform.and_then(|of| of.postgres_package_certificate);
    part.is_some_and(|part| path.contains(part))
}

fn tls(sheet: &mut RowDraft<'_>, word: ExistingPostgres) {
    let facts = sheet.looked.facts;
    let setting = |name: &str| facts.postgres.settings.get(name).map_or("", String::as_str);
    let platform = Platform::of(facts);
    let is_ours = |path: &str, file: &str| {
        platform.is_some_and(|of| path == format!("{}/{file}", of.postgres_tls))
    };
    let is_the_packages = |path: &str| is_the_packages(platform, path);
    let certificate = setting("ssl_cert_file");
    if setting("ssl") == "on"
        && !is_the_packages(certificate)
        && !is_ours(certificate, "server.crt")
    {
        fails(
            sheet,
            format!(
                "this Postgres uses a TLS certificate that is not the wizard's ({certificate})"
            ),
            "Use a separate Postgres for the cluster",
        );
    }
    let authority = setting("ssl_ca_file");
    if word == ExistingPostgres::Refuse && !authority.is_empty() && !is_ours(authority, "ca.crt") {
        fails(
            sheet,
            format!("this Postgres trusts client certificates of another CA ({authority})"),
            "Use a separate Postgres for the cluster, or add the wizard's CA to that one with \
             existing_postgres = \"share\" under [postgres]",
        );
    }
}

/// Others use it too: a restart disconnects them, so the operator must allow it.
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
    let cause = format!("this Postgres also has other databases: {others}{restarts}");
    if answers.existing_postgres == ExistingPostgres::Share {
        let remedy = "They keep their data, roles and rules";
        sheet.warns(Check::Existing, cause, remedy);
        tls_for_others(sheet);
    } else if restart.is_some() || !postgres.ours {
        fails(
            sheet,
            cause,
            "Use a separate Postgres for the cluster, or allow sharing with existing_postgres = \
             \"share\" under [postgres]",
        );
    }
}

/// What changes for the clients of the other databases.
fn tls_for_others(sheet: &mut RowDraft<'_>) {
    let settings = &sheet.looked.facts.postgres.settings;
    let setting = |name: &str| settings.get(name).map_or("", String::as_str);
    let platform = Platform::of(sheet.looked.facts);
    let mut changes = Vec::new();
    let certificate = setting("ssl_cert_file");
    if setting("ssl") != "on" {
        changes.push("TLS is turned on".to_owned());
    } else if is_the_packages(platform, certificate) {
        changes.push(format!(
            "the certificate in use, {certificate}, is replaced by the cluster's"
        ));
    }
    if setting("ssl_ca_file").is_empty() {
        changes.push("Postgres asks every client for a certificate".to_owned());
    }
    if !changes.is_empty() {
        let cause = format!(
            "this also changes for the other databases: {}",
            changes.join("; ")
        );
        let remedy = "Clients without a certificate keep working. Clients with a certificate of another CA, \
                      and clients that verify the certificate of Postgres, must be reconfigured first";
        sheet.warns(Check::Existing, cause, remedy);
    }
}

/// Whether Postgres listens where the servers reach it; `None` if unknown.
fn listens(sheet: &RowDraft<'_>) -> Option<bool> {
    let looked = sheet.looked;
    let ip = looked.host.cluster_ip().map(|ip| ip.to_string());
    let addresses = looked.facts.postgres.settings.get("listen_addresses")?;
    let mut addresses = addresses.split(',').map(str::trim);
    Some(addresses.any(|there| {
        ["*", "0.0.0.0", "::"].contains(&there) || ip.as_deref().is_some_and(|ip| ip == there)
    }))
}

/// Why it must be restarted; `None` if it need not.
fn restart(sheet: &RowDraft<'_>, wanted: Requirements<'_>) -> Option<String> {
    if !listens(sheet)? {
        return Some("to listen on its address".into());
    }
    let settings = &sheet.looked.facts.postgres.settings;
    let have: usize = settings.get("max_connections")?.parse().ok()?;
    let need = wanted.topology.max_connections();
    (have < need).then(|| format!("max_connections is {have}; {need} are needed"))
}

#[cfg(test)]
mod tests;
