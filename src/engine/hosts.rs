//! Reaches a host: connection, lease and facts in one go.

use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::control::Control;
use crate::events::Stream;
use crate::platform::external::ExternalSight;
use crate::platform::network::Contact;
use crate::platform::{Facts, Platform, Sources, facts_script};
use crate::remote::lease::{self, Lease, LeaseError};
use crate::remote::{Cancel, Remote, RemoteError, Script};
use crate::topology::{ApiEndpoint, Link, Topology};

/// Makes connections to one host.
pub type Connector = Box<dyn FnMut(&Cancel) -> Result<Box<dyn Remote>, RemoteError> + Send>;

/// How long the first script on a host may take.
const LIMIT: Duration = Duration::from_secs(60);
/// How often a lease is refreshed.
pub const LEASE: Duration = Duration::from_secs(20 * 60);
/// How long a host may take to come back.
const PATIENCE: Duration = Duration::from_secs(10 * 60);
/// How long a connection must have lasted for its loss to count as the first one again.
const LASTED: Duration = Duration::from_secs(60);
/// How often in a row a connection may be lost at once; and how often in all during one step.
const MOST_AT_ONCE: u32 = 10;
const MOST_LOSSES: u32 = 60;
/// The wait before the second attempt to reconnect; it doubles up to the longest one.
const FIRST_PAUSE: Duration = Duration::from_millis(if cfg!(test) { 1 } else { 1000 });
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// A reached host.
pub struct ReachedHost {
    pub name: String,
    pub facts: Facts,
    /// Known after [`super::surroundings::look_around`].
    pub sources: Sources,
    pub links: Vec<(Link, Contact)>,
    /// What a server sees of an external Postgres; known after [`super::external::look_from`].
    pub external: Option<ExternalSight>,
    /// `None` for an unknown system: the preflight reports it.
    pub platform: Option<Platform>,
    /// Units of an earlier run that are still running there.
    pub units: Vec<String>,
    /// The bastions in front of it, in the order of the way there.
    pub through: Vec<String>,
    /// Why the last look at it failed: its facts are those of the look before.
    pub lost: Option<String>,
    pub connection: Connection,
}

/// A connection that reconnects when it is lost.
pub struct Connection {
    connector: Connector,
    remote: Option<Box<dyn Remote>>,
    /// Taken with every new connection, and released on drop.
    lease: Option<Lease>,
}

/// Connects to a host, takes the lease if one is given, and reads the facts. Nothing else is
/// changed there. What its role in the topology needs is asked, too: only for valid answers, because
/// the database's name becomes part of SQL.
pub fn reach(
    host: &str,
    topology: Option<&Topology>,
    mut connector: Connector,
    lease: Option<&Lease>,
    control: &Control,
) -> Result<ReachedHost, LeaseError> {
    let cancel = new_cancel(host)?;
    control.register(&cancel);
    let remote = connector(&cancel)?;
    let through = remote.through().into_iter().map(str::to_owned).collect();
    let facts = facts_of(host, topology);
    let script = match lease {
        Some(lease) => lease::script(lease).then(facts),
        None => facts,
    };
    // From here on, whatever ends this releases the lease.
    let mut connection = Connection {
        connector,
        remote: Some(remote),
        lease: lease.cloned(),
    };
    let (lines, facts) = connection.now(host, |remote| read(remote, &script))?;
    let units = match lease {
        Some(_) => lease::parse(host, lines.iter().map(String::as_str))?.units,
        None => Vec::new(),
    };
    let platform = Platform::of(&facts);
    Ok(ReachedHost {
        name: host.to_owned(),
        facts,
        sources: Sources::default(),
        links: Vec::new(),
        external: None,
        platform,
        units,
        lost: None,
        through,
        connection,
    })
}

/// Reads the facts of a host once more. A lost connection is made again first, once: the operator
/// may have rebooted the host.
pub(super) fn look_again(host: &mut ReachedHost, topology: Option<&Topology>, control: &Control) {
    let script = facts_of(&host.name, topology);
    let connection = &mut host.connection;
    let read = connection.reconnect(&host.name, control).and_then(|()| {
        let (_, facts) = connection.now(&host.name, |remote| read(remote, &script))?;
        Ok(facts)
    });
    match read {
        Ok(facts) => {
            host.platform = Platform::of(&facts);
            host.facts = facts;
            host.lost = None;
        }
        Err(error) => host.lost = Some(error.to_string()),
    }
}

