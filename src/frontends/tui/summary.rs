//! What is said once the screens are gone: what a run without screens would say at its end, with
//! the cluster as it was seen last.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crossbeam_channel::Sender;

use crate::cluster::Cluster;
use crate::engine::watch::Watched;
use crate::events::{End, Event, What};
use crate::report::lines::{Context, Lines};

use super::text;

/// How a run ended, and what is to be said of it once the screens are gone.
#[derive(Debug, Default, Clone)]
pub struct RunEnd {
    pub end: Option<End>,
    pub summary: String,
}

/// Shared by the threads that tell what is the latest.
#[derive(Clone)]
pub struct Summary(Arc<Mutex<SummaryState>>);

struct SummaryState {
    lines: Lines<Latest>,
    latest: Latest,
    /// The last event, once the run has ended.
    ended: Option<Event>,
    outcome: Sender<RunEnd>,
}

impl Summary {
    pub fn new(context: Context, outcome: Sender<RunEnd>) -> Self {
        let latest = Latest::default();
        let inner = SummaryState {
            lines: Lines::new(latest.clone(), context),
            latest,
            ended: None,
            outcome,
        };
        Self(Arc::new(Mutex::new(inner)))
    }

    pub fn event(&self, event: &Event) {
        if matches!(event.what, What::Output { .. } | What::DrillSample { .. }) {
            return;
        }
        let mut inner = self.inner();
        inner.add(event);
        if matches!(event.what, What::Ended { .. }) {
            inner.ended = Some(event.clone());
            inner.send("");
        }
    }

    /// The cluster as it was seen after the run.
    pub fn latest(&self, watched: &Watched<Cluster>) {
        let mut inner = self.inner();
        let Some(ended) = inner.ended.clone() else {
            return;
        };
        if let Some(seen) = &watched.seen {
            let cluster = seen.picture.clone();
            inner.add(&Event {
                what: What::Cluster { cluster },
                ..ended.clone()
            });
        }
        inner.add(&ended);
        let lost = watched.lost.as_ref();
        let lost = lost.map(|lost| text::was_lost(lost, watched.seen.is_some()));
        inner.send(&lost.unwrap_or_default());
    }

    /// What is to be said besides, once the run has ended.
    pub fn and(&self, more: &str) {
        self.inner().send(more);
    }

    fn inner(&self) -> MutexGuard<'_, SummaryState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SummaryState {
    /// Only what the last event says is kept.
    fn add(&mut self, event: &Event) {
        self.latest.bytes().clear();
        let _ = self.lines.event(event);
    }

    fn send(&self, more: &str) {
        let Some(Event {
            what: What::Ended { end },
            ..
        }) = &self.ended
        else {
            return;
        };
        let mut summary = String::from_utf8_lossy(&self.latest.bytes()).into_owned();
        summary.push_str(more);
        let end = Some(end.clone());
        drop(self.outcome.send(RunEnd { end, summary }));
    }
}

/// What was written last.
#[derive(Debug, Default, Clone)]
struct Latest(Arc<Mutex<Vec<u8>>>);

impl Latest {
    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Latest {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::unbounded;
    use time::OffsetDateTime;

    use super::*;
    use crate::engine::watch::{Lost, News, Seen};
    use crate::events::estimate::EarlierRuns;
    use crate::events::log::read;

    #[test]
    fn the_cluster_stands_there_as_it_was_seen_last() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        let context = Context {
            log: "/state/lab/runs/1.jsonl".into(),
            kubeconfig: Some("/state/lab/kubeconfig".into()),
            again: "k3s-ha-wizard".into(),
            next: Vec::new(),
            verbose: false,
            earlier: EarlierRuns::default(),
            width: None,
        };
        let (outcome, outcomes) = unbounded();
        let summary = Summary::new(context, outcome);
        let mut watched = Watched::default();
        // Before the end of the run, nothing is looked at.
        summary.latest(&watched);
        assert!(outcomes.is_empty());
        for event in read(&folder.join("run.jsonl")).expect("a run log") {
            summary.event(&event);
        }
        let last = || outcomes.try_iter().last().expect("an outcome").summary;
        let at_the_end = last();
        assert!(at_the_end.contains("Cluster lab is complete and healthy."));

        let json = include_str!("../../../tests/fixtures/real/nodes-cordoned-and-not-ready.json");
        watched.told(News::Seen(Seen {
            picture: crate::cluster::tests::parse(json),
            from: "s1".into(),
            since: OffsetDateTime::UNIX_EPOCH,
        }));
        summary.latest(&watched);
        let later = last();
        assert!(later.contains("k3s-ag  NotReady"), "{later}");
        assert!(
            later.contains("but the cluster has problems, see above"),
            "{later}"
        );
        assert!(later.contains("All 15 proofs pass."), "{later}");

        watched.told(News::Lost(Lost {
            since: OffsetDateTime::UNIX_EPOCH,
            last: None,
            why: vec!["s1: gone".into()],
            given_up: false,
        }));
        summary.latest(&watched);
        let gone = last();
        let more = gone.strip_prefix(&later).expect("the same before it");
        insta::assert_snapshot!(more);
    }
}
