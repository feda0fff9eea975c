//! The threads that look at what a run has left: one at the cluster, one at each member of its
//! datastore, one at the objects that the operator chooses. They end when the control of their run says so, or when the screens are gone.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use crossbeam_channel::{Receiver, Sender};
use time::OffsetDateTime;

use crate::answers::Answers;
use crate::cluster::datastore::{Datastore, DatastoreLook};
use crate::cluster::details::ObjectName;
use crate::engine::control::Control;
use crate::engine::look::Balancer;
use crate::engine::watch::{Lost, News, PollTarget, Seen, Watched, watch};
use crate::remote::Remote;
use crate::run::poll::Poll;
use crate::run::{RunError, Tried};
use crate::state::Folder;

use super::live::{LiveUpdate, PAUSE};
use super::message::Message;
use super::probe;
use super::summary::Summary;

#[derive(Debug, thiserror::Error)]
pub enum PollError {
    #[error(transparent)]
    Run(#[from] RunError),
    #[error(transparent)]
    Thread(#[from] io::Error),
}

/// The cluster of a run of these answers; `None` where the run came to none.
pub fn of_run(answers: &Answers) -> Result<Option<Poll>, RunError> {
    let folder = Folder::open_to_read(None, &answers.cluster.name)?;
    let state = folder.state()?;
    let Some(authority) = state.and_then(|state| state.cluster_ca) else {
        return Ok(None);
    };
    Poll::new(folder, answers.clone(), answers, Some(authority)).map(Some)
}

/// Begins to look at a cluster. What is seen of it is in the summary of its run, where it had one.
pub fn start(
    poll: Poll,
    tried: &Tried,
    control: &Arc<Control>,
    messages: &Sender<Message>,
    chosen: Receiver<ObjectName>,
    summary: Option<Summary>,
) -> Result<(), PollError> {
    if control.aborting().is_some() {
        return Ok(());
    }
    tell(
        messages,
        LiveUpdate::Topology(Box::new(poll.topology().clone())),
    );
    let poll = Arc::new(poll);
    let servers = poll.servers(tried)?.into_iter();
    let postgres = poll.postgres(tried)?.into_iter();
    let (balancers, clients) = (poll.balancers(tried)?, poll.clients(tried)?);
    let has_clients = !clients.is_empty();
    let servers: Vec<_> = servers.map(|host| telling(host, messages)).collect();

    let (polled, heard, stop) = (poll.clone(), messages.clone(), control.clone());
    spawn("watch-cluster", move || {
        let mut known = Vec::new();
        let mut certificates = || {
            // Days go by, and another run may renew them. What cannot be read is not shown; the
            // run that wrote it has had its say.
            let now = OffsetDateTime::now_utc();
            let now = polled.certificates(now).unwrap_or_default();
            if known != now {
                known.clone_from(&now);
                tell(&heard, LiveUpdate::Certificates(now));
            }
        };
        certificates();
        let mut watched = Watched::default();
        let mut tell_balancer = balancer_teller(&heard);
        let mut minute = 0;
        let look = &mut |remote: &mut dyn Remote| {
            certificates();
            if !has_clients {
                tell_balancer(polled.balancer(remote)?);
            }
            let seen = polled.cluster(remote)?;
            let now = OffsetDateTime::now_utc();
            if minute != now.unix_timestamp() / 60 {
                minute = now.unix_timestamp() / 60;
                tell(&heard, LiveUpdate::Clock(now));
            }
            Ok(seen)
        };
        watch(servers, &stop, PAUSE, look, &mut |news| {
            watched.told(news.clone());
            if let Some(summary) = &summary {
                summary.latest(&watched);
            }
            tell(&heard, LiveUpdate::Cluster(news))
        });
    })?;

    let (asked, heard, stop) = (poll.clone(), messages.clone(), control.clone());
    let tried = tried.clone();
    spawn("look-at-objects", move || {
        while let Ok(object) = chosen.recv() {
            // The operator still looks at the latest one only.
            let object = chosen.try_iter().last().unwrap_or(object);
            if stop.aborting().is_some() {
                return;
            }
            let told = asked.details(&tried, &object);
            if !tell(&heard, LiveUpdate::Details(object, told)) {
                return;
            }
        }
    })?;

    if has_clients {
        watch_endpoint(&poll, clients, control, messages)?;
    }

    let members = Arc::new(Mutex::new(Members::default()));
    for member in postgres {
        let member = telling(member, messages);
        let (poll, members) = (poll.clone(), members.clone());
        let (heard, stop) = (messages.clone(), control.clone());
        let name = member.host.clone();
        locked(&members).0.push((name.clone(), Watched::default()));
        spawn("watch-datastore", move || {
            let look = &mut |remote: &mut dyn Remote| poll.member(remote);
            watch(vec![member], &stop, PAUSE, look, &mut |news| {
                let news = locked(&members).told(&name, news, &poll);
                tell(&heard, LiveUpdate::Datastore(news))
            });
        })?;
    }
    watch_addresses(&poll, balancers, control, messages)
}

/// The load balancers that share an address: which holds it, and which do not answer.
fn watch_addresses(
    poll: &Arc<Poll>,
    balancers: Vec<PollTarget>,
    control: &Arc<Control>,
    messages: &Sender<Message>,
) -> Result<(), PollError> {
    let looks = Arc::new(Mutex::new(BTreeMap::new()));
    for balancer in balancers {
        let balancer = telling(balancer, messages);
        let (poll, looks) = (poll.clone(), looks.clone());
        let (heard, stop) = (messages.clone(), control.clone());
        let name = balancer.host.clone();
        spawn("watch-address", move || {
            let look = &mut |remote: &mut dyn Remote| poll.holds(remote);
            watch(vec![balancer], &stop, PAUSE, look, &mut |news| {
                let mut looks = locked(&looks);
                looks.insert(
                    name.clone(),
                    match news {
                        News::Seen(seen) => Some(seen.picture),
                        News::Lost(_) => None,
                    },
                );
                let held = looks.iter();
                let held = held.filter_map(|(name, holds)| Some((name.clone(), (*holds)?)));
                let now = poll.virtual_address(&held.collect::<Vec<_>>());
                let lost = looks.iter().filter(|(_, holds)| holds.is_none());
                let lost = lost.map(|(name, _)| name.clone()).collect();
                tell(&heard, LiveUpdate::Holder(now, lost))
            });
        })?;
    }
    Ok(())
}

/// An external load balancer, as agents see it.
fn watch_endpoint(
    poll: &Arc<Poll>,
    clients: Vec<PollTarget>,
    control: &Arc<Control>,
    messages: &Sender<Message>,
) -> Result<(), PollError> {
    let clients = clients.into_iter().map(|host| telling(host, messages));
    let clients: Vec<_> = clients.collect();
    let (poll, heard, stop) = (poll.clone(), messages.clone(), control.clone());
    spawn("watch-endpoint", move || {
        let mut tell_balancer = balancer_teller(&heard);
        let look = &mut |remote: &mut dyn Remote| {
            tell_balancer(poll.balancer(remote)?);
            Ok(())
        };
        watch(clients, &stop, PAUSE, look, &mut |_| true);
    })
}

/// Tells what answers at the load balancer's address, where it is new.
fn balancer_teller(heard: &Sender<Message>) -> impl FnMut(Option<Balancer>) + use<> {
    let heard = heard.clone();
    let mut before = None;
    move |now: Option<Balancer>| {
        if before != now {
            before.clone_from(&now);
            now.map(|now| tell(&heard, LiveUpdate::Balancer(now)));
        }
    }
}

/// What each member of the datastore said last. They are watched one by one, and told of together.
#[derive(Default)]
struct Members(Vec<(String, Watched<DatastoreLook>)>);

impl Members {
    fn told(&mut self, name: &str, news: News<DatastoreLook>, poll: &Poll) -> News<Datastore> {
        let since = match &news {
            News::Seen(seen) => seen.since,
            News::Lost(lost) => lost.since,
        };
        let mut members = self.0.iter_mut();
        if let Some((_, watched)) = members.find(|(member, _)| member == name) {
            watched.told(news);
        }
        let now = |watched: &Watched<DatastoreLook>| match (&watched.seen, &watched.lost) {
            (Some(seen), None) => Some(seen.picture.clone()),
            _ => None,
        };
        let members = self.0.iter();
        let looks = members.filter_map(|(name, watched)| Some((name.clone(), now(watched)?)));
        let looks: Vec<_> = looks.collect();
        if let Some((first, _)) = looks.first() {
            return News::Seen(Seen {
                from: first.clone(),
                picture: poll.datastore(&looks),
                since,
            });
        }
        let lost = || {
            self.0
                .iter()
                .filter_map(|(_, watched)| watched.lost.as_ref())
        };
        News::Lost(Lost {
            since,
            last: lost().filter_map(|lost| lost.last).max(),
            why: lost().flat_map(|lost| lost.why.clone()).collect(),
            given_up: lost().all(|lost| lost.given_up),
        })
    }
}

fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn tell(messages: &Sender<Message>, update: LiveUpdate) -> bool {
    messages.send(Message::Live(Box::new(update))).is_ok()
}

/// Tells of a login that is refused for want of a secret.
fn telling(target: PollTarget, messages: &Sender<Message>) -> PollTarget {
    let PollTarget {
        host,
        mut connector,
    } = target;
    let messages = messages.clone();
    PollTarget {
        host,
        connector: Box::new(move |cancel| {
            connector(cancel).inspect_err(|error| {
                if !error.wants().is_empty() {
                    tell(&messages, LiveUpdate::Refused(probe::of_remote(error)));
                }
            })
        }),
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), PollError> {
    thread::Builder::new().name(name.into()).spawn(work)?;
    Ok(())
}
