//! The preflight: a grid of checks, who reaches whom, and what is done about them.

mod text;
mod view;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use ratatui::Frame;

use super::Screen;
use crate::answers::{Answers, Check};
use crate::frontends::tui::action::Action;
use crate::frontends::tui::common::Common;
use crate::frontends::tui::effect::Effect;
use crate::frontends::tui::keys::{
    self, BACK, ENTER, LEFT, NEXT, PHASES, RIGHT, SAVE, SCROLL, Scope, TAB, alias, char, ctrl,
    helped, shown,
};
use crate::frontends::tui::page::Page;
use crate::frontends::tui::text::key;
use crate::platform::network::Contact;
use crate::platform::preflight::{Cell, Grid, Level};
use crate::topology::Link;
use text as say;

/// The chosen check fails, and nothing is at work.
const OVERRIDE: Scope = Scope::new(
    "override",
    &[shown(char('o'), Action::Override, say::key::OVERRIDE)],
);

const CHECKS: Scope = Scope::new(
    "checks",
    &[
        alias(ENTER, Action::Continue, key::GO_ON),
        shown(char('m'), Action::View, say::key::VIEW),
        shown(TAB, Action::NextField, say::key::NEXT),
        helped(LEFT, Action::Left, say::key::LEFT),
        helped(RIGHT, Action::Right, say::key::RIGHT),
        alias(char('h'), Action::Left, say::key::LEFT),
        alias(char('l'), Action::Right, say::key::RIGHT),
        helped(char(' '), Action::More, say::key::MORE),
    ],
);

/// A check fails: there is no next page yet.
const BLOCKED: Scope = Scope::new(
    "blocked",
    &[helped(ctrl('n'), Action::Forward, say::key::BLOCKED)],
);

/// To go on is to check the hosts again.
const CHECK_AGAIN: Scope = Scope::new(
    "check again",
    &[helped(ctrl('n'), Action::Forward, key::RETRY)],
);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum View {
    Grid,
    /// Who reaches whom.
    Ways,
}

#[derive(Debug)]
pub struct PreflightPage {
    /// Hosts on which something fails come first.
    pub grid: Grid,
    links: Vec<(Link, Contact)>,
    view: View,
    /// The row and column that are chosen, in each view.
    cell: (usize, usize),
    pair: (usize, usize),
    /// So many lines of what stands below are passed over.
    skip: usize,
    /// All is done again when what is at work has ended.
    again: bool,
    /// The operator is asked whether to override this check of this host.
    asks_to_override: Option<(String, Check)>,
    /// Milliseconds since the hosts were checked.
    since: u64,
    now: Now,
    /// The operator did something, or the wizard continued once: it does not do so by itself.
    held: bool,
    /// A check was overridden since: the hosts are connected to again with these answers.
    overrode: bool,
}

/// What the hosts do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Now {
    Wait,
    /// They are being checked again.
    Check,
    /// The plan is wanted, and shown when it is there.
    GoOn,
}

/// Milliseconds from one look at what is not well to the next.
const AGAIN: u64 = 5_000;
/// And for which what is well stands before the wizard continues.
const CONTINUES: u64 = 20_000;

impl Default for PreflightPage {
    fn default() -> Self {
        Self::new(Grid::default(), Vec::new())
    }
}

impl PreflightPage {
    /// What was found.
    pub fn new(mut grid: Grid, links: Vec<(Link, Contact)>) -> Self {
        let worst = |cells: &BTreeMap<Check, Cell>| cells.values().map(|cell| cell.level).max();
        grid.rows.sort_by_key(|row| Reverse(worst(&row.cells)));
        let mut page = Self {
            grid,
            links,
            view: View::Grid,
            cell: (0, 0),
            pair: (0, 0),
            skip: 0,
            again: false,
            asks_to_override: None,
            since: 0,
            now: Now::Wait,
            held: false,
            overrode: false,
        };
        page.cell = page.worst();
        page
    }

    /// The first place where something is as bad as anywhere.
    fn worst(&self) -> (usize, usize) {
        let levels = [Level::Fails, Level::Overridden, Level::Trial, Level::Warns];
        let first = levels
            .into_iter()
            .find_map(|level| self.places().find(|at| self.level(*at) == Some(level)));
        first.unwrap_or_default()
    }