/// The script for the facts of a host. Postgres is asked where the host runs it; a load balancer
/// looks for the virtual address.
fn facts_of(host: &str, topology: Option<&Topology>) -> Script {
    let datastore = topology.map(|topology| &topology.datastore);
    let datastore = datastore.filter(|datastore| datastore.member(host).is_some());
    let api = topology.map(|topology| &topology.api);
    let api = api.filter(|api| api.member(host).is_some());
    facts_script(
        datastore.map(|datastore| (datastore.port, datastore.database.as_str())),
        api.and_then(ApiEndpoint::virtual_ip),
    )
}

/// What a script that reads facts printed, and the facts.
fn read(remote: &mut dyn Remote, script: &Script) -> Result<(Vec<String>, Facts), RemoteError> {
    let (mut lines, mut ahead) = (Vec::new(), None);
    remote.run(script, LIMIT, &mut |_, line| {
        // Compared at once: hosts are not asked at the same time.
        if let Some(clock) = line.strip_prefix("clock=") {
            ahead = ahead_of_us(clock);
        }
        lines.push(line.to_owned());
    })?;
    let facts = Facts {
        clock_ahead: ahead,
        ..Facts::parse(&lines)
    };
    Ok((lines, facts))
}

/// The hosts of a run. Their leases are released all at the same time: each may need a new
/// connection.
#[derive(Default)]
pub struct ReachedHosts(Vec<ReachedHost>);

impl ReachedHosts {
    pub fn one(host: ReachedHost) -> Self {
        Self(vec![host])
    }

    /// Each releases its own lease from now on.
    pub fn apart(mut self) -> Vec<ReachedHost> {
        std::mem::take(&mut self.0)
    }
}

impl Deref for ReachedHosts {
    type Target = Vec<ReachedHost>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for ReachedHosts {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl Drop for ReachedHosts {
    fn drop(&mut self) {
        on_all(&mut self.0, |host| host.connection.release());
    }
}

/// Refreshes the leases of idle hosts. If another run holds one, the next step there reports it.
pub fn take_leases(hosts: &mut [ReachedHost]) {
    on_all(hosts, |host| drop(host.connection.take_lease()));
}

/// Does something with every host, all at the same time.
pub(super) fn on_all<T: Send>(
    hosts: &mut [ReachedHost],
    what: impl Fn(&mut ReachedHost) -> T + Sync,
) -> Vec<T> {
    let what = &what;
    std::thread::scope(|scope| {
        let threads: Vec<_> = hosts
            .iter_mut()
            .map(|host| scope.spawn(move || what(host)))
            .collect();
        threads
            .into_iter()
            .filter_map(|thread| thread.join().ok())
            .collect()
    })
}

/// Seconds by which a clock, in seconds since 1970, is ahead of this machine's.
fn ahead_of_us(clock: &str) -> Option<f64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    Some(clock.parse::<f64>().ok()? - now.as_secs_f64())
}

/// The nodes whose passwords the cluster of a running server knows; empty if unknown.
pub fn known_nodes(host: &mut ReachedHost) -> Vec<String> {
    const ASK: &str = "/usr/local/bin/k3s kubectl get secrets -n kube-system -o name 2>/dev/null";
    let said = host
        .connection
        .lines(&host.name, &Script::new(ASK))
        .unwrap_or_default();
    said.iter()
        .filter_map(|line| {
            line.strip_prefix("secret/")?
                .strip_suffix(".node-password.k3s")
        })
        .map(str::to_owned)
        .collect()
}

pub(super) fn new_cancel(host: &str) -> Result<Cancel, RemoteError> {
    Cancel::new().map_err(|error| RemoteError::Lost {
        host: host.to_owned(),
        why: format!("this machine has no file descriptors left: {error}"),
    })
}

impl ReachedHost {
    /// In one line, for people: what it is, and the way to it.
    pub fn summary(&self) -> String {
        let what = self.facts.summary();
        if self.through.is_empty() {
            return what;
        }
        format!("{what}, reached through {}", self.through.join(" and "))
    }
}

impl Connection {
    /// Does something with the host. If the connection is lost, it reconnects and repeats, for as
    /// long as a host may take to come back; `told` is called about it.
    pub fn with<T>(
        &mut self,
        host: &str,
        control: &Control,
        told: &mut dyn FnMut(&ConnectionNews),
        mut what: impl FnMut(&mut dyn Remote) -> Result<T, RemoteError>,
    ) -> Result<T, RemoteError> {
        let mut losses = Losses::default();
        loop {
            let remote = match &mut self.remote {
                Some(remote) => remote,
                None => self.connect_again(host, control, told)?,
            };
            let since = Instant::now();
            match what(remote.as_mut()) {
                Err(error) if error.ends_connection() => {
                    self.remote = None;
                    match error {
                        RemoteError::Lost { why, .. } => {
                            let Some(pause) = losses.another(since.elapsed()) else {
                                return Err(losses.too_many(host, &why));
                            };
                            told(&ConnectionNews::Lost(why.clone()));
                            // An abort shortens it, and is seen by what connects again.
                            control.wait(pause);
                        }
                        error => return Err(error),
                    }
                }
                result => return result,
            }
        }
    }

