//! The path through the load balancer: its address reaches the cluster, and every server gets
//! connections.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr};

use crate::https::http::{HttpConnection, HttpError};
use crate::https::tls::{self, TlsFailure};

/// The maximum length of an answer to `/ping`.
pub const LONGEST_ANSWER: usize = 64 * 1024;

/// The result of asking the cluster through the load balancer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BalancerAnswer {
    /// Over TLS, verified with the cluster's CA.
    Answers {
        status: u16,
        body: String,
    },
    Broken {
        why: String,
    },
}

/// The verdict on one name or address of the load balancer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BalancerVerdict {
    pub host: String,
    pub got: BalancerAnswer,
}

/// Asks `/ping` over a stream to the load balancer: K3s answers `pong` to every client (docs/facts.md,
/// "Endpoints without login"). The certificate behind it must be good for `host`, a name or an
/// address, under the cluster's own authority (`/cacerts`).
pub fn prove(host: &str, ca_pem: &str, stream: impl Read + Write) -> BalancerVerdict {
    let got = ask(host, ca_pem, stream).unwrap_or_else(|failure| BalancerAnswer::Broken {
        why: failure.to_string(),
    });
    BalancerVerdict {
        host: host.to_owned(),
        got,
    }
}

fn ask(host: &str, ca_pem: &str, stream: impl Read + Write) -> Result<BalancerAnswer, TlsFailure> {
    let stream = tls::connect(stream, host, ca_pem, None)?;
    let answer = HttpConnection::new(stream, host).get("/ping", LONGEST_ANSWER);
    let answer = answer.map_err(|error| match error {
        HttpError::Lost(failure) => failure,
        _ => TlsFailure::Broken("the server there is not K3s".into()),
    })?;
    let body = String::from_utf8_lossy(&answer.body);
    Ok(BalancerAnswer::Answers {
        status: answer.status,
        body: body.trim_end().to_owned(),
    })
}

impl BalancerVerdict {
    /// For a load balancer that cannot be reached.
    pub fn unreached(host: &str, why: &impl fmt::Display) -> Self {
        let got = BalancerAnswer::Broken {
            why: format!("the load balancer cannot be reached: {why}"),
        };
        Self {
            host: host.to_owned(),
            got,
        }
    }

    pub fn expected(&self) -> &'static str {
        "answers pong"
    }

    pub fn holds(&self) -> bool {
        matches!(&self.got, BalancerAnswer::Answers { status: 200, body } if body == "pong")
    }
}

impl fmt::Display for BalancerAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answers { status: 200, body } => write!(f, "answers {body}"),
            Self::Answers { status, body } => write!(f, "answers {status} {body}"),
            Self::Broken { why } => f.write_str(why),
        }
    }
}

impl fmt::Display for BalancerVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.host, self.got)
    }
}

/// One connection through the load balancer, from its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    pub client: IpAddr,
    /// The servers that could not be reached, in the order in which they were tried.
    pub failed: Vec<SocketAddr>,
    /// The server that answered.
    pub answered: Option<SocketAddr>,
}

impl Passage {
    /// Reads a line of `k3s-lb`'s log:
    /// `$remote_addr [$time_local] $protocol $status $bytes_sent $bytes_received $session_time
    /// "$upstream_addr" "$upstream_connect_time" "$upstream_bytes_sent" "$upstream_bytes_received"`,
    /// in which the quoted ones are lists when more than one server was tried.
    pub fn parse(line: &str) -> Option<Self> {
        let (client, rest) = line.split_once(" [")?;
        let (_, rest) = rest.split_once("] ")?;
        let (plain, quoted) = rest.split_once(" \"")?;
        let status = plain.split(' ').nth(1)?;
        let lists: Vec<&str> = quoted.strip_suffix('"')?.split("\" \"").collect();
        let [tried, _, _, received] = lists[..] else {
            return None;
        };
        // With no server left to try, nginx names its group of servers instead of an address
        // (docs/facts.md, "nginx").
        let mut failed: Vec<SocketAddr> = tried.split(", ").flat_map(str::parse).collect();
        let last = if status == "200" { failed.pop() } else { None };
        let bytes = received
            .rsplit(", ")
            .next()
            .and_then(|count| count.parse().ok());
        Some(Self {
            client: client.parse().ok()?,
            failed,
            answered: last.filter(|_| bytes > Some(0_u64)),
        })
    }
}

/// How often a server answered, and how often it could not be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    pub answered: usize,
    pub failed: usize,
}

/// The connections in a log, by server. Other lines do not count.
pub fn seen<'a>(log: impl IntoIterator<Item = &'a str>) -> BTreeMap<SocketAddr, Share> {
    let mut shares = BTreeMap::<_, Share>::new();
    for passage in log.into_iter().filter_map(Passage::parse) {
        if let Some(server) = passage.answered {
            shares.entry(server).or_default().answered += 1;
        }
        for server in passage.failed {
            shares.entry(server).or_default().failed += 1;
        }
    }
    shares
}

#[cfg(test)]
mod tests;
