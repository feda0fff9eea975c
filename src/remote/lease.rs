//! The lease of a host: a file in /run, changed under a brief lock, gone after a reboot.
//!
//! The same owner can take it again, in any run. Another owner's lease is valid while one of the
//! wizard's units runs on the host, and for an hour after it was last refreshed; so a long run
//! refreshes it regularly.
//!
//! [`script`] and [`parse`] are for sending it together with another script, in one round trip.

use std::fmt::Write as _;
use std::time::Duration;

use super::program::{HAS_ENDED, call};
use super::{Remote, RemoteError, Script};

const TAKE: &str = include_str!("../../assets/remote/lease.sh");
const RELEASE: &str = include_str!("../../assets/remote/lease-release.sh");

/// How long an idle lease of another owner is valid.
const PATIENCE: Duration = Duration::from_secs(60 * 60);
const LIMIT: Duration = Duration::from_secs(30);

/// The content of a lease.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lease {
    /// A random id of the cluster's state folder: its owner can take the lease again.
    pub owner: String,
    pub run: String,
    pub cluster: String,
    /// The operator: `root`.
    pub operator: String,
    /// The name of the operator's machine.
    pub from: String,
    /// When the run took it, RFC 3339, UTC.
    pub since: String,
}

/// The lease is taken.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Taken {
    /// The lease before: the owner's own, or an expired one.
    pub before: Option<Lease>,
    /// The wizard's running units on the host. They can only be of an earlier run of the same
    /// owner.
    pub units: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeaseError {
    /// Another owner holds the lease.
    #[error(
        "{host}: {} on {} is using this host, for the cluster {}, since {} (run {}; {}). Wait \
         until that run ends, or stop it there",
        lease.operator, lease.from, lease.cluster, lease.since, lease.run, running(units, *idle)
    )]
    Held {
        host: String,
        lease: Box<Lease>,
        /// The wizard's running units on the host.
        units: Vec<String>,
        /// Since its last refresh.
        idle: Duration,
    },
    #[error(transparent)]
    Remote(#[from] RemoteError),
}

fn running(units: &[String], idle: Duration) -> String {
    if units.is_empty() {
        let (idle, patience) = (idle.as_secs() / 60, PATIENCE.as_secs() / 60);
        format!("idle for {idle} min, expires after {patience}")
    } else {
        format!("running: {}", units.join(", "))
    }
}

/// Takes the lease of a host, or refreshes it.
pub fn take<R: Remote + ?Sized>(remote: &mut R, lease: &Lease) -> Result<Taken, LeaseError> {
    let said = call(remote, "taking the lease", &script(lease), LIMIT)?;
    parse(remote.host(), said.lines())
}

/// Releases the lease, unless another owner holds it. Its run cannot take it again.
pub fn release<R: Remote + ?Sized>(remote: &mut R, lease: &Lease) -> Result<(), RemoteError> {
    let script = Script::new(RELEASE)
        .input("OWNER", line(&lease.owner))
        .input("RUN", line(&lease.run));
    call(remote, "releasing the lease", &script, LIMIT).map(drop)
}

/// The script that takes it. It leaves only its inputs and functions in the shell that runs it; all
/// its output starts with `lease `.
pub fn script(lease: &Lease) -> Script {
    Script::new(HAS_ENDED)
        .then(TAKE)
        .input("OWNER", line(&lease.owner))
        .input("RUN", line(&lease.run))
        .input("CLUSTER", line(&lease.cluster))
        .input("OPERATOR", line(&lease.operator))
        .input("FROM", line(&lease.from))
        .input("SINCE", line(&lease.since))
        .input("PATIENCE", PATIENCE.as_secs().to_string())
}

/// As a value in the file.
fn line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

/// Parses the script's output; other lines are ignored.
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
            why: format!("its output says neither taken nor held: {others}"),
        })),
    }
}

impl Lease {
    /// From a line `key=value` of the file. Unknown keys of other versions are ignored.
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