    /// The standard output of a script, without reconnecting.
    pub(super) fn lines(
        &mut self,
        host: &str,
        script: &Script,
    ) -> Result<Vec<String>, RemoteError> {
        let (_, out, _) = self.now(host, |remote| output(remote, script, LIMIT))?;
        Ok(out)
    }

    /// Does something with the host, while the first connection is there.
    pub fn now<T>(
        &mut self,
        host: &str,
        what: impl FnOnce(&mut dyn Remote) -> Result<T, RemoteError>,
    ) -> Result<T, RemoteError> {
        let remote = self.remote.as_mut().ok_or_else(|| RemoteError::Lost {
            host: host.to_owned(),
            why: "the connection was given up".to_owned(),
        })?;
        let done = what(remote.as_mut());
        if let Err(error) = &done
            && error.ends_connection()
        {
            self.remote = None;
        }
        done
    }

    /// Briefly, even after an abort: to stop what is running on a host, and to release its lease. An
    /// abort has cut the connection, and an idle one may have been lost: then over a new one, once.
    pub fn at_last<T>(
        &mut self,
        host: &str,
        mut what: impl FnMut(&mut dyn Remote) -> Result<T, RemoteError>,
    ) -> Result<T, RemoteError> {
        if let Some(remote) = &mut self.remote {
            match what(remote.as_mut()) {
                Err(error) if error.ends_connection() => self.remote = None,
                done => return done,
            }
        }
        let remote = (self.connector)(&new_cancel(host)?)?;
        what(self.remote.insert(remote).as_mut())
    }

    /// Keeps an idle connection open; whether it is still there.
    pub fn keep_alive(&mut self) -> bool {
        let alive = match &mut self.remote {
            Some(remote) => remote.keep_alive().is_ok(),
            None => false,
        };
        if !alive {
            self.remote = None;
        }
        alive
    }

    pub fn is_up(&self) -> bool {
        self.remote.is_some()
    }

    /// The run that has the lease.
    pub fn lease_run(&self) -> Option<&str> {
        self.lease.as_ref().map(|lease| lease.run.as_str())
    }

    /// Refreshes the lease, so that it does not expire. The only error is that another run holds
    /// it: if the connection fails, the next one takes the lease.
    pub fn take_lease(&mut self) -> Result<(), LeaseError> {
        let (Some(remote), Some(lease)) = (&mut self.remote, &self.lease) else {
            return Ok(());
        };
        match lease::take(remote.as_mut(), lease) {
            Err(held @ LeaseError::Held { .. }) => Err(held),
            Err(LeaseError::Remote(error)) if error.ends_connection() => {
                self.remote = None;
                Ok(())
            }
            Ok(_) | Err(LeaseError::Remote(_)) => Ok(()),
        }
    }

    /// Releases the lease, once, if the host can be reached.
    fn release(&mut self) {
        if let Some(lease) = self.lease.take() {
            // If it fails, the lease expires.
            let _ = self.at_last("", |remote| lease::release(remote, &lease));
        }
    }

    /// Connects once more where the connection was lost.
    fn reconnect(&mut self, host: &str, control: &Control) -> Result<(), RemoteError> {
        if self.remote.is_none() {
            self.remote = Some(self.connected(host, control)?);
        }
        Ok(())
    }

