//! The cluster after its run, as long as somebody looks at it.

use std::time::Duration;

use crate::cluster::Cluster;
use crate::cluster::datastore::Datastore;
use crate::engine::watch::{News, Watched};
use crate::events::Abort;
use crate::pki::Certificate;

use super::model::{Effect, Model};

/// Between two looks.
pub const PAUSE: Duration = Duration::from_secs(5);

/// What was seen since the run ended; nothing in a replay.
#[derive(Debug, Default)]
pub struct Live {
    pub cluster: Watched<Cluster>,
    pub datastore: Watched<Datastore>,
    pub certificates: Vec<Certificate>,
}

/// Something that is not as it was at the last look.
#[derive(Debug)]
pub enum Sight {
    Cluster(News<Cluster>),
    Datastore(News<Datastore>),
    Certificates(Vec<Certificate>),
}

pub fn told(model: &mut Model, sight: Sight) -> Vec<Effect> {
    if model.run.progress.ended.is_none() {
        // Whoever has gone on to something else looks at no cluster any more. A new run has ended
        // the looking already.
        return if model.at_work || model.replay.is_some() {
            Vec::new()
        } else {
            vec![Effect::Abort(Abort::Hard)]
        };
    }
    let live = &mut model.run.live;
    match sight {
        Sight::Cluster(news) => live.cluster.told(news),
        Sight::Datastore(news) => live.datastore.told(news),
        Sight::Certificates(all) => live.certificates = all,
    }
    Vec::new()
}
