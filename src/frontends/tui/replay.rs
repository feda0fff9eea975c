//! A recorded run, shown again: its events come when its clock says so.

use crate::events::{Event, What};

use super::action::Action;

const FASTEST: u32 = 64;

#[derive(Debug)]
pub struct ReplaySession {
    events: Vec<Event>,
    /// The first that was not shown yet.
    next: usize,
    /// How many times as fast as it was.
    pub speed: u32,
    pub paused: bool,
    /// Events come by themselves: the run goes on in another process.
    pub follows: bool,
    /// Why the log of that run is not read any more.
    pub lost: Option<String>,
}

impl ReplaySession {
    pub fn new(events: Vec<Event>) -> Self {
        Self {
            events,
            next: 0,
            speed: 1,
            paused: false,
            follows: false,
            lost: None,
        }
    }

    pub fn following() -> Self {
        Self {
            follows: true,
            ..Self::new(Vec::new())
        }
    }

    /// Something will come by itself.
    pub fn plays(&self) -> bool {
        !self.paused && self.next < self.events.len()
    }

    /// Its keys have an effect: something of it was not shown yet.
    pub fn is_played(&self) -> bool {
        !self.follows && !self.ended()
    }

    pub fn ended(&self) -> bool {
        self.next >= self.events.len()
    }

    /// What came while so many milliseconds passed.
    pub fn tick(&mut self, passed: u64, clock: &mut u64) -> Vec<Event> {
        if !self.plays() {
            return Vec::new();
        }
        let now = clock.saturating_add(passed.saturating_mul(u64::from(self.speed)));
        *clock = now.min(self.end());
        self.take(|event| event.at <= now)
    }

    /// What came until then; nothing comes after it by itself.
    pub fn wait_at(&mut self, at: u64, clock: &mut u64) -> Vec<Event> {
        self.paused = true;
        *clock = at.min(self.end());
        self.take(|event| event.at <= at)
    }

    /// When the run ended, in milliseconds: its clock stops there.
    fn end(&self) -> u64 {
        self.events.iter().map(|event| event.at).max().unwrap_or(0)
    }

    pub fn act(&mut self, action: Action, clock: &mut u64) -> Vec<Event> {
        match action {
            Action::Play => self.paused = !self.paused,
            Action::Faster => self.speed = (self.speed * 2).min(FASTEST),
            Action::Slower => self.speed = (self.speed / 2).max(1),
            Action::ToEnd => return self.take(|_| true),
            Action::NextEvent => {
                self.paused = true;
                let mut found = false;
                let events = self.take(|event| {
                    let go_on = !found;
                    found |= matches!(
                        event.what,
                        What::StepApplies { .. } | What::StepEnded { .. } | What::Ended { .. }
                    );
                    go_on
                });
                *clock = events.last().map_or(*clock, |event| event.at.max(*clock));
                return events;
            }
            _ => {}
        }
        Vec::new()
    }

    fn take(&mut self, mut more: impl FnMut(&Event) -> bool) -> Vec<Event> {
        let rest = &self.events[self.next..];
        let count = rest.iter().take_while(|event| more(event)).count();
        let taken = rest[..count].to_vec();
        self.next += count;
        taken
    }
}
