//! An external Postgres, asked from a server of the cluster over that server's network: nothing else may
//! reach it.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use super::hosts::{ReachedHost, on_all};
use crate::address::Endpoint;
use crate::answers::{AdminLogin, SslMode};
use crate::cluster::datastore::{DatastoreMember, MemberRole};
use crate::pki::Pki;
use crate::platform::external::{
    EndpointSight, ExternalLook, ExternalSight, Latency, Percentiles, Unanswered,
};
use crate::proof::external::{ExternalLogin, ExternalSession};
use crate::remote::{Relay, RelayTarget, Remote, RemoteError};
use crate::secrets::SecretText;
use crate::topology::{DatastoreEndpoint, ExternalPostgres};

/// How long one connection may take.
const LIMIT: Duration = Duration::from_secs(20);
/// How often it is asked, and for how long at most.
const SAMPLES: usize = 100;
const MEASURES: Duration = Duration::from_secs(3);

/// With what a server gets in.
#[derive(Clone, Copy)]
pub struct ExternalAccess<'a> {
    datastore: &'a DatastoreEndpoint,
    external: &'a ExternalPostgres,
    pki: &'a Pki,
    password: &'a SecretText,
}

/// A connection through a server.
pub(super) type ServerSession<'r> = ExternalSession<Box<dyn Relay + 'r>>;

impl<'a> ExternalAccess<'a> {
    /// `None` for a Postgres of the wizard's own.
    pub fn of(
        datastore: &'a DatastoreEndpoint,
        pki: &'a Pki,
        password: &'a SecretText,
    ) -> Option<Self> {
        let external = datastore.external.as_ref()?;
        Some(Self {
            datastore,
            external,
            pki,
            password,
        })
    }

