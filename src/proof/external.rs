//! An external Postgres: what it says of itself, before anything is changed and later; and the SQL that
//! gives a cluster its role and its database there.

use std::io::{Read, Write};

use openssl::ssl::SslStream;

use super::login::{self, AnswerRow, Conversation, LoginStop};
use crate::https::tls::{self, Identity};
use crate::platform::external::{ExternalLook, Unanswered};
use crate::secrets::SecretText;

/// How a role logs in to it.
#[derive(Debug, Clone, Copy)]
pub struct ExternalLogin<'a> {
    /// The name or the address of the endpoint.
    pub host: &'a str,
    /// Its certificate has this name.
    pub by_name: bool,
    pub ca_pem: &'a str,
    pub identity: Option<&'a Identity>,
    pub database: &'a str,
    pub user: &'a str,
    pub password: &'a SecretText,
}

impl From<LoginStop> for Unanswered {
    fn from(stop: LoginStop) -> Self {
        match stop {
            LoginStop::Error {
                sqlstate, message, ..
            } => Self::Refused { sqlstate, message },
            LoginStop::Connection(failure) => Self::Broken(failure.to_string()),
        }
    }
}

/// A connection as a role.
pub struct ExternalSession<S: Read + Write>(Conversation<SslStream<S>>);

/// In the order of [`read`]. A limit of -1 is none (docs/facts.md, "An external Postgres").
const LOOK: &str = "select current_setting('server_version_num'), pg_is_in_recovery(), \
     current_setting('transaction_read_only'), pg_postmaster_start_time()::text, pg_backend_pid(), \
     current_setting('server_encoding'), current_setting('max_connections')::int - \
     current_setting('superuser_reserved_connections')::int - \
     coalesce(current_setting('reserved_connections', true), '0')::int, \
     (select coalesce(sum(numbackends), 0) from pg_stat_database) - \
     (select count(*) from pg_stat_activity where usename = current_user), \
     (select rolconnlimit from pg_roles where rolname = current_user), \
     (select datconnlimit from pg_database where datname = current_database()), \
     has_schema_privilege(current_schema(), 'create'), \
     (select case collname when 'default' then datcollate else collname end \
      from pg_attribute join pg_collation on pg_collation.oid = attcollation, pg_database \
      where attrelid = to_regclass('kine') and attname = 'name' \
      and datname = current_database()), \
     to_regclass('kine') is not null";
const TOKENS: &str = "select substr(name, 12, 12) from kine where name like '/bootstrap/%' \
     group by 1 limit 100";

impl ExternalLogin<'_> {
    pub fn begin<S: Read + Write>(self, mut stream: S) -> Result<ExternalSession<S>, Unanswered> {
        login::ask_for_tls(&mut stream)?;
        let connect = if self.by_name {
            tls::connect
        } else {
            tls::connect_by_any_name
        };
        let stream = connect(stream, self.host, self.ca_pem, self.identity);
        let stream = stream.map_err(LoginStop::Connection)?;
        let talk = Conversation::begin(stream, self.database, self.user, self.password)?;
        let mut session = ExternalSession(talk);
        session.rows("set statement_timeout = '20s'")?;
        Ok(session)
    }
}

impl<S: Read + Write> ExternalSession<S> {
    fn rows(&mut self, sql: &str) -> Result<Vec<AnswerRow>, Unanswered> {
        Ok(self.0.query(sql)?)
    }

    pub fn look(&mut self) -> Result<ExternalLook, Unanswered> {
        let odd = || Unanswered::Broken("Postgres says something unexpected of itself".into());
        let row = self.rows(LOOK)?.into_iter().next().ok_or_else(odd)?;
        let (mut look, has_table) = read(&row, self.0.process).ok_or_else(odd)?;
        if has_table {
            let names = self.rows(TOKENS)?.into_iter().flatten().flatten();
            let is_mark = |name: &String| name.bytes().all(|byte| byte.is_ascii_hexdigit());
            look.tokens = names.filter(is_mark).collect();
        }
        Ok(look)
    }

    /// A question that Postgres answers from memory.
    pub fn round_trip(&mut self) -> Result<(), Unanswered> {
        self.rows("select 1").map(drop)
    }

    /// A commit that must be on the disk, and on the standbys that it waits for, and that changes
    /// nothing (docs/facts.md, "An external Postgres").
    pub fn commit(&mut self) -> Result<(), Unanswered> {
        let sql = "select pg_logical_emit_message(true, 'k3s-ha-wizard', 'a commit is measured')";
        self.rows(sql).map(drop)
    }

    /// How many rows K3s has there.
    pub fn count(&mut self) -> Result<u64, Unanswered> {
        let rows = self.rows("select count(*) from kine")?;
        let count = rows.into_iter().flatten().flatten().next();
        Ok(count.and_then(|text| text.parse().ok()).unwrap_or(0))
    }

    /// Carries out one statement after the other: `create database` stands alone.
    fn all(&mut self, statements: &[String]) -> Result<(), Unanswered> {
        statements
            .iter()
            .try_for_each(|sql| self.rows(sql).map(drop))
    }

    pub fn end(mut self) {
        self.0.end();
    }
}