    /// The hosts were checked once more. They stay where they are on the page, and so does the
    /// chosen cell, until it is well.
    pub fn checked_again(&mut self, answers: &Answers, grid: Grid, links: Vec<(Link, Contact)>) {
        let order: Vec<_> = self.grid.rows.iter().map(|row| row.host.clone()).collect();
        let chosen = self.chosen().map(|(_, check, _)| check);
        let was = self.level(self.cell);
        self.grid = grid;
        let place = |host: &String| order.iter().position(|other| other == host);
        self.grid.rows.sort_by_key(|row| place(&row.host));
        // What was overridden meanwhile is decided, though the hosts do not know it.
        for row in &mut self.grid.rows {
            let Some(host) = answers.host(&row.host) else {
                continue;
            };
            for (check, cell) in &mut row.cells {
                if cell.level == Level::Fails && answers.overrides(host, *check) {
                    cell.level = Level::Overridden;
                }
            }
        }
        self.links = links;
        self.since = 0;
        if self.now != Now::GoOn || !self.grid.passes() {
            self.now = Now::Wait;
        }
        self.held = false;
        let column = chosen.and_then(|check| self.columns().iter().position(|it| *it == check));
        self.cell.1 = column.unwrap_or(0);
        if was != Some(Level::Fine) && self.level(self.cell) == Some(Level::Fine) {
            self.cell = self.worst();
        }
    }

    /// The operator wants the plan as soon as it is there.
    pub fn goes_on(&self) -> bool {
        self.now == Now::GoOn
    }

    /// The checks that were made.
    fn columns(&self) -> Vec<Check> {
        let rows = &self.grid.rows;
        let made = |check: &Check| rows.iter().any(|row| row.cells.contains_key(check));
        Check::ALL.into_iter().filter(made).collect()
    }

    fn hosts(&self) -> Vec<&str> {
        self.grid.rows.iter().map(|row| &*row.host).collect()
    }

    fn at(&self, (row, column): (usize, usize)) -> Option<&Cell> {
        let check = self.columns().get(column).copied()?;
        self.grid.rows.get(row)?.cells.get(&check)
    }

    fn level(&self, at: (usize, usize)) -> Option<Level> {
        self.at(at).map(|cell| cell.level)
    }

    /// All cells, row by row.
    fn places(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let (rows, columns) = (self.grid.rows.len(), self.columns().len());
        (0..rows).flat_map(move |row| (0..columns).map(move |column| (row, column)))
    }

    pub fn chosen(&self) -> Option<(&str, Check, Option<&Cell>)> {
        let row = self.grid.rows.get(self.cell.0)?;
        let check = self.columns().get(self.cell.1).copied()?;
        Some((&row.host, check, row.cells.get(&check)))
    }

    /// Whether the chosen cell stops the run.
    fn chosen_fails(&self) -> bool {
        self.view == View::Grid && self.level(self.cell) == Some(Level::Fails)
    }

    fn count(&self, level: Level) -> usize {
        self.grid.of(level).count()
    }

    /// The ways from one host to another.
    fn ways(&self, (from, to): (usize, usize)) -> Vec<&(Link, Contact)> {
        let hosts = self.hosts();
        let (Some(from), Some(to)) = (hosts.get(from), hosts.get(to)) else {
            return Vec::new();
        };
        let links = self.links.iter();
        links
            .filter(|(link, _)| link.from == *from && link.to == *to)
            .collect()
    }

    /// The worst that came of them.
    fn way(&self, at: (usize, usize)) -> Option<&Contact> {
        let badness = |contact: &Contact| match contact {
            Contact::Reached => 0,
            Contact::Later => 1,
            Contact::Untried(_) => 2,
            Contact::Refused | Contact::Silent | Contact::NoWay(_) => 3,
        };
        let ways = self.ways(at).into_iter().map(|(_, contact)| contact);
        ways.max_by_key(|contact| badness(contact))
    }

