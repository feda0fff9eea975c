//! Postgres: installed, listening, with a role and a database for K3s.

use super::{PACKAGES, Phase, Topology, step_file};

pub(super) const INSTALL: &str = "postgres/install";
pub(super) const ROLE: &str = "postgres/role";
pub(super) const SETTINGS: &str = "postgres/settings";

pub(super) fn phase(topology: &Topology<'_>) -> Phase {
    let postgres = &topology.postgres;
    let wanted = &topology.given.answers.postgres;
    let port = topology.db_port();
    // Twenty connections a server at first, more under load (facts 2.6).
    let connections = 100 + 50 * topology.servers.len();

    let install = postgres
        .shell(
            INSTALL,
            format!("Postgres is installed and answers on port {port}"),
            step_file!("postgres/install"),
            vec![
                (
                    "POSTGRES_PACKAGES",
                    postgres.platform.postgres_packages.into(),
                ),
                ("DB_PORT", port.clone().into()),
            ],
        )
        .within(PACKAGES);
    let role = postgres
        .shell(
            ROLE,
            format!(
                "the role {} owns the database {}",
                wanted.user, wanted.database
            ),
            step_file!("postgres/role"),
            vec![
                ("DB_NAME", wanted.database.clone().into()),
                ("DB_USER", wanted.user.clone().into()),
                ("DB_PORT", port.clone().into()),
                ("DB_VERIFIER", (&topology.given.secrets.db_verifier).into()),
            ],
        )
        .needing([install.id.clone()]);
    let settings = postgres
        .shell(
            SETTINGS,
            format!(
                "Postgres listens on {}, for {connections} connections",
                postgres.ip
            ),
            step_file!("postgres/settings"),
            vec![
                ("DB_NAME", wanted.database.clone().into()),
                ("DB_PORT", port.into()),
                ("LISTEN_ADDRESS", postgres.ip.to_string().into()),
                ("MAX_CONNECTIONS", connections.to_string().into()),
            ],
        )
        .needing([install.id.clone()]);
    Phase {
        id: "postgres",
        title: "Postgres",
        steps: vec![install, role, settings],
    }
}
