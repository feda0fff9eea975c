//! The way to the datastore at a server's start, with its patience and its words (docs/facts.md,
//! "Start").

use std::thread;
use std::time::Duration;

use super::dsn::{Dsn, Files};
use super::kine::Kine;
use super::pg::{Connection, Target};
use crate::log;
use crate::settings::Settings;

/// kine tries so often, a second apart.
const ATTEMPTS: u32 = 300;

/// Reaches the datastore that the settings name and sees to its table; where they name none, the
/// host's own disk is the datastore, as with the real one.
pub fn open(settings: &Settings) -> Result<Kine, String> {
    let failed = |reason: String| {
        format!(
            "preparing server: failed to bootstrap cluster data: creating storage endpoint: failed to \
             create driver for configured endpoint: {reason}"
        )
    };
    let database = settings.data_dir().join("server/db");
    // Leftovers of an embedded etcd win over whatever the settings say.
    if database.join("etcd/member/wal").is_dir() {
        log::info("Starting etcd for existing cluster member");
        return Ok(Kine::local(database.join("etcd/stand-in")));
    }
    let Some(endpoint) = settings.text("datastore-endpoint") else {
        log::info(
            "Configuring sqlite3 database connection pooling: maxIdle=2, maxOpen=0, maxLifetime=0s, maxIdleTime=0s",
        );
        log::info("Configuring database table schema and indexes, this may take a moment...");
        log::info("Database tables and indexes are up to date");
        log::info("Kine available at unix://kine.sock");
        return Ok(Kine::local(database.join("state.db")));
    };
    let files = Files {
        ca: settings.text("datastore-cafile"),
        certificate: settings.text("datastore-certfile"),
        key: settings.text("datastore-keyfile"),
    };
    let target = Target::new(Dsn::parse(endpoint, files).map_err(failed)?).map_err(failed)?;
    if let Err(warning) = ensure_database(&target) {
        log::warning(warning);
    }
    let connection = ping(&target).map_err(failed)?;
    log::info(
        "Configuring pgx database connection pooling: maxIdle=20, maxOpen=0, maxLifetime=0s, maxIdleTime=2m0s",
    );
    log::info("Configuring database table schema and indexes, this may take a moment...");
    let kine = Kine::open(target, connection).map_err(|reason| {
        log::info("Shutdown request received");
        log::info("Closing database connections...");
        failed(reason.to_string())
    })?;
    log::info("Database tables and indexes are up to date");
    log::info("Kine available at unix://kine.sock");
    log::info("Opening etcd client connection with endpoints [unix://kine.sock]");
    Ok(kine)
}

/// Makes the database where the role may; that it may not is harmless.
fn ensure_database(target: &Target) -> Result<(), String> {
    let mut connection = target.connect_to("postgres").map_err(|reason| {
        format!("failed to ensure existence of database postgres: unable to connect to default postgres database: {reason}")
    })?;
    let name = &target.dsn.database;
    let found = connection.query("SELECT 1 FROM pg_database WHERE datname = $1", &[name]);
    if found.is_ok_and(|rows| rows.is_empty()) {
        let create = format!("CREATE DATABASE \"{}\"", name.replace('"', "\"\""));
        connection
            .query(&create, &[])
            .map_err(|error| format!("failed to create database {name}: {error}"))?;
    }
    Ok(())
}

/// Tries until the datastore lets us in.
fn ping(target: &Target) -> Result<Connection, String> {
    let mut last = String::new();
    for _ in 0..ATTEMPTS {
        match target.connect() {
            Ok(connection) => return Ok(connection),
            Err(reason) => {
                log::error(format!("Failed to ping database connection: {reason}"));
                last = reason;
            }
        }
        thread::sleep(Duration::from_secs(1));
    }
    Err(last)
}
