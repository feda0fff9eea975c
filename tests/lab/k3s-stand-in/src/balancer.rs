//! An agent's own load balancer on 127.0.0.1: to the servers that it knows, and to the address of
//! its settings when none of them can be reached. It does not balance, it fails over.

use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::certs;
use crate::log;

const NAME: &str = "k3s-agent-load-balancer";
/// How long a server that does not answer keeps a client waiting, where another could be tried.
const DIAL: Duration = Duration::from_secs(2);
/// And where there is no other.
const LAST_DIAL: Duration = Duration::from_secs(30);

/// The balancer and what it knows.
#[derive(Debug)]
pub struct Balancer {
    pub address: SocketAddr,
    default: String,
    url: String,
    file: PathBuf,
    servers: Mutex<Vec<String>>,
}

impl Balancer {
    /// Opens it with the servers that an earlier start left in its file.
    pub fn start(url: &str, port: u16, agent: &std::path::Path) -> Result<Arc<Self>, String> {
        let default = url
            .trim_start_matches("https://")
            .trim_end_matches('/')
            .to_owned();
        let default = if default.contains(':') {
            default
        } else {
            format!("{default}:443")
        };
        let file = agent.join(format!("etc/{NAME}.json"));
        let servers = saved(&file, url);
        for server in &servers {
            log::info(format!("Adding server to load balancer {NAME}: {server}"));
        }
        log::info(format!(
            "Updated load balancer {NAME} default server: {default}"
        ));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|error| {
            format!(
                "listen tcp 127.0.0.1:{port}: bind: {}",
                crate::go_words(&error)
            )
        })?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        log::info(format!(
            "Running load balancer {NAME} {address} -> [{}] [default: {default}]",
            servers.join(" ")
        ));
        let balancer = Arc::new(Self {
            address,
            default,
            url: url.to_owned(),
            file,
            servers: Mutex::new(servers),
        });
        let accepting = Arc::clone(&balancer);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let balancer = Arc::clone(&accepting);
                thread::spawn(move || {
                    if let Some(server) = balancer.dial() {
                        let _ = join(client, server);
                    }
                });
            }
        });
        Ok(balancer)
    }

    /// Takes over the servers that the cluster names, and keeps them for the next start.
    pub fn update(&self, servers: Vec<String>) -> Result<(), String> {
        let Ok(mut known) = self.servers.lock() else {
            return Ok(());
        };
        if servers.is_empty() || servers.iter().collect::<BTreeSet<_>>() == known.iter().collect() {
            return Ok(());
        }
        for server in servers.iter().filter(|server| !known.contains(server)) {
            log::info(format!("Adding server to load balancer {NAME}: {server}"));
        }
        for server in known.iter().filter(|server| !servers.contains(server)) {
            log::info(format!(
                "Removing server from load balancer {NAME}: {server}"
            ));
        }
        log::info(format!(
            "Updated load balancer {NAME} server addresses -> [{}] [default: {}]",
            servers.join(" "),
            self.default
        ));
        let record = json!({ "ServerURL": self.url, "ServerAddresses": servers });
        *known = servers;
        let text = serde_json::to_string_pretty(&record).unwrap_or_default();
        certs::write(&self.file, &text, 0o644)
    }

    /// The first server that takes a connection; one that did not goes to the end of the list.
    fn dial(&self) -> Option<TcpStream> {
        let known = self
            .servers
            .lock()
            .map(|known| known.clone())
            .unwrap_or_default();
        for server in &known {
            if let Some(stream) = dial(server, DIAL) {
                return Some(stream);
            }
            if let Ok(mut servers) = self.servers.lock()
                && let Some(at) = servers.iter().position(|other| other == server)
            {
                let failed = servers.remove(at);
                servers.push(failed);
            }
        }
        if known.contains(&self.default) {
            None
        } else {
            dial(&self.default, LAST_DIAL)
        }
    }
}

/// The servers of an earlier start, if it was for the same URL.
fn saved(file: &std::path::Path, url: &str) -> Vec<String> {
    let text = std::fs::read(file).unwrap_or_default();
    let record: Value = serde_json::from_slice(&text).unwrap_or_default();
    let servers = record["ServerAddresses"]
        .as_array()
        .filter(|_| record["ServerURL"] == url);
    servers
        .into_iter()
        .flatten()
        .filter_map(|server| server.as_str().map(ToOwned::to_owned))
        .collect()
}

fn dial(server: &str, patience: Duration) -> Option<TcpStream> {
    let addresses = server.to_socket_addrs().ok()?;
    addresses
        .into_iter()
        .find_map(|address| TcpStream::connect_timeout(&address, patience).ok())
}

/// Carries bytes both ways until either side ends.
fn join(client: TcpStream, server: TcpStream) -> io::Result<()> {
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    let (mut from_server, mut to_client) = (server, client);
    let up = thread::spawn(move || {
        let _ = io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Write);
    });
    let _ = io::copy(&mut from_server, &mut to_client);
    let _ = to_client.shutdown(Shutdown::Both);
    let _ = up.join();
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;

    fn server(answer: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        thread::spawn(move || {
            for mut client in listener.incoming().flatten() {
                client.write_all(answer.as_bytes()).unwrap();
            }
        });
        address
    }

    fn closed() -> String {
        TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .to_string()
    }

    fn ask(balancer: &Balancer) -> String {
        let mut text = String::new();
        TcpStream::connect(balancer.address)
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        text
    }

    #[test]
    fn it_fails_over_and_falls_back_and_remembers() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (server("first"), server("second"));
        let url = format!("https://{first}");
        let balancer = Balancer::start(&url, 0, folder.path()).unwrap();
        assert_eq!(
            ask(&balancer),
            "first",
            "the address of the settings, as long as it knows no other"
        );
        balancer.update(vec![closed(), second.clone()]).unwrap();
        assert_eq!(ask(&balancer), "second", "the one that answers");
        balancer.update(vec![closed()]).unwrap();
        assert_eq!(ask(&balancer), "first", "the address of the settings again");
        balancer.update(vec![second.clone()]).unwrap();
        assert_eq!(saved(&balancer.file, &url), [second]);
        assert_eq!(saved(&balancer.file, "https://other"), [""; 0]);
    }
}
