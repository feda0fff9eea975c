//! What those that look at the cluster after its run tell of it.

use std::time::Duration;

use time::OffsetDateTime;

use crate::cluster::Cluster;
use crate::cluster::datastore::Datastore;
use crate::cluster::details::{Details, ObjectName};
use crate::engine::look::{Balancer, VirtualAddress};
use crate::engine::watch::News;
use crate::pki::Certificate;
use crate::topology::Topology;

use super::unreached::Unreached;

/// Between two looks.
pub const PAUSE: Duration = Duration::from_secs(5);

/// Something that is not as it was at the last look.
#[derive(Debug)]
pub enum LiveUpdate {
    Cluster(News<Cluster>),
    Datastore(News<Datastore>),
    /// What answers at the load balancer's address, as a server sees it.
    Balancer(Balancer),
    /// What the cluster consists of.
    Topology(Box<Topology>),
    /// Which of two load balancers holds the address, and which do not answer.
    Holder(VirtualAddress, Vec<String>),
    Certificates(Vec<Certificate>),
    /// More of an object, or why it could not be asked.
    Details(ObjectName, Result<Details, String>),
    /// A host needs a secret to let the wizard in.
    Refused(Unreached),
    /// The time of a look; once a minute.
    Clock(OffsetDateTime),
}
