//! The preflight: a grid of checks, who reaches whom, and what is done about them.

mod text;
mod view;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use ratatui::Frame;

use super::Screen;
use crate::answers::Check;
use crate::frontends::tui::action::Action;
use crate::frontends::tui::common::Common;
use crate::frontends::tui::effect::Effect;
use crate::frontends::tui::keys::{
    self, BACK, ENTER, LEFT, NEXT, PHASES, RIGHT, SAVE, SCROLL, Scope, TAB, alias, char, helped,
    shown,
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
    /// The operator is asked whether to override the chosen check.
    asks_to_override: bool,
}

impl Default for PreflightPage {
    fn default() -> Self {
        let grid = Grid {
            rows: Vec::new(),
            notes: Vec::new(),
        };
        Self::new(grid, Vec::new())
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
            asks_to_override: false,
        };
        let first = [Level::Fails, Level::Overridden, Level::Warns]
            .into_iter()
            .find_map(|level| page.places().find(|at| page.level(*at) == Some(level)));
        page.cell = first.unwrap_or_default();
        page
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
        if self.asks_to_override {
            return vec![keys::ASK];
        }
        let overriding = (!common.at_work && self.chosen_fails()).then_some(OVERRIDE);
        let scopes = [keys::RETRY].into_iter().chain(overriding);
        let rest = [CHECKS, NEXT, BACK, PHASES, SAVE, SCROLL];
        scopes.chain(rest).collect()
    }

    fn act(&mut self, common: &mut Common, action: Action) -> Vec<Effect> {
        if std::mem::take(&mut self.asks_to_override) {
            return if action == Action::Confirm {
                self.ignore_check(common)
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
            Action::Override if !at_work && self.chosen_fails() => {
                let (_, check, _) = self.chosen().unwrap_or(("", Check::Os, None));
                match check.stands() {
                    Some(why) => common.say(say::cell(check.as_str(), check, why)),
                    None => self.asks_to_override = true,
                }
            }
            Action::Retry if at_work => {
                self.again = true;
                return vec![Effect::Begin(false)];
            }
            Action::Continue | Action::Forward if common.is_planned() => {
                return vec![Effect::Go(Page::Plan)];
            }
            Action::Continue | Action::Forward if at_work => common.say(say::BEING_PLANNED),
            Action::Continue | Action::Forward if self.count(Level::Fails) > 0 => {
                common.say(say::fails(self.count(Level::Fails)));
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

    fn question(&self) -> Option<&'static str> {
        self.asks_to_override.then_some(say::OVERRIDE)
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
    /// The operator knows better about the chosen check: that goes into the answers.
    fn ignore_check(&mut self, common: &mut Common) -> Vec<Effect> {
        let (Some(wizard), Some((name, check, _))) = (common.mode.wizard_mut(), self.chosen())
        else {
            return Vec::new();
        };
        let mut hosts = wizard.interview.answers.hosts.iter_mut();
        let Some(host) = hosts.find(|host| host.name == name) else {
            return Vec::new();
        };
        if !host.overrides.contains(&check) {
            host.overrides.push(check);
        }
        let row = self.grid.rows.get_mut(self.cell.0);
        if let Some(cell) = row.and_then(|row| row.cells.get_mut(&check)) {
            cell.level = Level::Overridden;
        }
        if self.count(Level::Fails) == 0 {
            common.say(say::ALL_OVERRULED);
        } else {
            self.next();
        }
        common.draft()
    }
}