    fn go(&mut self, rows: isize, columns: isize) {
        self.skip = 0;
        let hosts = self.grid.rows.len();
        let last = match self.view {
            View::Grid => (hosts, self.columns().len()),
            View::Ways => (hosts, hosts),
        };
        let at = match self.view {
            View::Grid => &mut self.cell,
            View::Ways => &mut self.pair,
        };
        let go = |at: usize, by, many: usize| {
            let last = many.saturating_sub(1);
            at.saturating_add_signed(by).min(last)
        };
        *at = (go(at.0, rows, last.0), go(at.1, columns, last.1));
    }

    /// The next place where something is not fine, round and round.
    fn next(&mut self) {
        self.skip = 0;
        let hosts = self.hosts().len();
        let (all, now): (Vec<_>, _) = match self.view {
            View::Grid => (self.places().collect(), self.cell),
            View::Ways => {
                let pairs = (0..hosts).flat_map(|from| (0..hosts).map(move |to| (from, to)));
                (pairs.collect(), self.pair)
            }
        };
        let unwell = |at: &&(usize, usize)| match self.view {
            View::Grid => self.level(**at).is_some_and(|level| level != Level::Fine),
            View::Ways => self.way(**at).is_some_and(|way| *way != Contact::Reached),
        };
        let after = all.iter().position(|at| *at == now).map_or(0, |at| at + 1);
        let (before, behind) = all.split_at(after.min(all.len()));
        let next = behind.iter().chain(before).find(unwell).copied();
        match (self.view, next) {
            (_, None) => {}
            (View::Grid, Some(next)) => self.cell = next,
            (View::Ways, Some(next)) => self.pair = next,
        }
    }
}

impl Screen for PreflightPage {
    fn scopes(&self, common: &Common) -> Vec<Scope> {
        if self.asks_to_override.is_some() {
            return vec![keys::ASK];
        }
        let overriding = (!common.is_planned() && self.chosen_fails()).then_some(OVERRIDE);
        let scopes = [keys::RETRY].into_iter().chain(overriding);
        let rest = [CHECKS, self.forward(common), BACK, PHASES, SAVE, SCROLL];
        scopes.chain(rest).collect()
    }

    fn act(&mut self, common: &mut Common, action: Action) -> Vec<Effect> {
        if let Some((host, check)) = self.asks_to_override.take() {
            return if action == Action::Confirm {
                self.override_check(common, &host, check)
            } else {
                Vec::new()
            };
        }
        let at_work = common.at_work;
        match action {
            Action::Left => self.go(0, -1),
            Action::Right => self.go(0, 1),
            Action::NextField => self.next(),
            Action::More => self.skip += 1,
            Action::View => {
                self.skip = 0;
                self.view = match self.view {
                    View::Grid => View::Ways,
                    View::Ways => View::Grid,
                };
            }
            Action::Override if !common.is_planned() && self.chosen_fails() => {
                let Some((host, check, _)) = self.chosen() else {
                    return Vec::new();
                };
                match check.stands() {
                    Some(why) => common.say(say::cell(check.as_str(), check, why)),
                    None => self.asks_to_override = Some((host.to_owned(), check)),
                }
            }
            Action::Retry if self.waits(common) => return self.check_again(),
            Action::Retry if at_work && self.now == Now::Check => common.say(say::BEING_CHECKED),
            Action::Retry if at_work => return self.begin_anew(),
            Action::Continue | Action::Forward if common.is_planned() => {
                return vec![Effect::Go(Page::Plan)];
            }
            Action::Continue | Action::Forward if self.count(Level::Fails) > 0 => {
                common.say(say::fails(self.count(Level::Fails)));
            }
            Action::Continue | Action::Forward if at_work && self.overrode => {
                return self.begin_anew();
            }
            Action::Continue | Action::Forward if at_work => {
                common.say(say::BEING_PLANNED);
                self.now = Now::GoOn;
                return vec![Effect::Plan];
            }
            Action::Retry | Action::Continue | Action::Forward => return common.reach(),
            Action::Back | Action::Phase(_) => {
                let no_run = at_work.then_some(Effect::Begin(false));
                return [Effect::Go(common.back_to_answers(action))]
                    .into_iter()
                    .chain(no_run)
                    .collect();
            }
            _ => {}
        }
        Vec::new()
    }