    pub(super) fn addresses(&self) -> &'a [Endpoint] {
        &self.external.addresses
    }

    /// Does something as the role of K3s.
    pub(super) fn as_role<T>(
        &self,
        remote: &mut dyn Remote,
        address: &Endpoint,
        what: impl FnOnce(&mut ServerSession<'_>) -> Result<T, Unanswered>,
    ) -> Result<Result<T, Unanswered>, RemoteError> {
        let datastore = self.datastore;
        let as_role = (datastore.user.as_str(), self.password);
        self.with(remote, address, as_role, &datastore.database, what)
    }

    /// What an endpoint says of itself.
    pub(super) fn ask(
        &self,
        remote: &mut dyn Remote,
        address: &Endpoint,
    ) -> Result<Result<ExternalLook, Unanswered>, RemoteError> {
        // The method is one for a single lifetime, the closure for all.
        #[allow(clippy::redundant_closure_for_method_calls)]
        self.as_role(remote, address, |session| session.look())
    }

    /// The same as an administrator, at this endpoint.
    pub(super) fn as_admin<T>(
        &self,
        remote: &mut dyn Remote,
        address: &Endpoint,
        admin: &AdminLogin,
        what: impl FnOnce(&mut ServerSession<'_>) -> Result<T, Unanswered>,
    ) -> Result<Result<T, Unanswered>, RemoteError> {
        let login = (admin.user.as_str(), &admin.password);
        self.with(remote, address, login, &admin.database, what)
    }

    fn with<T>(
        &self,
        remote: &mut dyn Remote,
        address: &Endpoint,
        (user, password): (&str, &SecretText),
        database: &str,
        what: impl FnOnce(&mut ServerSession<'_>) -> Result<T, Unanswered>,
    ) -> Result<Result<T, Unanswered>, RemoteError> {
        let server = remote.host().to_owned();
        let name = address.name.to_string();
        let login = ExternalLogin {
            host: &name,
            by_name: self.external.sslmode == SslMode::VerifyFull,
            ca_pem: &self.pki.ca_cert,
            identity: self.pki.servers.get(&server),
            database,
            user,
            password,
        };
        let relay = match remote.relay(address, LIMIT) {
            Ok(relay) => relay,
            Err(error) if error.ends_connection() => return Err(error),
            Err(RemoteError::Unreachable { why, .. }) => {
                return Ok(Err(Unanswered::Broken(format!("no connection: {why}"))));
            }
            Err(error) => return Ok(Err(Unanswered::Broken(error.to_string()))),
        };
        Ok(login.begin(relay).and_then(|mut session| {
            let done = what(&mut session)?;
            session.end();
            Ok(done)
        }))
    }

    /// What a server sees of all endpoints. Nothing is changed there.
    pub fn look(
        &self,
        remote: &mut dyn Remote,
        admin: Option<&AdminLogin>,
    ) -> Result<ExternalSight, RemoteError> {
        let own = way_there(remote)?;
        let mut sight = ExternalSight::default();
        for address in self.addresses() {
            let looked = self.as_role(remote, address, |session| look(session, own))?;
            sight.endpoints.push(seen(address, looked));
        }
        let Some(admin) = admin.filter(|_| sight.is_refused()) else {
            return Ok(sight);
        };
        for address in self.of_admin(admin) {
            let looked = self.as_admin(remote, address, admin, |session| look(session, own))?;
            let seen = seen(address, looked);
            let is_it = seen.look.as_ref().is_ok_and(|look| look.writable);
            sight.admin = Some(seen);
            if is_it {
                break;
            }
        }
        Ok(sight)
    }

    /// The endpoints as a server sees them now.
    pub fn members(&self, remote: &mut dyn Remote) -> Result<Vec<DatastoreMember>, RemoteError> {
        let seen = self.addresses().iter().map(|address| {
            let (role, problem) = match self.ask(remote, address)? {
                Ok(look) if look.writable => (Some(MemberRole::Primary), None),
                Ok(look) if look.standby => (Some(MemberRole::Standby), None),
                Ok(_) => (None, Some("it is set to be read only".to_owned())),
                Err(why) => (None, Some(why.to_string())),
            };
            Ok(DatastoreMember {
                name: address.to_string(),
                role,
                problem,
                ..DatastoreMember::default()
            })
        });
        seen.collect()
    }

    /// Where an administrator logs in.
    pub(super) fn of_admin<'b>(&'b self, admin: &'b AdminLogin) -> &'b [Endpoint] {
        match &admin.address {
            Some(address) => std::slice::from_ref(address),
            None => self.addresses(),
        }
    }
}

/// What these hosts see of it, all at the same time. One that is lost meanwhile says so.
pub fn look_from(
    hosts: &mut [ReachedHost],
    which: &(dyn Fn(&str) -> bool + Sync),
    access: ExternalAccess<'_>,
    admin: Option<&AdminLogin>,
) {
    on_all(hosts, |host| {
        if !which(&host.name) || host.lost.is_some() {
            return;
        }
        let name = host.name.clone();
        let looked = host
            .connection
            .now(&name, |remote| access.look(remote, admin));
        match looked {
            Ok(sight) => host.external = Some(sight),
            Err(error) => host.lost = Some(error.to_string()),
        }
    });
}

type LookWithLatency = (ExternalLook, Option<Latency>);

fn seen(address: &Endpoint, looked: Result<LookWithLatency, Unanswered>) -> EndpointSight {
    let (look, latency) = match looked {
        Ok((look, latency)) => (Ok(look), latency),
        Err(why) => (Err(why), None),
    };
    EndpointSight {
        address: address.clone(),
        look,
        latency,
    }
}

/// A pooler, or a standby, is not measured.
fn look(session: &mut ServerSession<'_>, own: Duration) -> Result<LookWithLatency, Unanswered> {
    let look = session.look()?;
    if look.pooled || !look.writable {
        return Ok((look, None));
    }
    let round_trip = measured(|| session.round_trip())?;
    let commit = measured(|| session.commit());
    let nothing = || Unanswered::Broken("nothing could be measured".into());
    let commit = commit.and_then(|samples| Percentiles::of(samples, own).ok_or_else(nothing));
    let latency = Percentiles::of(round_trip, own).map(|round_trip| Latency {
        round_trip,
        commit: commit.map_err(|why| why.to_string()),
        own,
    });
    Ok((look, latency))
}

fn measured<E>(mut once: impl FnMut() -> Result<(), E>) -> Result<Vec<Duration>, E> {
    let begun = Instant::now();
    let mut samples = Vec::with_capacity(SAMPLES);
    while samples.len() < SAMPLES && begun.elapsed() < MEASURES {
        let since = Instant::now();
        once()?;
        samples.push(since.elapsed());
    }
    Ok(samples)
}

/// What the SSH connection to the server takes, there and back.
fn way_there(remote: &mut dyn Remote) -> Result<Duration, RemoteError> {
    // About as much as a question to Postgres.
    let mut bytes = [b'.'; 64];
    let mut relay = match remote.relay_to(&RelayTarget::Back, LIMIT) {
        Ok(relay) => relay,
        Err(error) if error.ends_connection() => return Err(error),
        Err(_) => return Ok(Duration::ZERO),
    };
    let samples = measured(|| {
        relay.write_all(&bytes)?;
        relay.read_exact(&mut bytes)
    });
    let of_all = Percentiles::of(samples.unwrap_or_default(), Duration::ZERO);
    Ok(of_all.map_or(Duration::ZERO, |it| it.p50))
}
