//! An external Postgres: its role and its database, what it refuses, and what is stored there.

use std::collections::BTreeSet;

use time::OffsetDateTime;

use super::proofs::{PATIENCE, held, tried};
use super::{Site, Trouble};
use crate::answers::SslMode;
use crate::engine::Run;
use crate::engine::external::ExternalAccess;
use crate::events::{Outcome, Stream};
use crate::plan::DatabaseOrder;
use crate::platform::external::Unanswered;
use crate::proof::datastore::{
    self, Case, CaseOutcome, CaseVerdict, DatastoreKind, DatastoreTarget, Identities,
};
use crate::proof::external::RoleOrder;
use crate::topology::DatastoreEndpoint;

fn access<'a>(
    run: &'a Run<'_>,
    datastore: &'a DatastoreEndpoint,
) -> Result<ExternalAccess<'a>, Trouble> {
    let access = ExternalAccess::of(datastore, run.pki, &run.secrets.db_password);
    access.ok_or_else(|| Trouble::because("the datastore is not external"))
}

/// The role logs in and may create its table, or an administrator sees to it.
pub(super) fn create(site: &mut Site<'_, '_>, order: &DatabaseOrder) -> Result<Outcome, Trouble> {
    let datastore = &order.datastore;
    let access = access(site.run, datastore)?;
    let mut why = String::new();
    for address in access.addresses() {
        match access.ask(site.remote, address)? {
            Ok(look) if look.writable && look.no_table.is_none() => return Ok(Outcome::Unchanged),
            Ok(_) => {}
            Err(error) => why = format!("{address}: {error}"),
        }
    }
    let role = RoleOrder {
        user: datastore.user.clone(),
        database: datastore.database.clone(),
        verifier: order.verifier.clone(),
    };
    let admin = &order.admin;
    for address in access.of_admin(admin) {
        let done = access.as_admin(site.remote, address, admin, |session| {
            if !session.look()?.writable {
                return Err(Unanswered::Broken("it cannot be written to".into()));
            }
            role.carry_out(session)
        })?;
        match done {
            Ok(()) => return Ok(Outcome::Done),
            Err(error) => why = format!("{address}: {error}"),
        }
    }
    let user = &admin.user;
    Err(Trouble::because(format!(
        "the administrator {user} could not create role and database: {why}"
    )))
}

/// From a server: who has the right password, and certificate if there is one, is let in; the others are
/// refused as far as that Postgres is set to.
pub(super) fn prove(
    site: &mut Site<'_, '_>,
    datastore: &DatastoreEndpoint,
) -> Result<Outcome, Trouble> {
    let access = access(site.run, datastore)?;
    let run = site.run;
    let identity = run.pki.servers.get(site.host);
    let identities = Identities::external(identity, &datastore.user, OffsetDateTime::now_utc())
        .map_err(|error| Trouble::because(error.to_string()))?;
    let sslmode = datastore.external.as_ref().map(|it| it.sslmode);
    let (mut broken, mut open) = (Vec::new(), BTreeSet::new());
    let mut writable = 0;
    for address in access.addresses() {
        let name = address.name.to_string();
        let target = DatastoreTarget {
            host: &name,
            database: &datastore.database,
            user: &datastore.user,
            password: &run.secrets.db_password,
            ca_pem: &run.pki.ca_cert,
            kind: DatastoreKind::External {
                by_name: sslmode == Some(SslMode::VerifyFull),
            },
        };
        for case in Case::ALL {
            if let Some(why) = identities.untried(case) {
                site.say(Stream::Out, &format!("not tried: {case}: {why}"));
                continue;
            }
            let proved = tried(
                site,
                address,
                PATIENCE,
                |relay| datastore::prove(case, &target, &identities, relay),
                |verdict| matches!(verdict.got, CaseOutcome::Broken { .. }),
            )?;
            let unreached = |error| CaseVerdict::unreached(case, &error);
            let verdict = proved.unwrap_or_else(unreached);
            let is_primary = matches!(verdict.got, CaseOutcome::Passes { standby: false, .. });
            writable += usize::from(case == Case::Right && is_primary);
            let got = verdict.got.to_string();
            // Whether it asks for TLS and for a certificate is its operator's to set.
            let passes = matches!(verdict.got, CaseOutcome::Passes { .. });
            let is_theirs = matches!(
                case,
                Case::NoTls | Case::NoCertificate | Case::ForeignAuthority
            );
            if is_theirs && passes {
                open.insert(case.as_str());
                site.proved(case.as_str(), "refused (up to its operator)", got, true)?;
                continue;
            }
            if !verdict.holds() {
                broken.push(format!("{address}: {case} {got}"));
            }
            let expected = case.expected().to_string();
            site.proved(case.as_str(), &expected, got, verdict.holds())?;
        }
    }
    if writable == 0 && broken.is_empty() {
        broken.push("no endpoint can be written to".into());
    }
    held(broken, "the proof of the external Postgres does not hold")?;
    if open.is_empty() {
        return Ok(Outcome::Unchanged);
    }
    let open: Vec<_> = open.into_iter().collect();
    Ok(Outcome::Warned {
        why: format!(
            "this Postgres accepts clients that it could refuse ({}): ask its operator to refuse them",
            open.join(", ")
        ),
    })
}

/// The data of the cluster with this token is there.
pub(super) fn stored(
    site: &mut Site<'_, '_>,
    datastore: &DatastoreEndpoint,
    token: &str,
) -> Result<Outcome, Trouble> {
    let access = access(site.run, datastore)?;
    let mut why = Vec::new();
    for address in access.addresses() {
        let seen = access.as_role(site.remote, address, |session| {
            Ok((session.look()?, session.count()))
        })?;
        match seen {
            Ok((look, Ok(rows))) if look.writable => {
                let is_there = look.tokens.iter().any(|there| there == token);
                let keys = if is_there { "with" } else { "without" };
                let got = format!("{rows} rows {keys} this cluster's keys, at {address}");
                site.proved("the data", "is in Postgres", got.clone(), is_there)?;
                let broken = if is_there { vec![] } else { vec![got] };
                return held(broken, "K3s stores its data elsewhere");
            }
            Ok((_, Err(error))) | Err(error) => why.push(format!("{address}: {error}")),
            Ok(_) => why.push(format!("{address}: it cannot be written to")),
        }
    }
    held(why, "the data of the cluster is not seen in Postgres")
}
