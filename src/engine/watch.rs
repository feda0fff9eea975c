//! Looking at the same thing again and again, until the caller has seen enough: one connection is
//! kept, and the next host is asked where one does not answer.

use std::collections::BTreeMap;
use std::time::Duration;

use time::OffsetDateTime;

use super::control::Control;
use super::hosts::{Connector, new_cancel, worth_another};
use crate::remote::{Remote, RemoteError};

/// A host that can be asked. No lease of it is taken.
pub struct PollTarget {
    pub host: String,
    pub connector: Connector,
}

impl PollTarget {
    /// A connection for many looks. A hard abort of `control` ends it.
    pub fn connect(&mut self, control: &Control) -> Result<Box<dyn Remote>, RemoteError> {
        let cancel = new_cancel(&self.host)?;
        control.register(&cancel);
        (self.connector)(&cancel)
    }
}

/// Something that those who watch did not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News<T> {
    Seen(Seen<T>),
    Lost(Lost),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen<T> {
    pub picture: T,
    /// The host that was asked.
    pub from: String,
    /// It was seen so for the first time then; looks that see the same are no news.
    pub since: OffsetDateTime,
}

/// Nobody answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    pub since: OffsetDateTime,
    /// When a host answered for the last time.
    pub last: Option<OffsetDateTime>,
    /// Why not, of each host that was asked.
    pub why: Vec<String>,
    /// Nobody is asked any more: trying again cannot help.
    pub given_up: bool,
}

/// The latest picture, and whether it is still the latest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched<T> {
    pub seen: Option<Seen<T>>,
    pub lost: Option<Lost>,
}

impl<T> Default for Watched<T> {
    fn default() -> Self {
        Self {
            seen: None,
            lost: None,
        }
    }
}

impl<T> Watched<T> {
    pub fn told(&mut self, news: News<T>) {
        match news {
            News::Seen(seen) => {
                self.seen = Some(seen);
                self.lost = None;
            }
            News::Lost(lost) => self.lost = Some(lost),
        }
    }
}

/// One look.
type Look<'a, T> = dyn FnMut(&mut dyn Remote) -> Result<T, RemoteError> + 'a;

/// Looks, waits for `pause`, and looks again, until an abort, or until `told` says that no reader
/// wants to hear any more.
pub fn watch<T: PartialEq + Clone>(
    places: Vec<PollTarget>,
    control: &Control,
    pause: Duration,
    look: &mut Look<'_, T>,
    told: &mut dyn FnMut(News<T>) -> bool,
) {
    let mut watch = Poller {
        places,
        at: 0,
        connection: None,
        seen: None,
        last: None,
        lost: None,
        tried: 0,
    };
    while control.aborting().is_none() && !watch.places.is_empty() {
        let looked = watch.look(control, look);
        // What an abort has cut off is no news.
        if control.aborting().is_some() {
            return;
        }
        let (news, rests) = match looked {
            Ok(picture) => (watch.saw(picture), true),
            Err(failure) => watch.missed(failure),
        };
        if news.is_some_and(|news| !told(news)) || (rests && control.wait(pause)) {
            return;
        }
    }
}

struct Poller<T> {
    places: Vec<PollTarget>,
    /// The place that is asked.
    at: usize,
    connection: Option<Box<dyn Remote>>,
    /// What was told last, and by whom it was seen.
    seen: Option<(T, String)>,
    last: Option<OffsetDateTime>,
    lost: Option<(OffsetDateTime, BTreeMap<String, String>)>,
    /// How many places did not answer since one did.
    tried: usize,
}

#[derive(Default)]
struct PollFailure {
    why: String,
    ends_connection: bool,
    /// There is no point in asking this host again.
    for_good: bool,
}

impl PollFailure {
    fn of(error: &RemoteError) -> Self {
        Self {
            why: error.to_string(),
            ends_connection: error.ends_connection(),
            for_good: false,
        }
    }
}

impl<T: PartialEq + Clone> Poller<T> {
    fn look(&mut self, control: &Control, look: &mut Look<'_, T>) -> Result<T, PollFailure> {
        if self.connection.is_none() {
            let connected = self.places[self.at].connect(control);
            // A refused login is not tried again: hosts lock out those who do.
            let connection = connected.map_err(|error| PollFailure {
                for_good: !worth_another(&error),
                ..PollFailure::of(&error)
            })?;
            self.connection = Some(connection);
        }
        let Some(connection) = &mut self.connection else {
            return Err(PollFailure::default());
        };
        look(connection.as_mut()).map_err(|error| PollFailure::of(&error))
    }

    fn saw(&mut self, picture: T) -> Option<News<T>> {
        let now = now();
        self.last = Some(now);
        self.tried = 0;
        let from = self.places[self.at].host.clone();
        let seen = (picture, from);
        let was_lost = self.lost.take().is_some();
        if self.seen.as_ref() == Some(&seen) && !was_lost {
            return None;
        }
        let (picture, from) = seen.clone();
        self.seen = Some(seen);
        Some(News::Seen(Seen {
            picture,
            from,
            since: now,
        }))
    }

    /// The next place is asked; at once, when it was not asked since a host answered.
    fn missed(&mut self, failure: PollFailure) -> (Option<News<T>>, bool) {
        // The same host again can be asked over the same connection.
        if self.places.len() > 1 || failure.for_good || failure.ends_connection {
            self.connection = None;
        }
        let host = self.places[self.at].host.clone();
        if failure.for_good {
            self.places.remove(self.at);
        } else {
            self.at += 1;
            self.tried += 1;
        }
        if self.at >= self.places.len() {
            self.at = 0;
        }
        let rests = self.tried >= self.places.len();
        if rests {
            self.tried = 0;
        }
        let (since, whys) = self.lost.get_or_insert_with(|| (now(), BTreeMap::new()));
        let why = failure.why;
        let given_up = self.places.is_empty();
        let known = whys.insert(host, why.clone());
        let news = (known.as_ref() != Some(&why) || given_up).then(|| {
            News::Lost(Lost {
                since: *since,
                last: self.last,
                why: whys.values().cloned().collect(),
                given_up,
            })
        });
        (news, rests)
    }
}

fn now() -> OffsetDateTime {
    let now = OffsetDateTime::now_utc();
    now.replace_nanosecond(0).unwrap_or(now)
}

#[cfg(test)]
mod tests;