    /// A new connection, with the lease.
    fn connected(&mut self, host: &str, control: &Control) -> Result<Box<dyn Remote>, RemoteError> {
        let cancel = new_cancel(host)?;
        control.register(&cancel);
        let mut remote = (self.connector)(&cancel)?;
        let Some(lease) = &self.lease else {
            return Ok(remote);
        };
        // The host may have been rebooted, and its lease lost.
        match lease::take(remote.as_mut(), lease) {
            Ok(_) => Ok(remote),
            Err(LeaseError::Remote(error)) => Err(error),
            Err(held) => Err(RemoteError::Failed {
                host: host.to_owned(),
                what: "refreshing the lease".into(),
                status: 1,
                why: held.to_string(),
            }),
        }
    }

    fn connect_again(
        &mut self,
        host: &str,
        control: &Control,
        told: &mut dyn FnMut(&ConnectionNews),
    ) -> Result<&mut Box<dyn Remote>, RemoteError> {
        let since = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            match self.connected(host, control) {
                Ok(remote) => {
                    told(&ConnectionNews::Up(since.elapsed()));
                    return Ok(self.remote.insert(remote));
                }
                Err(error) if worth_another(&error) && since.elapsed() < PATIENCE => {
                    told(&ConnectionNews::Trying(error.to_string()));
                    if control.wait(pause) {
                        return Err(error);
                    }
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// The lost connections during one piece of work. Reconnecting may succeed every time and still
/// lead nowhere.
#[derive(Default)]
struct Losses {
    all: u32,
    /// Since a connection lasted.
    in_a_row: u32,
}

impl Losses {
    /// Counts a connection that lasted this long. The time to wait before the next one; `None` if it
    /// is not worth another.
    fn another(&mut self, lasted: Duration) -> Option<Duration> {
        self.all += 1;
        self.in_a_row = if lasted < LASTED {
            self.in_a_row + 1
        } else {
            1
        };
        if self.in_a_row > MOST_AT_ONCE || self.all > MOST_LOSSES {
            return None;
        }
        let doubled = self
            .in_a_row
            .checked_sub(2)
            .map(|times| FIRST_PAUSE * (1 << times));
        Some(doubled.unwrap_or_default().min(LONGEST_PAUSE))
    }

    fn too_many(&self, host: &str, why: &str) -> RemoteError {
        lost(
            host,
            format!(
                "{} times during this step, the last time because: {why}. The wizard does not \
                 reconnect again; find out what ends its connections, then retry",
                self.all
            ),
        )
    }
}

fn lost(host: &str, why: String) -> RemoteError {
    let host = host.to_owned();
    RemoteError::Lost { host, why }
}

/// Releases the lease, if the host can be reached.
impl Drop for Connection {
    fn drop(&mut self) {
        self.release();
    }
}

/// Progress of a reconnect.
pub enum ConnectionNews {
    Lost(String),
    Trying(String),
    /// Reconnected, after this time.
    Up(Duration),
}

/// Only temporary errors.
pub fn worth_another(error: &RemoteError) -> bool {
    matches!(
        error.cause(),
        RemoteError::Lost { .. } | RemoteError::Unreachable { .. } | RemoteError::Timeout { .. }
    )
}

/// Collects standard output line by line; standard error is kept apart.
pub(super) fn output(
    remote: &mut dyn Remote,
    script: &Script,
    limit: Duration,
) -> Result<(i32, Vec<String>, Vec<String>), RemoteError> {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let status = remote.run(script, limit, &mut |stream, line| {
        let lines = match stream {
            Stream::Out => &mut out,
            Stream::Err => &mut err,
        };
        lines.push(line.to_owned());
    })?;
    Ok((status, out, err))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_without_progress_come_to_an_end() {
        let at_once = Duration::from_secs(1);
        let mut losses = Losses::default();
        let pauses: Vec<_> = std::iter::from_fn(|| losses.another(at_once)).collect();
        assert_eq!(pauses.len(), MOST_AT_ONCE as usize);
        assert_eq!(pauses[..3], [Duration::ZERO, FIRST_PAUSE, FIRST_PAUSE * 2]);
        assert!(pauses.is_sorted() && pauses.iter().all(|pause| *pause <= LONGEST_PAUSE));

        // A connection that lasted is progress, but not for ever.
        let mut losses = Losses::default();
        let pauses: Vec<_> = std::iter::from_fn(|| losses.another(LASTED)).collect();
        assert_eq!(pauses.len(), MOST_LOSSES as usize);
        assert!(pauses.iter().all(Duration::is_zero));
    }
}
