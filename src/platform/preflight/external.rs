//! Whether an external Postgres is fit for K3s, as each server sees it.

use std::time::Duration;

use super::{Level, Looked, Requirements, RowDraft};
use crate::answers::{Check, Role};
use crate::platform::external::{
    EndpointSight, ExternalLook, ExternalSight, Latency, Unanswered, ms,
};
use crate::topology::UNDER_LOAD;

/// Connections that each server opens at its start, and what remains for its operator (docs/facts.md,
/// "Connections").
const OF_A_SERVER: usize = 25;
const OF_OPERATORS: usize = 5;
/// From here on a write is too slow for production, and for leader election at all: a leader renews its
/// lease every 2 s and gives up after 10 s (docs/facts.md, "An external Postgres").
const SLOW: Duration = Duration::from_millis(100);
const TOO_SLOW: Duration = Duration::from_secs(2);

pub(super) fn check(sheet: &mut RowDraft<'_>, wanted: Requirements<'_>, hosts: &[Looked<'_>]) {
    if wanted.topology.datastore.external.is_none() || sheet.role() != Role::Server {
        return;
    }
    let Some(sight) = sheet.looked.external else {
        return;
    };
    sheet.looks_at(Check::Datastore);
    for seen in &sight.endpoints {
        endpoint(sheet, wanted, sight, seen);
    }
    writable(sheet, wanted, sight);
    if let Some(admin) = &sight.admin {
        match &admin.look {
            Ok(look) => server(sheet, wanted, &admin.address.to_string(), look),
            Err(why) => fails(
                sheet,
                format!(
                    "the administrator is not let in at {}: {why}",
                    admin.address
                ),
                "Correct postgres.admin, or leave it out to have the SQL for the DBA written",
            ),
        }
    }
    for (address, latency) in sight.latencies() {
        slow(sheet, &address.to_string(), latency);
    }
    data(sheet, wanted, sight, hosts);
}

fn fails(sheet: &mut RowDraft<'_>, cause: impl Into<String>, remedy: impl Into<String>) {
    sheet.fails(Check::Datastore, cause, remedy);
}

fn endpoint(
    sheet: &mut RowDraft<'_>,
    wanted: Requirements<'_>,
    sight: &ExternalSight,
    seen: &EndpointSight,
) {
    let at = seen.address.to_string();
    let datastore = &wanted.topology.datastore;
    match &seen.look {
        Ok(look) => {
            server(sheet, wanted, &at, look);
            database(sheet, wanted, &at, look);
        }
        // The run creates what is missing.
        Err(Unanswered::Refused { .. }) if sight.admin.is_some() => {}
        Err(why @ Unanswered::Refused { .. }) => fails(
            sheet,
            format!(
                "Postgres at {at} does not let the role {} into the database {}: {why}",
                datastore.user, datastore.database
            ),
            match wanted.dba_sql {
                Some(file) => format!(
                    "If the role and the database do not exist yet, have the DBA run {file}, or set \
                     postgres.admin; if they exist, correct postgres.password"
                ),
                None => "Give an administrator as postgres.admin, or correct postgres.password; `install` \
                         writes the SQL for a DBA into a file"
                    .to_owned(),
            },
        ),
        Err(Unanswered::Broken(why)) => {
            let cause = format!("Postgres at {at} cannot be used: {why}");
            let remedy = "Check endpoints, ca_file, cert_file and sslmode under [postgres], and that its \
                          firewall lets this server in";
            // A standby that is down is no reason to wait.
            let is_primary = |look: &ExternalLook| look.writable;
            let level = if sight.looks().any(|(_, look)| is_primary(look)) {
                Level::Warns
            } else {
                Level::Fails
            };
            sheet.add(level, Check::Datastore, cause, remedy);
        }
    }
}

/// What holds for the whole server.
fn server(sheet: &mut RowDraft<'_>, wanted: Requirements<'_>, at: &str, look: &ExternalLook) {
    if look.pooled {
        fails(
            sheet,
            format!("a pooler such as PgBouncer answers at {at}: K3s does not work through one"),
            "Give the port of Postgres itself: 5432 rather than 6432 or 6543; with autobase, \
             HAProxy's port to the primary without PgBouncer; with pigsty 5436, not 5433",
        );
    }
    let version = look.version / 10_000;
    match version {
        ..12 => fails(
            sheet,
            format!("Postgres at {at} is version {version}, which is no longer maintained"),
            "Have it upgraded to 15 or later",
        ),
        12..15 => sheet.warns(
            Check::Datastore,
            format!("Postgres at {at} is version {version}: K3s is tested with 15 and later"),
            "Have it upgraded",
        ),
        _ => {}
    }
    connections(sheet, wanted, at, look);
}

fn connections(sheet: &mut RowDraft<'_>, wanted: Requirements<'_>, at: &str, look: &ExternalLook) {
    if look.standby {
        return;
    }
    let servers = wanted.topology.servers.len();
    let needed = OF_A_SERVER * servers + OF_OPERATORS;
    let under_load = UNDER_LOAD * servers + OF_OPERATORS;
    let room = look.room();
    if room < needed {
        let ExternalLook {
            connections,
            in_use,
            limit,
            ..
        } = look;
        let limit = limit.map_or("set no limit".to_owned(), |limit| {
            format!("set the limit {limit}")
        });
        fails(
            sheet,
            format!(
                "Postgres at {at} has room for {room} connections of the servers, which need {needed}: \
                 it allows {connections} in all, others use {in_use}, and the role and its database {limit}"
            ),
            "Have max_connections, or the limit of the role or the database, raised",
        );
    } else if room < under_load {
        sheet.warns(
            Check::Datastore,
            format!(
                "Postgres at {at} has room for {room} connections: enough to begin with, but under load \
                 the servers may need up to {under_load}"
            ),
            "Have max_connections raised",
        );
    }
}

/// What holds for the database of K3s.
fn database(sheet: &mut RowDraft<'_>, wanted: Requirements<'_>, at: &str, look: &ExternalLook) {
    let datastore = &wanted.topology.datastore;
    let (user, name) = (&datastore.user, &datastore.database);
    if let Some(why) = look.no_table.as_ref().filter(|_| look.writable) {
        fails(
            sheet,
            format!("at {at} the role {user} cannot create the table of K3s: {why}"),
            format!("As an administrator: ALTER DATABASE {name} OWNER TO {user};"),
        );
    }
    if look.encoding != "UTF8" {
        fails(
            sheet,
            format!(
                "the database {name} at {at} has the encoding {}",
                look.encoding
            ),
            "Have it created with ENCODING 'UTF8' TEMPLATE template0",
        );
    }
    let is_binary = |collation: &String| ["C", "POSIX"].contains(&collation.as_str());
    if let Some(collation) = look.collation.as_ref().filter(|it| !is_binary(it)) {
        fails(
            sheet,
            format!(
                "K3s's table at {at} has the collation {collation}: K3s v1.36.3 and newer exit because of it"
            ),
            "With all servers stopped: ALTER TABLE kine ALTER COLUMN name TYPE text COLLATE \"C\";",
        );
    }
    let is_ours = |token: &String| token == wanted.token;
    if !look.tokens.is_empty() && !look.tokens.iter().any(is_ours) {
        fails(
            sheet,
            format!(
                "the database {name} at {at} holds a cluster with another token: the servers could not \
                 read it"
            ),
            "Set that cluster's token as token under [k3s], or another database under [postgres]",
        );
    }
}

/// Exactly one Postgres among the endpoints can be written to.
fn writable(sheet: &mut RowDraft<'_>, wanted: Requirements<'_>, sight: &ExternalSight) {
    let admin = sight.admin.as_ref();
    let admin = admin.and_then(|it| Some((&it.address, it.look.as_ref().ok()?)));
    let looks: Vec<_> = sight.looks().chain(admin).collect();
    let writable: Vec<_> = looks.iter().filter(|(_, look)| look.writable).collect();
    let authority = wanted.topology.datastore.authority();
    if writable.is_empty() && !looks.is_empty() {
        let all_standbys = looks.iter().all(|(_, look)| look.standby);
        let why = if all_standbys {
            "a standby, which follows another Postgres"
        } else {
            "set to be read only (default_transaction_read_only)"
        };
        fails(
            sheet,
            format!("no Postgres at {authority} can be written to: it is {why}"),
            "Give the endpoint of the primary, or all of them",
        );
    }
    let same = |(_, look): &&&(_, &ExternalLook)| look.started == writable[0].1.started;
    if !writable.is_empty() && !writable.iter().all(|it| same(&it)) {
        let places: Vec<_> = writable.iter().map(|(at, _)| at.to_string()).collect();
        fails(
            sheet,
            format!(
                "{} can each be written to, and are different Postgres clusters: the servers would not \
                 see the same data",
                places.join(" and ")
            ),
            "Give the endpoints of one cluster, of which one is the primary",
        );
    }
}

fn slow(sheet: &mut RowDraft<'_>, at: &str, latency: &Latency) {
    sheet.looks_at(Check::Network);
    let commit = match &latency.commit {
        Ok(commit) => commit,
        Err(why) => {
            sheet.warns(
                Check::Network,
                format!("how long a commit at {at} takes could not be measured: {why}"),
                "Ask its operator: it must be below 100 ms at the 99th percentile",
            );
            return;
        }
    };
    let level = match commit.p99 {
        time if time >= TOO_SLOW => Level::Fails,
        time if time >= SLOW => Level::Trial,
        _ => return,
    };
    sheet.add(
        level,
        Check::Network,
        format!(
            "a commit at {at} takes {commit} from here, a round trip {}: leader election renews its \
             leases every 2 s and gives up after 10 s, and every write waits that long",
            latency.round_trip
        ),
        "Use a Postgres that is nearer, or on faster disks",
    );
}

/// Servers that run this cluster would create another one on a database without its data.
fn data(
    sheet: &mut RowDraft<'_>,
    wanted: Requirements<'_>,
    sight: &ExternalSight,
    hosts: &[Looked<'_>],
) {
    let runs =
        |looked: &&Looked<'_>| looked.host.role() == Role::Server && looked.facts.runs_our_k3s();
    let Some(server) = hosts.iter().find(runs) else {
        return;
    };
    let is_ours = |token: &String| token == wanted.token;
    let mut looks = sight.looks();
    let has_data = looks.any(|(_, look)| look.tokens.iter().any(is_ours));
    let is_known = sight.looks().next().is_some() || sight.admin.is_some();
    if is_known && !has_data {
        let datastore = &wanted.topology.datastore;
        fails(
            sheet,
            format!(
                "{} runs this cluster, but the database {} at {} has no data of it: the servers would \
                 create another cluster",
                server.host.name,
                datastore.database,
                datastore.authority()
            ),
            "Set the endpoints and the database that the cluster uses, or restore its data there",
        );
    }
}

/// What was measured, and what cannot be proven.
pub(super) fn notes(wanted: Requirements<'_>, hosts: &[Looked<'_>]) -> Vec<String> {
    let Some(external) = &wanted.topology.datastore.external else {
        return Vec::new();
    };
    let mut notes = Vec::new();
    for looked in hosts {
        let latencies = looked
            .external
            .into_iter()
            .flat_map(ExternalSight::latencies);
        for (address, latency) in latencies {
            let Ok(commit) = &latency.commit else {
                continue;
            };
            let verdict = match commit.p99 {
                time if time >= TOO_SLOW => "more than leader election tolerates",
                time if time >= SLOW => "slow, but within what leader election tolerates",
                _ => "well within what leader election tolerates",
            };
            notes.push(format!(
                "From {}, Postgres at {address}: a round trip takes {}, a commit {commit}: {verdict} (10 \
                 s). The {} ms that the SSH connection takes are subtracted",
                looked.host.name,
                latency.round_trip,
                ms(latency.own),
            ));
        }
    }
    if !notes.is_empty() {
        let untried = if external.certified {
            "a client certificate for another role or an expired one, which only the key of its CA could \
             sign"
        } else {
            "client certificates, because K3s presents none"
        };
        notes.push(format!(
            "The wizard cannot test how the external Postgres treats {untried}. Its backups and its failover \
             are not tested either: they are up to its operator"
        ));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::super::Grid;
    use super::super::tests::{SERVER, TOKEN, good, lab, told};
    use super::*;
    use crate::address::Endpoint;
    use crate::platform::external::Percentiles;

    fn fine() -> ExternalLook {
        ExternalLook {
            version: 150_018,
            standby: false,
            writable: true,
            started: "noon".into(),
            pooled: false,
            encoding: "UTF8".into(),
            connections: 197,
            in_use: 3,
            limit: None,
            no_table: None,
            collation: None,
            tokens: Vec::new(),
        }
    }

    fn took(commit: u64) -> Latency {
        let of = |p50, p99| Percentiles {
            p50: Duration::from_millis(p50),
            p99: Duration::from_millis(p99),
        };
        Latency {
            round_trip: of(1, 2),
            commit: Ok(of(3, commit)),
            own: Duration::from_millis(4),
        }
    }

    fn seen(at: &str, look: Result<ExternalLook, Unanswered>) -> EndpointSight {
        EndpointSight {
            address: Endpoint::with_port(at).unwrap(),
            latency: look.is_ok().then(|| took(20)),
            look,
        }
    }

    fn refused() -> Unanswered {
        Unanswered::Refused {
            sqlstate: "28P01".into(),
            message: "password authentication failed for user \"k3s\"".into(),
        }
    }

    /// The grid of the lab with these endpoints instead of its own Postgres.
    fn grid(endpoints: Vec<EndpointSight>, admin: Option<EndpointSight>, runs: bool) -> Grid {
        let mut world = lab();
        let names = endpoints.iter().map(|it| it.address.to_string());
        world.answers.postgres.endpoints = names.collect();
        world.answers.postgres.name = None;
        world.without(0);
        world.facts = world.answers.hosts.iter().map(good).collect();
        if runs {
            let k3s = &mut world.facts[SERVER].k3s;
            k3s.units.push("k3s".into());
            k3s.ours = true;
            k3s.token = Some(TOKEN.into());
            let units = &mut world.facts[SERVER].units;
            units.insert("k3s.service".into(), crate::platform::UnitState::Active);
        }
        // The servers are first now.
        world.external[0] = Some(ExternalSight { endpoints, admin });
        world.grid()
    }

    fn found(endpoints: Vec<EndpointSight>) -> String {
        told(&grid(endpoints, None, false))
    }

    #[test]
    fn one_that_is_fit_has_its_latency_told() {
        let grid = grid(vec![seen("db:5432", Ok(fine()))], None, false);
        assert_eq!(told(&grid), "");
        insta::assert_snapshot!(grid.notes.join("\n"));
    }

    #[test]
    fn what_k3s_does_not_work_with_is_refused() {
        let with = |change: fn(&mut ExternalLook)| {
            let mut look = fine();
            change(&mut look);
            found(vec![seen("db:5432", Ok(look))])
        };
        let all = [
            with(|look| look.pooled = true),
            with(|look| look.version = 110_000),
            with(|look| look.version = 140_000),
            with(|look| (look.standby, look.writable) = (true, false)),
            with(|look| look.writable = false),
            with(|look| look.in_use = 150),
            with(|look| look.connections = 97),
            with(|look| look.limit = Some(30)),
            with(|look| look.no_table = Some("it has no right".into())),
            with(|look| look.encoding = "SQL_ASCII".into()),
            with(|look| look.collation = Some("en_US.utf8".into())),
            with(|look| look.collation = Some("C".into())),
            with(|look| look.tokens = vec!["ffffffffffff".into()]),
        ];
        insta::assert_snapshot!(all.join("\n--\n"));
    }

    #[test]
    fn a_role_that_is_not_let_in_is_the_dbas_or_the_runs() {
        let not_let_in = || vec![seen("db:5432", Err(refused()))];
        let broken = Unanswered::Broken("the certificate is not valid for it".into());
        let admin = |look| Some(seen("db:5432", look));
        let all = [
            found(not_let_in()),
            told(&grid(not_let_in(), admin(Ok(fine())), false)),
            told(&grid(not_let_in(), admin(Err(refused())), false)),
            found(vec![seen("db:5432", Err(broken))]),
        ];
        insta::assert_snapshot!(all.join("\n--\n"));
    }

    #[test]
    fn of_several_one_is_the_primary() {
        let standby = ExternalLook {
            standby: true,
            writable: false,
            ..fine()
        };
        let other = ExternalLook {
            started: "midnight".into(),
            ..fine()
        };
        let gone = || Err(Unanswered::Broken("no connection: no answer".into()));
        let pair = |one, other| found(vec![seen("a:5432", one), seen("b:5432", other)]);
        let all = [
            pair(Ok(standby.clone()), Ok(fine())),
            pair(gone(), Ok(fine())),
            pair(gone(), Ok(standby)),
            // The same one by two ways, and two.
            pair(Ok(fine()), Ok(fine())),
            pair(Ok(fine()), Ok(other)),
        ];
        insta::assert_snapshot!(all.join("\n--\n"));
    }

    #[test]
    fn a_commit_that_takes_too_long_is_judged_by_leader_election() {
        let with = |commit: Latency| {
            let mut sight = seen("db:5432", Ok(fine()));
            sight.latency = Some(commit);
            found(vec![sight])
        };
        let unknown = Latency {
            commit: Err("permission denied".into()),
            ..took(1)
        };
        let all = [with(took(150)), with(took(2500)), with(unknown)];
        insta::assert_snapshot!(all.join("\n--\n"));
    }

    #[test]
    fn a_cluster_that_runs_must_find_its_data() {
        let mut look = fine();
        let empty = told(&grid(vec![seen("db:5432", Ok(look.clone()))], None, true));
        assert!(empty.contains("would create another cluster"), "{empty}");
        look.tokens.push(TOKEN.into());
        assert_eq!(told(&grid(vec![seen("db:5432", Ok(look))], None, true)), "");
    }
}
