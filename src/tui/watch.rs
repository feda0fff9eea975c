//! The threads that look at what a run has left: one at the cluster, one at its datastore. They
//! end when the control of their run says so, or when the screens are gone.

use std::sync::Arc;
use std::thread;

use crossbeam_channel::Sender;
use time::OffsetDateTime;

use crate::answers::Role;
use crate::engine::control::Control;
use crate::engine::look;
use crate::engine::watch::{Watched, watch};
use crate::pki;
use crate::remote::Remote;
use crate::session::{Session, ways};
use crate::state::Folder;
use crate::topology::Topology;

use super::live::{PAUSE, Sight};
use super::model::Message;
use super::summary::Summary;

/// Begins to look, where there is a cluster to look at. Nothing is changed on any host, and no
/// lease is taken: others may work there.
pub fn start(
    session: &Session,
    control: &Arc<Control>,
    messages: &Sender<Message>,
    summary: Summary,
) -> Result<(), String> {
    if !session.has_cluster() || control.aborting().is_some() {
        return Ok(());
    }
    let topology = Arc::new(session.topology.clone());
    let nodes = topology.expected_nodes(&session.answers.k3s.version);
    let places = |role| {
        let places = ways::places(&session.answers, &session.folder, role, session.tried());
        places.map_err(|error| error.to_string())
    };
    let (servers, postgres) = (places(Role::Server)?, places(Role::Postgres)?);
    let tell = |messages: &Sender<Message>, sight| {
        let message = Message::Live(Box::new(sight));
        messages.send(message).is_ok()
    };

    let (certified, heard, stop) = (topology.clone(), messages.clone(), control.clone());
    let folder = session.folder.clone();
    spawn("watch-cluster", move || {
        let mut known = Vec::new();
        let mut certificates = || {
            // Days go by, and another run may renew them.
            let now = kept_certificates(&folder, &certified);
            if known != now {
                known.clone_from(&now);
                tell(&heard, Sight::Certificates(now));
            }
        };
        certificates();
        let mut watched = Watched::default();
        let look = &mut |remote: &mut dyn Remote| {
            certificates();
            look::cluster(remote, &nodes)
        };
        watch(servers, &stop, PAUSE, look, &mut |news| {
            watched.told(news.clone());
            summary.latest(&watched);
            tell(&heard, Sight::Cluster(news))
        });
    })?;

    let (heard, stop) = (messages.clone(), control.clone());
    spawn("watch-datastore", move || {
        let look = &mut |remote: &mut dyn Remote| look::datastore(remote, &topology);
        watch(postgres, &stop, PAUSE, look, &mut |news| {
            tell(&heard, Sight::Datastore(news))
        });
    })
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), String> {
    let spawned = thread::Builder::new().name(name.into()).spawn(work);
    spawned.map(drop).map_err(|error| error.to_string())
}

/// What cannot be read is not shown; the run that wrote it has had its say.
fn kept_certificates(folder: &Folder, topology: &Topology) -> Vec<pki::Certificate> {
    let now = OffsetDateTime::now_utc();
    pki::certificates(&folder.pki_dir(), topology, now).unwrap_or_default()
}