/// What it says, and whether the table of K3s is there.
fn read(row: &[Option<String>], process: Option<i32>) -> Option<(ExternalLook, bool)> {
    let text = |at: usize| row.get(at).and_then(Option::as_deref);
    let number = |at: usize| text(at)?.parse::<i64>().ok();
    let is = |at: usize| text(at) == Some("t");
    let limit = |at: usize| number(at).filter(|limit| *limit >= 0);
    let limit = [limit(8), limit(9)].into_iter().flatten().min();
    let count = |number: i64| usize::try_from(number).unwrap_or(0);
    let no_table = match text(10) {
        Some("t") => None,
        Some(_) => Some("it has no right to create tables in its schema".to_owned()),
        None => Some("there is no schema in its search_path".to_owned()),
    };
    let look = ExternalLook {
        version: text(0)?.parse().ok()?,
        standby: is(1),
        writable: !is(1) && text(2)? == "off",
        started: text(3)?.to_owned(),
        pooled: process.map(i64::from) != number(4),
        encoding: text(5)?.to_owned(),
        connections: count(number(6)?),
        limit: limit.map(count),
        in_use: count(number(7)?),
        no_table,
        collation: text(11).map(str::to_owned),
        tokens: Vec::new(),
    };
    Some((look, is(12)))
}

/// The role and the database that a cluster needs. All names are plain identifiers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleOrder {
    pub user: String,
    pub database: String,
    /// What Postgres stores of the password.
    pub verifier: SecretText,
}

impl RoleOrder {
    fn set_password(&self) -> String {
        let verifier = self.verifier.expose();
        format!("ALTER ROLE {} LOGIN PASSWORD '{verifier}'", self.user)
    }

    /// The collation is as for a Postgres of the wizard's own (assets/steps/postgres/role.sh).
    fn create_database(&self) -> String {
        let Self { user, database, .. } = self;
        format!(
            "CREATE DATABASE {database} OWNER {user} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' \
             LC_CTYPE 'C'"
        )
    }

    /// For the DBA, as psql takes it; it may be run again.
    pub fn for_the_dba(&self, cluster: &str) -> String {
        let Self { user, database, .. } = self;
        let create = self.create_database().replace('\'', "''");
        let password = self.set_password();
        format!(
            "-- The role and the database of the cluster {cluster}, for its external Postgres. Run it once with\n\
             -- psql -v ON_ERROR_STOP=1 -f, as a role that may create roles and databases. The password is in it\n\
             -- only as Postgres stores it.\n\
             SELECT 'CREATE ROLE {user} LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{user}') \\gexec\n\
             {password};\n\
             GRANT {user} TO CURRENT_USER;\n\
             SELECT '{create}' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{database}') \\gexec\n\
             REVOKE ALL ON DATABASE {database} FROM PUBLIC;\n\
             REVOKE {user} FROM CURRENT_USER;\n"
        )
    }

    /// Carries it out as an administrator. What is there of another cluster stays as it is: then the
    /// error says so.
    pub fn carry_out<S: Read + Write>(
        &self,
        admin: &mut ExternalSession<S>,
    ) -> Result<(), Unanswered> {
        let Self { user, database, .. } = self;
        let refuse = |message: String| {
            Err(Unanswered::Refused {
                sqlstate: "42501".into(),
                message,
            })
        };
        let known = admin.rows(&format!(
            "select (select count(*) from pg_roles where rolname = '{user}'), \
             (select pg_get_userbyid(datdba) from pg_database where datname = '{database}'), \
             (select string_agg(datname, ', ') from pg_database \
              where pg_get_userbyid(datdba) = '{user}' and datname <> '{database}'), \
             (select rolsuper or rolcreaterole from pg_roles where rolname = '{user}'), \
             (select count(*) from pg_stat_activity where usename = '{user}')"
        ))?;
        let row = known.into_iter().next().unwrap_or_default();
        let text = |at: usize| row.get(at).and_then(Option::as_deref);
        match (text(1), text(2)) {
            (Some(owner), _) if owner != user => {
                return refuse(format!(
                    "the database {database} already exists and belongs to {owner}: set another \
                     postgres.database"
                ));
            }
            (_, Some(others)) => {
                return refuse(format!(
                    "the role {user} already exists and owns other databases ({others}): set another \
                     postgres.user"
                ));
            }
            _ => {}
        }
        if text(3) == Some("t") {
            return refuse(format!(
                "the role {user} already exists and administers Postgres: set another postgres.user"
            ));
        }
        // Its password is changed below.
        if text(4).is_some_and(|count| count != "0") {
            return refuse(format!(
                "the role {user} is in use, with another password: if it is this cluster's, set \
                 postgres.password to it; if another's, set another postgres.user"
            ));
        }
        let mut statements = Vec::new();
        if text(0) == Some("0") {
            statements.push(format!("CREATE ROLE {user} LOGIN"));
        }
        statements.push(self.set_password());
        if text(1).is_none() {
            // The owner of a database is a role that its creator is a member of.
            statements.push(format!("GRANT {user} TO CURRENT_USER"));
            statements.push(self.create_database());
            statements.push(format!("REVOKE ALL ON DATABASE {database} FROM PUBLIC"));
            statements.push(format!("REVOKE {user} FROM CURRENT_USER"));
        }
        admin.all(&statements)
    }
}
