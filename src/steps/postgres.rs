//! Postgres: installed, listening, with a role and a database for K3s, over mutual TLS.

use std::fmt::Write as _;

use super::{DUMP_TIME, PACKAGES, RESTARTS, StepContext, StepError, StepHost, step_file};
use crate::hash::token_mark;
use crate::plan::{Act, ActOutput, Shell, Step};
use crate::secrets::Secrets;
use crate::topology::DatastoreEndpoint;

pub const INSTALL: &str = "postgres/install";
pub const ROLE: &str = "postgres/role";
pub const SETTINGS: &str = "postgres/settings";
const BOOT: &str = "postgres/boot";
pub const TLS: &str = "postgres/tls";
pub const ACCESS: &str = "postgres/access";
pub const DUMP: &str = "postgres/dump";

pub fn install(context: &StepContext<'_>, postgres: &StepHost<'_>) -> Step {
    let port = context.db_port();
    postgres
        .shell(
            INSTALL,
            format!("Install Postgres, and wait until it answers on port {port}"),
            step_file!("postgres/install"),
            context.downloading(postgres, vec![("DB_PORT", port.into())]),
        )
        .within(PACKAGES)
}

/// On a standby it is satisfied once the primary's step is.
pub fn role(context: &StepContext<'_>, postgres: &StepHost<'_>) -> Step {
    let wanted = &context.given.topology.datastore;
    postgres.shell(
        ROLE,
        format!(
            "Create the role {}, and the database {} that it owns",
            wanted.user, wanted.database
        ),
        step_file!("postgres/role"),
        vec![
            ("DB_NAME", wanted.database.clone().into()),
            ("DB_USER", wanted.user.clone().into()),
            ("DB_PORT", context.db_port().into()),
            ("DB_VERIFIER", (&context.given.secrets.db_verifier).into()),
        ],
    )
}

pub fn settings(context: &StepContext<'_>, postgres: &StepHost<'_>) -> Step {
    let connections = context.given.topology.max_connections();
    let existing = context.given.answers.postgres.existing_postgres;
    let database = &context.given.topology.datastore.database;
    postgres
        .shell(
            SETTINGS,
            format!(
                "Let Postgres listen on {}, for {connections} connections",
                postgres.ip
            ),
            step_file!("postgres/settings"),
            vec![
                ("DB_NAME", database.clone().into()),
                ("DB_PORT", context.db_port().into()),
                ("LISTEN_ADDRESS", postgres.ip.to_string().into()),
                ("MAX_CONNECTIONS", connections.to_string().into()),
                ("EXISTING", existing.as_str().into()),
            ],
        )
        .within(RESTARTS)
        // First the rules, then more hosts that they let in.
        .needing([postgres.id(INSTALL), postgres.id(ACCESS)])
}

/// Without it a Postgres that starts before its network listens on localhost only, until it is
/// restarted.
pub fn boot(context: &StepContext<'_>, postgres: &StepHost<'_>) -> Step {
    postgres
        .shell(
            BOOT,
            "Let Postgres start after the network at boot",
            step_file!("postgres/boot"),
            vec![("DB_PORT", context.db_port().into())],
        )
        .needing([postgres.id(INSTALL)])
}

pub fn tls(context: &StepContext<'_>, postgres: &StepHost<'_>) -> Result<Step, StepError> {
    let pki = context.given.pki;
    let existing = context.given.answers.postgres.existing_postgres;
    let (begin, end) = context.marks();
    let identity = pki
        .postgres
        .get(postgres.name)
        .ok_or_else(|| StepError::NoCertificate(postgres.name.to_owned()))?;
    let step = postgres.shell(
        TLS,
        "Turn on TLS in Postgres, with its certificate",
        step_file!("postgres/tls"),
        vec![
            ("DB_PORT", context.db_port().into()),
            ("TLS_DIRECTORY", postgres.platform.postgres_tls.into()),
            (
                "PACKAGE_CERTIFICATE",
                (postgres.platform.postgres_package_certificate)
                    .unwrap_or_default()
                    .into(),
            ),
            ("CA_PEM", pki.ca_cert.clone().into()),
            ("CERT_PEM", identity.cert_pem.clone().into()),
            ("CA_BEGIN", begin.into()),
            ("CA_END", end.into()),
            ("EXISTING", existing.as_str().into()),
            ("KEY_PEM", (&identity.key_pem).into()),
        ],
    );
    Ok(step.needing([postgres.id(INSTALL)]))
}

pub fn access(context: &StepContext<'_>, postgres: &StepHost<'_>) -> Step {
    let wanted = &context.given.topology.datastore;
    let (begin, end) = context.marks();
    let mut rules = String::new();
    for server in &context.servers {
        let bits = if server.ip.is_ipv4() { 32 } else { 128 };
        // verify-full compares the certificate's CN with the role (docs/facts.md, "Access rules").
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
            "Let only the servers reach the database, with client certificates",
            step_file!("postgres/access"),
            vec![
                ("DB_PORT", context.db_port().into()),
                ("HBA_BEGIN", begin.into()),
                ("HBA_END", end.into()),
                ("HBA_RULES", rules.into()),
            ],
        )
        .needing([postgres.id(TLS), postgres.id(ROLE)])
}

pub fn dump(datastore: &DatastoreEndpoint, postgres: &StepHost<'_>, secrets: &Secrets) -> Step {
    let database = &datastore.database;
    let (file, source) = step_file!("postgres/dump");
    let act = Act {
        shell: Shell {
            file,
            source,
            platform: postgres.platform,
            inputs: vec![
                ("DB_NAME", database.clone().into()),
                ("DB_PORT", datastore.port.to_string().into()),
            ],
            ready_nodes: Vec::new(),
        },
        output: ActOutput::Backup {
            database: database.clone(),
            token: token_mark(&secrets.token),
        },
    };
    postgres
        .act(DUMP, format!("Dump the database {database}"), act)
        .within(DUMP_TIME)
}
