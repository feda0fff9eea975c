//! One row a host, one column a check; or who reaches whom. Below, what the chosen
//! cell is about.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::{Now, PreflightPage, View, text as say};
use crate::answers::Check;
use crate::frontends::tui::common::Common;
use crate::frontends::tui::layout;
use crate::frontends::tui::theme::Theme;
use crate::frontends::tui::widgets::matrix::{self, Matrix};
use crate::frontends::tui::widgets::table::TableCell;
use crate::frontends::tui::widgets::{scrolled, styled, wrapped};
use crate::platform::network::Contact;
use crate::platform::preflight::Level;

/// What stands below the grid has so many lines at least.
const BELOW: usize = 8;
/// How wide a column is whose words are written out, and one with marks alone.
const WORDS: usize = 4;
const MARKS: usize = 3;
const WAY: usize = 9;

pub fn draw(page: &PreflightPage, common: &Common, frame: &mut Frame<'_>) {
    let area = layout::frame(common.size).body;
    let (width, height) = (usize::from(area.width), usize::from(area.height));
    let theme = common.theme;
    let mut top = above(page, common, width);
    let wizard = common.mode.wizard();
    if let Some(why) = wizard.and_then(|wizard| wizard.refused.as_ref()) {
        top.extend(styled(why, width, theme.bad()));
    }
    let rows = page.grid.rows.len() + 1;
    let room = rows.min(height.saturating_sub(top.len() + 1 + BELOW));
    let (table, below) = match page.view {
        View::Grid => (
            grid(theme, page, width, room),
            about_cell(page, common, width)
                .into_iter()
                .chain(legend(theme, page, width))
                .collect(),
        ),
        View::Ways => (
            ways(theme, page, width, room),
            about_pair(theme, page, width),
        ),
    };
    top.extend(table);
    top.push(Line::default());
    let used = u16::try_from(top.len())
        .unwrap_or(u16::MAX)
        .min(area.height);
    frame.render_widget(Paragraph::new(top), area);
    let rest = Rect {
        y: area.y + used,
        height: area.height - used,
        ..area
    };
    // Once more than there is, it begins again from the top.
    let pages = below.len().div_ceil(usize::from(rest.height).max(1)).max(1);
    let from = page.skip % pages * usize::from(rest.height);
    scrolled(theme, below, from, rest, frame);
}

fn above(page: &PreflightPage, common: &Common, width: usize) -> Vec<Line<'static>> {
    let theme = common.theme;
    if page.view == View::Ways {
        return styled(say::WAYS, width, theme.faint()).collect();
    }
    let levels = [Level::Fails, Level::Overridden, Level::Trial, Level::Warns];
    let counts = levels.map(|level| page.count(level));
    let fails = counts[0] > 0;
    let style = if fails {
        theme.bad()
    } else if counts.iter().sum::<usize>() > 0 {
        theme.warning()
    } else {
        theme.good()
    };
    let next = say::what_next(next(page, common), fails);
    let all = format!("{}. {next}", say::summary(page.grid.rows.len(), counts));
    let mut lines: Vec<_> = styled(&all, width, style).collect();
    if let Some(verdict) = page.grid.verdict() {
        lines.push(Line::styled(verdict, style));
    }
    lines
}

fn next(page: &PreflightPage, common: &Common) -> say::Next {
    let fails = page.count(Level::Fails) > 0;
    match (page.continues(common), page.checks_in(common)) {
        (Some(left), _) => say::Next::Continues(left),
        (None, Some(left)) => say::Next::Checks(left),
        _ if common.is_planned() => say::Next::Planned,
        _ if page.now == Now::Check => say::Next::Checking,
        _ if fails => say::Next::Fails,
        _ if page.overrode || !common.at_work => say::Next::Anew,
        _ => say::Next::BeingPlanned,
    }
}

fn grid(theme: Theme, page: &PreflightPage, width: usize, height: usize) -> Vec<Line<'static>> {
    let (hosts, made) = (page.hosts(), page.columns());
    let which = heads_that_fit(page, width);
    let heads: Vec<String> = made
        .iter()
        .map(|check| say::heads(*check)[which].to_owned())
        .collect();
    let matrix = Matrix {
        rows: &hosts,
        heads: &heads,
        column: &|at| made.get(at).map_or(0, |check| column(which, *check)),
        chosen: page.cell,
        cell: &|row, at| match page.at((row, at)) {
            None => (say::NOT_NEEDED.to_owned(), theme.faint()),
            Some(cell) => in_grid(theme, cell.level, which == 2),
        },
    };
    matrix::lines(theme, &matrix, width, height)
}

/// How wide a column is with one of the heads of its check.
fn column(which: usize, check: Check) -> usize {
    let least = if which == 2 { MARKS } else { WORDS };
    say::heads(check)[which].len().max(least)
}

/// Which of its heads each check has room for.
fn heads_that_fit(page: &PreflightPage, width: usize) -> usize {
    let room = width.saturating_sub(matrix::names(&page.hosts()));
    let made = page.columns();
    let fits = |which: &usize| {
        let widths = made.iter().map(|check| 1 + column(*which, *check));
        widths.sum::<usize>() <= room
    };
    (0..3).find(fits).unwrap_or(2)
}

