//! The preflight as a page: a grid of checks, who reaches whom, and what is done about them.

use std::cmp::Reverse;

use crate::answers::Check;
use crate::platform::network::Contact;
use crate::platform::preflight::{Cell, Grid, Level};
use crate::topology::Link;

use super::connecting;
use super::keys::Action;
use super::model::{Effect, Model, Page};
use super::text::checks as say;
use super::wizard::{Ask, draft, go};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    Grid,
    /// Who reaches whom.
    Ways,
}

#[derive(Debug)]
pub struct Checks {
    /// Hosts on which something fails come first.
    pub grid: Grid,
    pub links: Vec<(Link, Contact)>,
    pub view: View,
    /// The row and column that are chosen, in each view.
    pub cell: (usize, usize),
    pub pair: (usize, usize),
    /// So many lines of what stands below are passed over.
    pub skip: usize,
    /// All is done again when what is at work has ended.
    again: bool,
}

impl Checks {
    pub fn new(mut grid: Grid, links: Vec<(Link, Contact)>) -> Self {
        let worst = |cells: &std::collections::BTreeMap<Check, Cell>| {
            cells.values().map(|cell| cell.level).max()
        };
        grid.rows.sort_by_key(|row| Reverse(worst(&row.cells)));
        let mut checks = Self {
            grid,
            links,
            view: View::Grid,
            cell: (0, 0),
            pair: (0, 0),
            skip: 0,
            again: false,
        };
        let first = [Level::Fails, Level::Overruled, Level::Warns]
            .into_iter()
            .find_map(|level| checks.places().find(|at| checks.level(*at) == Some(level)));
        checks.cell = first.unwrap_or_default();
        checks
    }

    /// The checks that were made.
    pub fn columns(&self) -> Vec<Check> {
        let rows = &self.grid.rows;
        let made = |check: &Check| rows.iter().any(|row| row.cells.contains_key(check));
        Check::ALL.into_iter().filter(made).collect()
    }

    pub fn hosts(&self) -> Vec<&str> {
        self.grid.rows.iter().map(|row| &*row.host).collect()
    }

    pub fn at(&self, (row, column): (usize, usize)) -> Option<&Cell> {
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
    pub fn chosen_fails(&self) -> bool {
        self.view == View::Grid && self.level(self.cell) == Some(Level::Fails)
    }

    pub fn count(&self, level: Level) -> usize {
        self.grid.of(level).count()
    }

    /// The ways from one host to another.
    pub fn ways(&self, (from, to): (usize, usize)) -> Vec<&(Link, Contact)> {
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
    pub fn way(&self, at: (usize, usize)) -> Option<&Contact> {
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

    /// The next place where something is not well, round and round.
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
        let ill = |at: &&(usize, usize)| match self.view {
            View::Grid => self.level(**at).is_some_and(|level| level != Level::Fine),
            View::Ways => self.way(**at).is_some_and(|way| *way != Contact::Reached),
        };
        let after = all.iter().position(|at| *at == now).map_or(0, |at| at + 1);
        let (before, behind) = all.split_at(after.min(all.len()));
        let next = behind.iter().chain(before).find(ill).copied();
        match (self.view, next) {
            (_, None) => {}
            (View::Grid, Some(next)) => self.cell = next,
            (View::Ways, Some(next)) => self.pair = next,
        }
    }
}

pub fn scroll(model: &mut Model, by: isize) {
    if let Some(checks) = checks(model) {
        checks.go(by, 0);
    }
}

fn checks(model: &mut Model) -> Option<&mut Checks> {
    model.wizard.as_mut()?.checks.as_mut()
}

pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let at_work = model.at_work;
    let Some(wizard) = &mut model.wizard else {
        return Vec::new();
    };
    let planned = at_work && !wizard.plan.text.is_empty();
    let Some(checks) = &mut wizard.checks else {
        return Vec::new();
    };
    match action {
        Action::Left => checks.go(0, -1),
        Action::Right => checks.go(0, 1),
        Action::NextField => checks.next(),
        Action::More => checks.skip += 1,
        Action::View => {
            checks.skip = 0;
            checks.view = match checks.view {
                View::Grid => View::Ways,
                View::Ways => View::Grid,
            };
        }
        Action::Overrule if !at_work && checks.chosen_fails() => {
            let (_, check, _) = checks.chosen().unwrap_or(("", Check::Os, None));
            match check.stands() {
                Some(why) => model.say(say::cell(check.as_str(), check, why)),
                None => wizard.asks = Some(Ask::Overrule),
            }
        }
        Action::Retry if at_work => {
            checks.again = true;
            return vec![Effect::Begin(false)];
        }
        Action::Continue if planned => go(model, Page::Plan),
        Action::Continue if at_work => model.say(say::BEING_PLANNED),
        Action::Continue if checks.count(Level::Fails) > 0 => {
            let fails = checks.count(Level::Fails);
            model.say(say::fails(fails));
        }
        Action::Retry | Action::Continue => {
            let answers = wizard.interview.answers.clone();
            return connecting::reach(model, answers);
        }
        Action::Back => {
            go(model, Page::Review);
            return at_work
                .then_some(Effect::Begin(false))
                .into_iter()
                .collect();
        }
        _ => {}
    }
    Vec::new()
}

/// The operator knows better about the chosen check: that goes into the answers.
pub fn overrule(model: &mut Model) -> Vec<Effect> {
    let Some(wizard) = &mut model.wizard else {
        return Vec::new();
    };
    let Some(checks) = &mut wizard.checks else {
        return Vec::new();
    };
    let Some((name, check, _)) = checks.chosen() else {
        return Vec::new();
    };
    let mut hosts = wizard.interview.answers.hosts.iter_mut();
    let Some(host) = hosts.find(|host| host.name == name) else {
        return Vec::new();
    };
    if !host.overrule.contains(&check) {
        host.overrule.push(check);
    }
    let row = checks.grid.rows.get_mut(checks.cell.0);
    if let Some(cell) = row.and_then(|row| row.cells.get_mut(&check)) {
        cell.level = Level::Overruled;
    }
    if checks.count(Level::Fails) == 0 {
        model.say(say::ALL_OVERRULED);
    } else {
        checks.next();
    }
    draft(model)
}

/// What was at work has ended: where all was to be done again, it is.
pub fn over(model: &mut Model) -> Vec<Effect> {
    let again = checks(model).is_some_and(|checks| checks.again);
    match &model.wizard {
        Some(wizard) if again && model.page == Page::Checks && !model.leaving => {
            let answers = wizard.interview.answers.clone();
            connecting::reach(model, answers)
        }
        _ => Vec::new(),
    }
}