    fn scroll(&mut self, _: &mut Common, by: isize) {
        self.go(by, 0);
    }

    fn draw(&self, common: &Common, frame: &mut Frame<'_>) {
        view::draw(self, common, frame);
    }

    fn pressed(&mut self) {
        self.held = true;
    }

    fn tick(&mut self, common: &mut Common, passed: u64) -> Vec<Effect> {
        if !common.at_work {
            return Vec::new();
        }
        self.since = self.since.saturating_add(passed);
        if self.continues(common) == Some(0) && common.is_planned() {
            self.held = true;
            return vec![Effect::Go(Page::Plan)];
        }
        if self.checks_in(common) == Some(0) {
            return self.check_again();
        }
        Vec::new()
    }

    fn wakes(&self, common: &Common) -> Option<u64> {
        let moves = self.continues(common).or(self.checks_in(common));
        moves.map(|left| (left % 1000).max(100))
    }

    fn question(&self, _: &Common) -> Option<String> {
        let asked = self.asks_to_override.as_ref();
        asked.map(|(host, check)| say::asks_to_override(host, *check))
    }

    /// Where all was to be done again, it is.
    fn over(&mut self, common: &mut Common) -> Vec<Effect> {
        if self.again && !common.leaving {
            common.reach()
        } else {
            Vec::new()
        }
    }
}

impl PreflightPage {
    /// What Ctrl-N does.
    fn forward(&self, common: &Common) -> Scope {
        if common.is_planned() {
            NEXT
        } else if self.count(Level::Fails) > 0 {
            BLOCKED
        } else if self.overrode || !common.at_work {
            CHECK_AGAIN
        } else {
            NEXT
        }
    }

    /// The hosts wait until they are checked again.
    fn waits(&self, common: &Common) -> bool {
        // What warns is not looked at again once only a new connection helps.
        let unwell = !self.grid.is_well() && (!self.overrode || self.count(Level::Fails) > 0);
        common.at_work && !common.is_planned() && self.now == Now::Wait && unwell
    }

    /// In how many milliseconds the hosts are checked again by themselves.
    fn checks_in(&self, common: &Common) -> Option<u64> {
        let waits = self.waits(common) && self.asks_to_override.is_none();
        waits.then(|| AGAIN.saturating_sub(self.since))
    }

    /// In how many milliseconds the wizard continues by itself.
    fn continues(&self, common: &Common) -> Option<u64> {
        let well = common.at_work && self.grid.is_well() && !self.overrode;
        let continues = well && !self.held && self.asks_to_override.is_none();
        continues.then(|| CONTINUES.saturating_sub(self.since))
    }

    fn check_again(&mut self) -> Vec<Effect> {
        self.now = Now::Check;
        vec![Effect::CheckAgain]
    }

    /// All is done again, once what is at work has ended.
    fn begin_anew(&mut self) -> Vec<Effect> {
        self.again = true;
        vec![Effect::Begin(false)]
    }

    /// The operator knows better about this check, if it still fails: that goes into the answers.
    fn override_check(&mut self, common: &mut Common, name: &str, check: Check) -> Vec<Effect> {
        let mut rows = self.grid.rows.iter_mut();
        let row = rows.find(|row| row.host == name);
        let cell = row.and_then(|row| row.cells.get_mut(&check));
        let Some(cell) = cell.filter(|cell| cell.level == Level::Fails) else {
            common.say(say::cell(name, check, say::PASSES_NOW));
            return Vec::new();
        };
        let Some(wizard) = common.mode.wizard_mut() else {
            return Vec::new();
        };
        let mut hosts = wizard.interview.answers.hosts.iter_mut();
        let Some(host) = hosts.find(|host| host.name == name) else {
            return Vec::new();
        };
        if !host.overrides.contains(&check) {
            host.overrides.push(check);
        }
        cell.level = Level::Overridden;
        self.overrode = true;
        if self.count(Level::Fails) == 0 {
            common.say(say::ALL_OVERRIDDEN);
        } else {
            self.next();
        }
        common.draft()
    }
}
