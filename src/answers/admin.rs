//! The connection string of an administrator of an external Postgres.

use crate::address::Endpoint;
use crate::secrets::SecretText;

/// With what an administrator logs in: `postgres://USER:PASSWORD@[NAME:PORT]/[DATABASE]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminLogin {
    pub user: String,
    pub password: SecretText,
    /// Without one, the endpoints of the answers.
    pub address: Option<Endpoint>,
    pub database: String,
}

const FORM: &str = "must be a connection string, postgres://USER:PASSWORD@NAME:PORT/DATABASE, with \
                    special characters in the password percent-encoded";

/// What is wrong with an administrator's connection string; `None` if it is valid.
pub fn admin_problem(text: &str) -> Option<&'static str> {
    AdminLogin::parse(text).is_none().then_some(FORM)
}

impl AdminLogin {
    /// `None` if it is no connection string with a password. TLS is as for the servers, so parameters
    /// are refused.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.trim();
        let rest = rest
            .strip_prefix("postgres://")
            .or_else(|| rest.strip_prefix("postgresql://"))?;
        let (login, place) = rest.rsplit_once('@')?;
        let (user, password) = login.split_once(':')?;
        let (address, database) = place.split_once('/').unwrap_or((place, ""));
        let (user, password) = (decoded(user)?, decoded(password)?);
        let is_plain =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        let address = match address {
            "" => None,
            text => Some(Endpoint::parse(text, 5432)?),
        };
        let database = match decoded(database)?.as_str() {
            "" => "postgres".to_owned(),
            name if is_plain(name) && !name.contains('?') => name.to_owned(),
            _ => return None,
        };
        (is_plain(&user) && is_plain(&password)).then(|| Self {
            user,
            password: password.into(),
            address,
            database,
        })
    }
}

/// A part of a URL without its percent-encoding.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first == b'%' {
            let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_string_is_read() {
        let read = |text: &str| {
            let login = AdminLogin::parse(text)?;
            let address = login.address.map(|address| address.to_string());
            let password = login.password.expose().to_owned();
            Some((login.user, password, address, login.database))
        };
        let expected = |address: Option<&str>, database: &str| {
            let of = |text: &str| text.to_owned();
            Some((of("dba"), of("p@ss/w"), address.map(of), of(database)))
        };
        let text = "postgres://dba:p%40ss%2Fw@db.example.com:6000/admin";
        assert_eq!(read(text), expected(Some("db.example.com:6000"), "admin"));
        let text = "postgresql://dba:p%40ss%2Fw@db.example.com\n";
        assert_eq!(
            read(text),
            expected(Some("db.example.com:5432"), "postgres")
        );
        let text = "postgres://dba:p%40ss%2Fw@/postgres";
        assert_eq!(read(text), expected(None, "postgres"));
        for bad in [
            "dba:secret@db",
            "postgres://dba@db/x",
            "postgres://dba:@db/x",
            "postgres://dba:%zz@db",
            "postgres://dba:x@db/x?sslmode=disable",
            "postgres://dba:x@db;reboot/x",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
