//! Certificates: mutual TLS between the servers and Postgres, put in place and proven.

use std::fmt::Write as _;

use super::{Node, Phase, PlanError, Step, Task, Topology, Work, postgres, step_file};
use crate::events::StepId;

pub(super) const KEEP: &str = "certificates/keep";
pub(super) const ACCESS: &str = "certificates/access";
pub(super) const CLIENT: &str = "certificates/client";
pub(super) const NAME: &str = "certificates/name";
pub(super) const PROOF: &str = "certificates/proof";

pub(super) fn phase(topology: &Topology<'_>) -> Result<Phase, PlanError> {
    let keep = Step {
        id: StepId::new(KEEP, None),
        host: None,
        title: "the certificates are kept on this machine".into(),
        needs: Vec::new(),
        limit: super::SHORT,
        work: Work::Task(Task::KeepCertificates),
    };
    let mut steps = vec![keep, tls(topology), access(topology)];
    for server in &topology.servers {
        steps.push(client(topology, server)?);
        steps.extend(name(topology, server));
        steps.push(proof(topology, server));
    }
    Ok(Phase {
        id: "certificates",
        title: "Certificates",
        steps,
    })
}

fn tls(topology: &Topology<'_>) -> Step {
    let postgres = &topology.postgres;
    let pki = topology.given.pki;
    let existing = topology.given.answers.postgres.existing_postgres;
    let (begin, end) = topology.marks();
    postgres
        .shell(
            "certificates/postgres",
            "Postgres speaks TLS with its certificate",
            step_file!("postgres/tls"),
            vec![
                ("DB_PORT", topology.db_port().into()),
                ("TLS_DIRECTORY", postgres.platform.postgres_tls.into()),
                ("CA_PEM", pki.ca.cert_pem.clone().into()),
                ("CERT_PEM", pki.postgres.cert_pem.clone().into()),
                ("CA_BEGIN", begin.into()),
                ("CA_END", end.into()),
                ("EXISTING", existing.as_str().into()),
                ("KEY_PEM", (&pki.postgres.key_pem).into()),
            ],
        )
        .needing([StepId::new(KEEP, None), postgres.id(postgres::INSTALL)])
}

fn access(topology: &Topology<'_>) -> Step {
    let postgres = &topology.postgres;
    let wanted = &topology.given.answers.postgres;
    let (begin, end) = topology.marks();
    let mut rules = String::new();
    for server in &topology.servers {
        let bits = if server.ip.is_ipv4() { 32 } else { 128 };
        // verify-full compares the certificate's CN with the role (facts 1, 8b and 8c).
        let _ = writeln!(
            rules,
            "hostssl {} {} {}/{bits} scram-sha-256 clientcert=verify-full",
            wanted.database, wanted.user, server.ip
        );
    }
    let _ = writeln!(rules, "host all {} all reject", wanted.user);
    postgres
        .shell(
            ACCESS,
            "only the servers reach the database, with client certificates",
            step_file!("postgres/access"),
            vec![
                ("DB_PORT", topology.db_port().into()),
                ("HBA_BEGIN", begin.into()),
                ("HBA_END", end.into()),
                ("HBA_RULES", rules.into()),
            ],
        )
        .needing([
            postgres.id("certificates/postgres"),
            postgres.id(postgres::ROLE),
        ])
}

fn client(topology: &Topology<'_>, server: &Node<'_>) -> Result<Step, PlanError> {
    let pki = topology.given.pki;
    let identity = pki
        .servers
        .get(server.name)
        .ok_or_else(|| PlanError::NoCertificate(server.name.to_owned()))?;
    let step = server.shell(
        CLIENT,
        "the server has its client certificate",
        step_file!("certificates/client"),
        vec![
            ("CA_PEM", pki.ca.cert_pem.clone().into()),
            ("CERT_PEM", identity.cert_pem.clone().into()),
            ("KEY_PEM", (&identity.key_pem).into()),
        ],
    );
    Ok(step.needing([StepId::new(KEEP, None)]))
}

/// Only where the datastore endpoint has a name in it.
fn name(topology: &Topology<'_>, server: &Node<'_>) -> Option<Step> {
    let name = topology.given.answers.postgres.name.clone()?;
    let (begin, end) = topology.marks();
    Some(server.shell(
        NAME,
        format!("{name} leads to {}", topology.postgres.ip),
        step_file!("certificates/name"),
        vec![
            ("DB_HOST", name.into()),
            ("DB_ADDRESS", topology.postgres.ip.to_string().into()),
            ("HOSTS_BEGIN", begin.into()),
            ("HOSTS_END", end.into()),
        ],
    ))
}

fn proof(topology: &Topology<'_>, server: &Node<'_>) -> Step {
    let postgres = &topology.postgres;
    let name = topology.given.answers.postgres.name.as_ref();
    server
        .task(
            PROOF,
            "Postgres lets in the right certificate, and nothing else",
            Task::ProveDatastore,
        )
        .needing([postgres.id(ACCESS), postgres.id(postgres::SETTINGS)])
        .needing([server.id(CLIENT)])
        .needing(name.map(|_| server.id(NAME)))
}
