//! The client certificates of the servers: installed, and tested against Postgres.

use super::{SHORT, StepContext, StepError, StepHost, step_file};
use crate::events::StepId;
use crate::pki::Identity;
use crate::plan::{DatastoreProof, Step, Task, Work};

pub const KEEP: &str = "certificates/keep";
pub const CLIENT: &str = "certificates/client";
pub const NAME: &str = "certificates/name";
pub const PROOF: &str = "certificates/proof";

/// The only step on this machine alone.
pub fn keep() -> Step {
    Step {
        id: kept(),
        host: None,
        title: "Store the certificates on this machine".into(),
        needs: Vec::new(),
        may_be_skipped: false,
        limit: SHORT,
        work: Work::Task(Task::KeepCertificates),
    }
}

/// After this step no certificate can be lost.
pub fn kept() -> StepId {
    StepId::new(KEEP, None)
}

pub fn client(context: &StepContext<'_>, server: &StepHost<'_>) -> Result<Step, StepError> {
    let pki = context.given.pki;
    let identity = pki.servers.get(server.name);
    let (title, cert, key) = match identity {
        Some(Identity { cert_pem, key_pem }) => (
            "Give the server its client certificate",
            cert_pem.as_str().into(),
            key_pem.into(),
        ),
        None if context.is_external() => {
            ("Give the server the CA of Postgres", "".into(), "".into())
        }
        None => return Err(StepError::NoCertificate(server.name.to_owned())),
    };
    let step = server.shell(
        CLIENT,
        title,
        step_file!("certificates/client"),
        vec![
            ("CA_PEM", pki.ca_cert.clone().into()),
            ("CERT_PEM", cert),
            ("KEY_PEM", key),
        ],
    );
    Ok(step.needing([kept()]))
}

/// Only if the datastore endpoint has a name.
pub fn name(context: &StepContext<'_>, server: &StepHost<'_>) -> Option<Step> {
    let datastore = &context.given.topology.datastore;
    let name = datastore.name.clone()?;
    let addresses = datastore.members.iter().map(|member| member.ip.to_string());
    let mut addresses: Vec<_> = addresses.collect();
    addresses.sort();
    let addresses = addresses.join(" ");
    let (begin, end) = context.marks();
    Some(server.shell(
        NAME,
        format!("Make {name} resolve to {addresses}"),
        step_file!("certificates/name"),
        vec![
            ("DB_HOST", name.into()),
            ("DB_ADDRESSES", addresses.into()),
            ("HOSTS_BEGIN", begin.into()),
            ("HOSTS_END", end.into()),
        ],
    ))
}

/// From a server to each member of the datastore.
pub fn proof(context: &StepContext<'_>, server: &StepHost<'_>) -> Step {
    let datastore = &context.given.topology.datastore;
    let proof = DatastoreProof {
        members: datastore
            .members
            .iter()
            .map(|member| {
                (
                    datastore.certificate_name(member),
                    member.at(datastore.port),
                )
            })
            .collect(),
        database: datastore.database.clone(),
        user: datastore.user.clone(),
    };
    let name = datastore.name.as_ref().map(|_| server.id(NAME));
    server
        .task(
            PROOF,
            "Prove that Postgres accepts only the right certificate and password",
            Task::ProveDatastore(proof),
        )
        .skippable()
        .needing([server.id(CLIENT)])
        .needing(name)
}
