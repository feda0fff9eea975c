//! Looks ahead of their turn. While a host waits for others, it tries what its plan will want to know of
//! it and what changes nothing, such as proofs. When its turn comes and nothing was changed since of
//! all that it needs, what was seen is what would be seen.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use crate::events::What;

/// For how long what was seen counts: a turn may wait for an operator.
const FRESH: Duration = Duration::from_secs(10);

/// What one host looks at, by the places of its steps in the plan.
#[derive(Default)]
pub(super) struct Ahead {
    waiting: VecDeque<usize>,
    seen: BTreeMap<usize, SeenAhead>,
}

/// A look that found all as it should be, and what there is to say of it.
struct SeenAhead {
    when: Instant,
    events: Vec<What>,
}

impl Ahead {
    pub fn at(places: impl IntoIterator<Item = usize>) -> Self {
        Self {
            waiting: places.into_iter().collect(),
            seen: BTreeMap::new(),
        }
    }

    /// What is to be looked at next.
    pub fn next(&mut self) -> Option<usize> {
        self.waiting.pop_front()
    }

    /// All is as it should be there.
    pub fn saw(&mut self, place: usize, events: Vec<What>) {
        let when = Instant::now();
        self.seen.insert(place, SeenAhead { when, events });
    }

    /// It is this step's turn: what there is to say of it, if it was seen and still counts. It is not
    /// looked at ahead any more.
    pub fn turn(&mut self, place: usize) -> Option<Vec<What>> {
        self.waiting.retain(|waiting| *waiting != place);
        let seen = self.seen.remove(&place)?;
        (seen.when.elapsed() < FRESH).then_some(seen.events)
    }
}
