//! Why a host was not reached, and the box in which a secret is asked for.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr as _;

use super::super::common::Common;
use super::super::log::split;
use super::super::message::Unreached;
use super::super::theme::Theme;
use super::super::widgets::{fit, over, pad, styled, wrapped};
use super::{Prompt, text as say};

const WIDTH: usize = 64;
/// A name and a fingerprint fit beside each other on the least screen.
const NAME: usize = 24;

pub fn draw(common: &Common, prompt: &Prompt, frame: &mut Frame<'_>) {
    let Some(wanted) = prompt.wanted() else {
        return;
    };
    let Some((field, entry)) = prompt.form.fields().next() else {
        return;
    };
    let theme = common.theme;
    let mut lines: Vec<Line<'_>> = wrapped(&say::asks(&prompt.host, &wanted.what), WIDTH)
        .into_iter()
        .map(Line::from)
        .collect();
    if wanted.wrong {
        lines.push(Line::styled(say::WAS_WRONG, theme.warning()));
    }
    if prompt.may_be_same() {
        lines.push(Line::styled(say::MAY_BE_SAME, theme.faint()));
    }
    if prompt.wants.len() > 1 {
        let which = say::one_of(prompt.which + 1, prompt.wants.len());
        lines.push(Line::styled(which, theme.faint()));
    }
    lines.push(Line::default());
    let row = lines.len();
    let mark = format!("{} ", theme.focus_mark());
    let room = WIDTH - 3;
    let before = &field.value()[..entry.cursor];
    // Whatever it begins with: what is typed here is the secret itself.
    let (shown, at) = if prompt.form.revealed == 0 {
        let stars = "*".repeat(field.value().chars().count());
        (stars, before.chars().count())
    } else {
        (field.value().to_owned(), before.width())
    };
    let parts = split(&shown, room);
    let part = (at / room).min(parts.len().saturating_sub(1));
    let piece = parts.get(part).cloned().unwrap_or(0..0);
    lines.push(Line::from(vec![
        Span::styled(mark, theme.accent()),
        Span::raw(shown[piece].to_owned()),
    ]));
    lines.push(Line::default());
    let ticked = if prompt.for_all { "[x]" } else { "[ ]" };
    lines.push(Line::from(format!("{ticked} {}", say::FOR_ALL)));
    lines.extend(styled(say::KEPT_NOWHERE, WIDTH, theme.faint()));
    // As wide whatever is typed.
    if let Some(last) = lines.last_mut() {
        let missing = WIDTH.saturating_sub(last.width());
        last.push_span(" ".repeat(missing));
    }
    let inner: Rect = over(theme, &prompt.host.name, lines, frame);
    let cells = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
    let column = 2 + (at - (part * room).min(at)).min(room);
    if common.help.is_none() && cells(row) < inner.height && cells(column) < inner.width {
        let place = Position::new(inner.x + cells(column), inner.y + cells(row));
        frame.set_cursor_position(place);
    }
}

/// The keys of all hosts that are not known yet, to be compared: name and fingerprint.
pub fn compare(common: &Common, keys: &[(String, String)], frame: &mut Frame<'_>) {
    let theme = common.theme;
    let mut lines: Vec<Line<'_>> = wrapped(say::COMPARE, WIDTH)
        .into_iter()
        .map(Line::from)
        .collect();
    lines.push(Line::styled(say::COMPARE_COMMAND, theme.accent()));
    lines.push(Line::default());
    let names = keys
        .iter()
        .map(|(name, _)| name.width())
        .max()
        .unwrap_or(0)
        .min(NAME);
    for (name, key) in keys {
        let name = pad(&fit(name, NAME, theme), names);
        lines.push(Line::from(format!("{name}  {key}")));
    }
    over(theme, say::COMPARE_TITLE, lines, frame);
}

/// Why a host was not reached, and what can be done about it from here, below its row.
pub fn why(theme: Theme, failed: &Unreached, width: usize, lines: &mut Vec<Line<'static>>) {
    let mut add = |text: &str, style| {
        for line in wrapped(text, width.saturating_sub(4)) {
            lines.push(Line::styled(format!("    {line}"), style));
        }
    };
    add(&failed.why, theme.bad());
    if let Some(key) = &failed.host_key {
        add(&say::trust(key), theme.accent());
    }
    if !failed.wants.is_empty() {
        add(&say::p_gives(&failed.wants), theme.accent());
    }
}
