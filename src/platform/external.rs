//! What a server sees of an external Postgres.

use std::fmt;
use std::time::Duration;

use crate::address::Endpoint;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unanswered {
    /// Postgres was reached, and refuses.
    Refused { sqlstate: String, message: String },
    /// The connection or TLS failed.
    Broken(String),
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { sqlstate, message } => write!(f, "{message} (SQLSTATE {sqlstate})"),
            Self::Broken(why) => f.write_str(why),
        }
    }
}

/// What one endpoint says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalLook {
    /// `150018`
    pub version: u32,
    pub standby: bool,
    /// Neither a standby nor set to be read only.
    pub writable: bool,
    /// When it was started: tells one Postgres from another.
    pub started: String,
    /// Another program answers in its place.
    pub pooled: bool,
    pub encoding: String,
    /// How many connections roles without special rights can have in all.
    pub connections: usize,
    /// How many of them others use now.
    pub in_use: usize,
    /// How many the role, or its database, may have.
    pub limit: Option<usize>,
    /// Why the role cannot create the table of K3s.
    pub no_table: Option<String>,
    /// The collation of K3s's table by which it finds keys, if the table is there.
    pub collation: Option<String>,
    /// The first 12 digits of the SHA-256 of the tokens of clusters that are stored there.
    pub tokens: Vec<String>,
}

impl ExternalLook {
    /// How many connections K3s can have.
    pub fn room(&self) -> usize {
        let free = self.connections.saturating_sub(self.in_use);
        self.limit.map_or(free, |limit| free.min(limit))
    }
}

/// All endpoints, from one server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExternalSight {
    pub endpoints: Vec<EndpointSight>,
    /// Where the role is not let in yet, and an administrator is given: what that one sees.
    pub admin: Option<EndpointSight>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointSight {
    pub address: Endpoint,
    pub look: Result<ExternalLook, Unanswered>,
    /// Of one that can be written to.
    pub latency: Option<Latency>,
}

/// How long Postgres takes to answer, without what the way to the server itself takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Latency {
    pub round_trip: Percentiles,
    /// With its round trip; or why it could not be measured.
    pub commit: Result<Percentiles, String>,
    /// What the SSH connection takes, which is subtracted.
    pub own: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Percentiles {
    pub p50: Duration,
    pub p99: Duration,
}

impl Percentiles {
    /// `None` without samples.
    pub fn of(mut samples: Vec<Duration>, without: Duration) -> Option<Self> {
        samples.sort_unstable();
        let at = |percent: usize| {
            let place = (samples.len() * percent / 100).min(samples.len().saturating_sub(1));
            let sample = samples.get(place)?;
            Some(sample.saturating_sub(without))
        };
        let (p50, p99) = (at(50)?, at(99)?);
        Some(Self { p50, p99 })
    }
}

/// `0.4 ms (p99 1.2 ms)`
impl fmt::Display for Percentiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms (p99 {} ms)", ms(self.p50), ms(self.p99))
    }
}

/// A tenth of a millisecond is enough.
pub fn ms(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1000.0)
}

impl ExternalSight {
    /// The endpoints that let the role in.
    pub fn looks(&self) -> impl Iterator<Item = (&Endpoint, &ExternalLook)> {
        let endpoints = self.endpoints.iter();
        endpoints.filter_map(|it| Some((&it.address, it.look.as_ref().ok()?)))
    }

    /// Postgres was reached, and the role was let in nowhere.
    pub fn is_refused(&self) -> bool {
        let refused = |it: &EndpointSight| matches!(it.look, Err(Unanswered::Refused { .. }));
        self.looks().next().is_none() && self.endpoints.iter().any(refused)
    }

    /// Where it could be measured.
    pub fn latencies(&self) -> impl Iterator<Item = (&Endpoint, &Latency)> {
        let endpoints = self.endpoints.iter().chain(&self.admin);
        endpoints.filter_map(|it| Some((&it.address, it.latency.as_ref()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_without_the_way_to_the_server() {
        let samples = (1..=100).rev().map(Duration::from_millis).collect();
        let told = |samples| {
            let of = Percentiles::of(samples, Duration::from_millis(2));
            of.map(|it| it.to_string())
        };
        assert_eq!(told(samples).as_deref(), Some("49.0 ms (p99 98.0 ms)"));
        let one = vec![Duration::from_micros(1500)];
        assert_eq!(told(one).as_deref(), Some("0.0 ms (p99 0.0 ms)"));
        assert_eq!(told(Vec::new()), None);
    }
}