/// What short heads and marks stand for.
fn legend(theme: Theme, page: &PreflightPage, width: usize) -> Vec<Line<'static>> {
    let which = heads_that_fit(page, width);
    let heads = page.columns().into_iter().filter_map(|check| {
        let (full, short) = (check.as_str(), say::heads(check)[which]);
        (short != full).then(|| format!("{short} {full}"))
    });
    let levels = [Level::Fails, Level::Overridden, Level::Trial, Level::Warns];
    let marks = levels.into_iter().filter_map(|level| {
        let (mark, _) = in_grid(theme, level, which == 2);
        let explains = mark != say::level(level) && page.count(level) > 0;
        explains.then(|| format!("{mark} {}", say::level(level)))
    });
    let words: Vec<String> = heads.chain(marks).collect();
    if words.is_empty() {
        return Vec::new();
    }
    styled(&words.join(", "), width.saturating_sub(1), theme.faint()).collect()
}

fn in_grid(theme: Theme, level: Level, marks: bool) -> TableCell {
    let (mark, style) = match level {
        Level::Fine => ("ok", theme.good()),
        Level::Warns => ("!", theme.warning()),
        Level::Trial => ("t", theme.warning()),
        Level::Overridden => ("ov", theme.warning()),
        Level::Fails => (theme.bad_mark(), theme.bad()),
    };
    let text = if marks { mark } else { level.word() };
    (text.to_owned(), style)
}

fn about_cell(page: &PreflightPage, common: &Common, width: usize) -> Vec<Line<'static>> {
    let theme = common.theme;
    let mut lines = Vec::new();
    let mut add = |indent: usize, text: &str, style: Style| {
        for line in wrapped(text, width.saturating_sub(indent + 1)) {
            lines.push(Line::styled(format!("{}{line}", " ".repeat(indent)), style));
        }
    };
    let Some((host, check, cell)) = page.chosen() else {
        return lines;
    };
    match cell {
        None => {
            add(0, &say::cell(host, check, say::NOT_NEEDED), theme.title());
            add(2, say::CONCERNS_NOT, theme.faint());
        }
        Some(cell) => {
            let (_, style) = in_grid(theme, cell.level, false);
            add(0, &say::cell(host, check, say::level(cell.level)), style);
            for finding in &cell.findings {
                add(2, &finding.cause, Style::new());
                for line in finding.remedy.lines() {
                    add(4, line, theme.accent());
                }
            }
            if cell.level == Level::Fails && !common.is_planned() && check.stands().is_none() {
                add(2, say::O_OVERRIDES, theme.faint());
            }
        }
    }
    let others: Vec<_> = page
        .grid
        .of(Level::Fails)
        .filter(|(other, of, _)| (*other, *of) != (host, check))
        .map(|(host, check, _)| (host.to_owned(), check))
        .collect();
    if !others.is_empty() {
        add(0, &say::also(&others), theme.bad());
    }
    for note in &page.grid.notes {
        add(0, note, theme.faint());
    }
    lines
}

fn ways(theme: Theme, page: &PreflightPage, width: usize, height: usize) -> Vec<Line<'static>> {
    let hosts = page.hosts();
    let heads: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let matrix = Matrix {
        rows: &hosts,
        heads: &heads,
        column: &|at| hosts.get(at).map_or(WAY, |host| host.len().clamp(WAY, 12)),
        chosen: page.pair,
        cell: &|from, to| match page.way((from, to)) {
            None => (say::NOT_NEEDED.to_owned(), theme.faint()),
            Some(contact) => (say::contact(contact).to_owned(), of_way(theme, contact)),
        },
    };
    matrix::lines(theme, &matrix, width, height)
}

fn of_way(theme: Theme, contact: &Contact) -> Style {
    match contact {
        Contact::Reached => theme.good(),
        Contact::Later => theme.faint(),
        Contact::Untried(_) => theme.warning(),
        Contact::Refused | Contact::Silent | Contact::NoWay(_) => theme.bad(),
    }
}

fn about_pair(theme: Theme, page: &PreflightPage, width: usize) -> Vec<Line<'static>> {
    let hosts = page.hosts();
    let (from, to) = page.pair;
    let mut lines = Vec::new();
    let mut add = |indent: usize, text: &str, style: Style| {
        for line in wrapped(text, width.saturating_sub(indent + 1)) {
            lines.push(Line::styled(format!("{}{line}", " ".repeat(indent)), style));
        }
    };
    if page.links.is_empty() {
        add(0, say::NO_LINKS, theme.faint());
    } else if let (Some(one), Some(other)) = (hosts.get(from), hosts.get(to)) {
        add(0, &say::pair(one, other), theme.title());
        let ways = page.ways((from, to));
        if ways.is_empty() {
            let why = if from == to {
                say::SAME
            } else {
                say::NEEDS_NOT
            };
            add(2, why, theme.faint());
        }
        for (link, contact) in ways {
            add(2, &say::link(link, contact), of_way(theme, contact));
        }
    }
    add(0, say::THROUGH, theme.faint());
    lines
}
