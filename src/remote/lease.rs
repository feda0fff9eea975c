//! Who works on a host: a note in /run, changed under a brief lock, gone with a reboot.
//!
//! The same owner re-enters, whatever run it is in. Another owner's lease stands while one of the
//! wizard's units works on the host, and for an hour after it was taken last; so whoever works for
//! long takes it again now and then.
//!
//! [`script`] and [`parse`] are for those who send it along with something else, in one round trip.

use std::fmt::Write as _;
use std::time::Duration;

use super::program::call;
use super::{Remote, RemoteError, Script};

const TAKE: &str = include_str!("../../assets/remote/lease.sh");
const RELEASE: &str = include_str!("../../assets/remote/lease-release.sh");

/// How long an idle lease of somebody else stands.
const PATIENCE: Duration = Duration::from_secs(60 * 60);
const LIMIT: Duration = Duration::from_secs(30);

/// What stands on a host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lease {
    /// A random name of the state folder that a cluster is run from: with it one re-enters.
    pub owner: String,
    pub run: String,
    pub cluster: String,
    /// Who runs it: `root`.
    pub operator: String,
    /// The jump host.
    pub from: String,
    /// When the run took it, RFC 3339, UTC.
    pub since: String,
}

/// The lease is ours.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Taken {
    /// What stood there before: our own, or one that nobody uses any more.
    pub before: Option<Lease>,
    /// The wizard's units at work on the host. Only an earlier run of the same owner can have some.
    pub units: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeaseError {
    /// Somebody else works there.
    #[error(
        "{host}: {} works on this host, from {}, on the cluster {}, since {} (run {}; {}). Wait \
         until it is over, or end it there",
        lease.operator, lease.from, lease.cluster, lease.since, lease.run, at_work(units, *idle)
    )]
    Held {
        host: String,
        lease: Box<Lease>,
        /// The wizard's units at work on the host.
        units: Vec<String>,
        /// Since it was taken last.
        idle: Duration,
    },
    #[error(transparent)]
    Remote(#[from] RemoteError),
}

fn at_work(units: &[String], idle: Duration) -> String {
    if units.is_empty() {
        let (idle, patience) = (idle.as_secs() / 60, PATIENCE.as_secs() / 60);
        format!("quiet for {idle} min, given up after {patience}")
    } else {
        format!("at work: {}", units.join(", "))
    }
}

/// Takes the lease of a host, or refreshes it.
pub fn take<R: Remote + ?Sized>(remote: &mut R, lease: &Lease) -> Result<Taken, LeaseError> {
    let said = call(remote, "taking the lease", &script(lease), LIMIT)?;
    parse(remote.host(), said.lines())
}

/// Gives the lease back. One that is not the owner's is left alone.
pub fn release<R: Remote + ?Sized>(remote: &mut R, owner: &str) -> Result<(), RemoteError> {
    let script = Script::new(RELEASE).input("OWNER", owner);
    call(remote, "giving the lease back", &script, LIMIT).map(drop)
}

/// The script that takes it. It leaves nothing behind in the shell that runs it, besides its
/// inputs; all that it says starts with `lease `.
pub fn script(lease: &Lease) -> Script {
    let line = |text: &str| text.replace(['\n', '\r'], " ");
    Script::new(TAKE)
        .input("OWNER", line(&lease.owner))
        .input("RUN", line(&lease.run))
        .input("CLUSTER", line(&lease.cluster))
        .input("OPERATOR", line(&lease.operator))
        .input("FROM", line(&lease.from))
        .input("SINCE", line(&lease.since))
        .input("PATIENCE", PATIENCE.as_secs().to_string())
}

/// What the script said; lines of others are passed over.
pub fn parse<'a>(
    host: &str,
    lines: impl IntoIterator<Item = &'a str>,
) -> Result<Taken, LeaseError> {
    let (mut before, mut units) = (None::<Lease>, Vec::new());
    let (mut taken, mut held, mut idle) = (false, false, Duration::ZERO);
    let mut others = String::new();
    for line in lines {
        let Some(said) = line.strip_prefix("lease ") else {
            let _ = write!(others, "{line}; ");
            continue;
        };
        match said.split_once(' ').unwrap_or((said, "")) {
            ("taken", _) => taken = true,
            ("held", _) => held = true,
            ("idle", seconds) => idle = Duration::from_secs(seconds.parse().unwrap_or(0)),
            ("unit", name) => units.push(name.to_owned()),
            ("was", line) => before.get_or_insert_default().set(line),
            _ => {}
        }
    }
    let host = host.to_owned();
    match (taken, held) {
        (true, _) => Ok(Taken { before, units }),
        (false, true) => Err(LeaseError::Held {
            host,
            lease: Box::new(before.unwrap_or_default()),
            units,
            idle,
        }),
        (false, false) => Err(LeaseError::Remote(RemoteError::Failed {
            host,
            what: "taking the lease".to_owned(),
            status: 1,
            why: format!("it said neither taken nor held: {others}"),
        })),
    }
}

impl Lease {
    /// From a line `key=value` of the file. What an other version wrote there is passed over.
    fn set(&mut self, line: &str) {
        let Some((key, value)) = line.split_once('=') else {
            return;
        };
        let field = match key {
            "owner" => &mut self.owner,
            "run" => &mut self.run,
            "cluster" => &mut self.cluster,
            "operator" => &mut self.operator,
            "from" => &mut self.from,
            "since" => &mut self.since,
            _ => return,
        };
        value.clone_into(field);
    }
}
