//! The drills in a table, what the one with the focus does, and the box in which they are confirmed.

use ratatui::Frame;
use ratatui::layout::Position;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use unicode_width::UnicodeWidthStr as _;

use super::{ChoiceState, DrillsPage, text};
use crate::frontends::tui::common::Common;
use crate::frontends::tui::layout;
use crate::frontends::tui::theme::Theme;
use crate::frontends::tui::widgets::table::{self, TableCell};
use crate::frontends::tui::widgets::{from_chosen, over, padded, styled, wrapped};
use crate::procedures::drill::DrillOffer;
use crate::report::drill::seconds;

/// How wide the text of the box is.
const BOX: usize = 64;

pub fn draw(page: &DrillsPage, common: &Common, frame: &mut Frame<'_>) {
    let theme = common.theme;
    let area = layout::frame(common.size).body;
    let width = usize::from(area.width);
    let mut lines = above(page, theme, width);
    let mut rows = rows(page, theme, width).into_iter();
    lines.extend(rows.next());
    lines.extend(from_chosen(rows.collect(), page.row, room(page, common)));
    lines.extend(below(page, theme, width));
    frame.render_widget(Paragraph::new(lines), area);
    if let ChoiceState::Confirming(name) = &page.state {
        confirm(page, name, common, frame);
    }
}

/// For how many drills there is room.
pub fn room(page: &DrillsPage, common: &Common) -> usize {
    let body = layout::frame(common.size).body;
    let width = usize::from(body.width);
    let around = above(page, common.theme, width).len() + below(page, common.theme, width).len();
    usize::from(body.height).saturating_sub(around + 1).max(1)
}

fn above(page: &DrillsPage, theme: Theme, width: usize) -> Vec<Line<'static>> {
    let title = text::title(&page.cluster, page.chosen.len(), page.rows().len());
    let mut lines = vec![Line::styled(title, theme.title())];
    lines.extend(styled(text::WHY, width, theme.faint()));
    match &page.offers {
        None => lines.extend(styled(text::LISTING, width, theme.busy())),
        Some(Err(why)) => lines.extend(styled(&text::not_listed(why), width, theme.bad())),
        Some(Ok(_)) => {}
    }
    if let ChoiceState::Starting = page.state {
        lines.extend(styled(text::STARTING, width, theme.busy()));
    } else if let Some(why) = &page.refused {
        lines.extend(styled(&text::not_started(why), width, theme.bad()));
    }
    lines.push(Line::default());
    lines
}

/// The heads, and a row a drill.
fn rows(page: &DrillsPage, theme: Theme, width: usize) -> Vec<Line<'static>> {
    if page.rows().is_empty() {
        return Vec::new();
    }
    let mut heads = table::heads(&text::HEADS, theme.faint());
    if let Some((head, _)) = heads.first_mut() {
        head.insert_str(0, "      ");
    }
    let rows = page.rows().iter().enumerate();
    let rows = rows.map(|(number, offer)| {
        let is_chosen = page.chosen.contains(&offer.name);
        row(theme, offer, number == page.row, is_chosen)
    });
    let all: Vec<_> = std::iter::once(heads).chain(rows).collect();
    let lines = table::fitted(theme, &all, 1, 0, width).lines.into_iter();
    let lines = lines.enumerate().map(|(number, line)| {
        if number == page.row + 1 {
            padded(line, width).patch_style(theme.selected())
        } else {
            line
        }
    });
    lines.collect()
}

fn row(theme: Theme, offer: &DrillOffer, has_focus: bool, is_chosen: bool) -> Vec<TableCell> {
    let focus = if has_focus { theme.focus_mark() } else { " " };
    let (mark, style) = match (&offer.refused, is_chosen) {
        (Some(_), _) => (" - ", theme.faint()),
        (None, true) => ("[x]", theme.accent()),
        (None, false) => ("[ ]", Style::new()),
    };
    let (api, of_api) = match (&offer.refused, offer.interrupts) {
        (Some(_), _) => ("", Style::new()),
        (None, true) => (text::AWAY, theme.warning()),
        (None, false) => (text::SERVED, Style::new()),
    };
    let mut cells = vec![
        (format!("{focus} {mark} {}", offer.name), style),
        (api.to_owned(), of_api),
    ];
    if let Some(last) = &offer.last {
        let of_lost = if last.lost > 0 {
            theme.bad()
        } else {
            Style::new()
        };
        cells.push((seconds(last.longest_gap()), Style::new()));
        cells.push((last.lost.to_string(), of_lost));
        cells.push((seconds(last.redundant_after), Style::new()));
    }
    cells
}

/// The drill with the focus: what it does, what it risks, what it showed.
fn below(page: &DrillsPage, theme: Theme, width: usize) -> Vec<Line<'static>> {
    let Some(offer) = page.rows().get(page.row) else {
        return Vec::new();
    };
    let mut lines = vec![Line::default()];
    let mut say = |text: &str, style: Style| lines.extend(styled(text, width, style));
    if let Some(why) = &offer.refused {
        say(&why.to_string(), theme.warning());
        return lines;
    }
    say(&offer.title, theme.title());
    let style = if offer.interrupts {
        theme.warning()
    } else {
        Style::new()
    };
    say(&offer.risk, style);
    let last = offer.last.as_ref().map_or(text::NEVER.to_owned(), |last| {
        let (gap, kept) = (
            seconds(last.longest_gap()),
            seconds(last.longest_without_kept),
        );
        text::last(&gap, &kept, last.acknowledged, last.lost)
    });
    say(&last, theme.faint());
    lines
}

fn confirm(page: &DrillsPage, name: &str, common: &Common, frame: &mut Frame<'_>) {
    let theme = common.theme;
    let chosen = page
        .rows()
        .iter()
        .filter(|it| page.chosen.contains(&it.name));
    let interrupting = chosen.filter(|offer| offer.interrupts).count();
    let text = text::confirm(page.chosen.len(), interrupting, &page.cluster);
    let mut lines: Vec<Line<'_>> = wrapped(&text, BOX).into_iter().map(Line::from).collect();
    lines.push(Line::default());
    lines.push(Line::raw(text::CONFIRM_NAME));
    let row = lines.len();
    let field = Line::from(vec![
        Span::styled(format!("{} ", theme.focus_mark()), theme.accent()),
        Span::raw(name.to_owned()),
    ]);
    // As wide whatever is typed.
    lines.push(padded(field, BOX));
    let inner = over(theme, text::CONFIRM_TITLE, lines, frame);
    let cells = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
    let column = cells(name.width() + 2);
    if common.help.is_none() && column < inner.width && cells(row) < inner.height {
        frame.set_cursor_position(Position::new(inner.x + column, inner.y + cells(row)));
    }
}
