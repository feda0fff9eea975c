//! The servers' connections to their datastore, as Postgres itself tells them.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::join;

/// Who is connected to the datastore, those with a problem first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Datastore {
    pub clients: Vec<Client>,
}

/// A server, or another client that is connected as if it were one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Client {
    /// The server's name; of others the address.
    pub name: String,
    pub connections: u32,
    /// `TLSv1.3`; `none` for a connection in the clear. Several, where they differ.
    pub tls: Vec<String>,
    /// What is wrong with it.
    pub problem: Option<String>,
}

impl Datastore {
    /// Reads lines of `address|TLS version|t or f|how many`, where `t` is for the client
    /// certificate that it must be. Lines of another form do not count.
    pub fn parse<'a>(
        lines: impl IntoIterator<Item = &'a str>,
        servers: &[(String, IpAddr)],
    ) -> Self {
        let known = servers.iter().map(|(name, _)| Client {
            name: name.clone(),
            ..Client::default()
        });
        let mut clients: Vec<Client> = known.collect();
        for line in lines {
            let Some((address, tls, certified, count)) = fields(line) else {
                continue;
            };
            let place = servers.iter().position(|(_, ip)| *ip == address);
            let place = place.unwrap_or_else(|| stranger(&mut clients, address));
            let client = &mut clients[place];
            client.connections += count;
            if !client.tls.iter().any(|other| other == tls) {
                client.tls.push(tls.to_owned());
            }
            if !certified {
                let clear = "is connected without TLS or without the client certificate";
                client.problem = join(client.problem.take(), Some(clear.to_owned()));
            }
        }
        for client in clients.iter_mut().filter(|client| client.connections == 0) {
            client.problem = Some("has no connection to the datastore: is K3s running?".into());
        }
        clients.sort_by_key(|client| client.problem.is_none());
        Self { clients }
    }

    /// What is wrong, a line each.
    pub fn problems(&self) -> impl Iterator<Item = String> {
        let clients = self.clients.iter();
        clients.filter_map(|client| Some(format!("{} {}", client.name, client.problem.as_ref()?)))
    }
}

fn fields(line: &str) -> Option<(IpAddr, &str, bool, u32)> {
    let mut fields = line.split('|');
    let (address, tls) = (fields.next()?.parse().ok()?, fields.next()?);
    let certified = fields.next()? == "t";
    Some((address, tls, certified, fields.next()?.parse().ok()?))
}

/// The place of a client that is no server.
fn stranger(clients: &mut Vec<Client>, address: IpAddr) -> usize {
    let name = address.to_string();
    let known = clients.iter().position(|client| client.name == name);
    known.unwrap_or_else(|| {
        clients.push(Client {
            name,
            problem: Some("is connected as the cluster's role, and is none of its servers".into()),
            ..Client::default()
        });
        clients.len() - 1
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_server_is_told_and_whoever_else_is_there() {
        let server = |name: &str, ip: &str| (name.to_owned(), ip.parse().expect("an address"));
        let servers = [
            server("s1", "10.0.0.11"),
            server("s2", "10.0.0.12"),
            server("s3", "fd00::13"),
        ];
        let lines = [
            "10.0.0.11|TLSv1.3|t|5",
            "10.0.0.11|TLSv1.2|t|1",
            "fd00::13|none|f|2",
            "10.0.0.99|TLSv1.3|t|1",
            "psql: something else",
        ];
        let datastore = Datastore::parse(lines, &servers);
        let told: Vec<_> = datastore.problems().collect();
        insta::assert_debug_snapshot!(told, @r#"
        [
            "s2 has no connection to the datastore: is K3s running?",
            "s3 is connected without TLS or without the client certificate",
            "10.0.0.99 is connected as the cluster's role, and is none of its servers",
        ]
        "#);
        let well = &datastore.clients[3];
        assert_eq!((well.name.as_str(), well.connections), ("s1", 6));
        assert_eq!(well.tls, ["TLSv1.3", "TLSv1.2"]);
    }
}
