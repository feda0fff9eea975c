//! A form: why it is there and which hosts it concerns; then a field a row, and below the one with
//! focus what it is for, or what is wrong. The fields scroll, what stands above them does not.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

use super::{FormPage, text};
use crate::frontends::tui::common::Common;
use crate::frontends::tui::form_editor::{FieldEntry, FormEditor};
use crate::frontends::tui::layout;
use crate::frontends::tui::page::Page;
use crate::frontends::tui::theme::Theme;
use crate::frontends::tui::widgets::{fit, scrolled, stepper, styled, wrapped};
use crate::interview::form::{Field, Form, Kind};
use crate::interview::text::section as say;

const LABEL: usize = 22;

pub fn draw(page: &FormPage, common: &Common, frame: &mut Frame<'_>) {
    let Some(editor) = &page.editor else { return };
    if page.page != Page::Open {
        stepper::of_walk(common, page.page, frame);
    }
    let (above, [head, area]) = places(page, common, editor);
    frame.render_widget(Paragraph::new(above), head);
    if editor.form.fields.is_empty() {
        let lines = Rows::new(common.theme, editor, usize::from(area.width)).lines;
        scrolled(common.theme, lines, page.scroll, area, frame);
        return;
    }
    let rows = Rows::new(common.theme, editor, usize::from(area.width));
    let height = usize::from(area.height);
    // The field with focus is seen whole, with what is below it where that is the rest.
    let to = if editor.is_at_end() {
        rows.lines.len()
    } else {
        rows.focused.end
    };
    let skip = to.saturating_sub(height).min(rows.focused.start);
    let cursor = rows.cursor;
    scrolled(common.theme, rows.lines, skip, area, frame);
    let Some((row, column)) = cursor else { return };
    let row = row.checked_sub(skip).filter(|row| *row < height);
    if let (Some(row), None) = (row, common.help) {
        let cells = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
        let x = cells(column).min(area.width.saturating_sub(1));
        frame.set_cursor_position(Position::new(area.x + x, area.y + cells(row)));
    }
}

/// How many lines of a form without fields there is no room for.
pub fn most_scroll(page: &FormPage, common: &Common) -> usize {
    let Some(editor) = &page.editor else {
        return 0;
    };
    let (_, [_, area]) = places(page, common, editor);
    let rows = Rows::new(common.theme, editor, usize::from(area.width));
    rows.lines.len().saturating_sub(usize::from(area.height))
}

/// What stands above the fields, its place, and theirs.
fn places<'a>(
    page: &FormPage,
    common: &Common,
    editor: &'a FormEditor,
) -> (Vec<Line<'a>>, [Rect; 2]) {
    let body = match page.page {
        Page::Open => layout::frame(common.size).body,
        _ => layout::beside_stepper(common.size).1,
    };
    let above = above(common.theme, editor, body.width);
    let places = layout::form(body, above.len());
    (above, places)
}

/// The title, why, and the hosts.
fn above(theme: Theme, editor: &FormEditor, width: u16) -> Vec<Line<'_>> {
    let form = &editor.form;
    let width = usize::from(width);
    let mut lines = vec![Line::styled(form.title, theme.title())];
    lines.extend(styled(form.why, width, theme.faint()));
    if let Some(hosts) = &form.hosts {
        let (names, style) = if hosts.is_empty() {
            (say::NO_HOSTS.to_owned(), theme.warning())
        } else {
            (hosts.join(", "), Style::new())
        };
        let names = fit(&names, width.saturating_sub(say::HOSTS.len()), theme);
        lines.push(Line::from(vec![
            Span::styled(say::HOSTS, theme.faint()),
            Span::styled(names, style),
        ]));
    }
    lines
}

/// The fields and what stands below them.
struct Rows<'a> {
    lines: Vec<Line<'a>>,
    focused: std::ops::Range<usize>,
    /// Row and column.
    cursor: Option<(usize, usize)>,
}

impl Rows<'static> {
    fn new(theme: Theme, editor: &FormEditor, width: usize) -> Self {
        let mut rows = Self {
            lines: Vec::new(),
            focused: 0..0,
            cursor: None,
        };
        let hides = editor.revealed == 0;
        for (number, (field, entry)) in editor.fields().enumerate() {
            let start = rows.lines.len();
            let is_focused = number == editor.focus;
            rows.field(theme, (field, entry), hides, is_focused, width);
            if is_focused {
                rows.focused = start..rows.lines.len();
            }
        }
        rows.below(theme, &editor.form, width);
        rows
    }

    fn field(
        &mut self,
        theme: Theme,
        (field, entry): (&Field, &FieldEntry),
        hides: bool,
        focused: bool,
        width: usize,
    ) {
        if let Some(head) = field.head {
            self.lines.push(Line::styled(head, theme.title()));
        }
        let mark = if focused { theme.focus_mark() } else { " " };
        let style = if focused {
            theme.accent()
        } else {
            theme.faint()
        };
        let label = Span::styled(format!("{mark} {:<LABEL$}", field.label), style);
        if let Kind::Choice(choices) = field.kind {
            self.choices(theme, label, (choices, field.value()), width);
        } else {
            let room = width.saturating_sub(LABEL + 3);
            let mut label = Some(label);
            // In brackets: without colours, too, it does not look like what was typed.
            let default = field.value().is_empty() && !field.placeholder().is_empty();
            let mut default = default.then(|| {
                let text = fit(&format!("({})", field.placeholder()), room, theme);
                Span::styled(text, theme.faint())
            });
            for (text, cursor) in texts(field, entry, hides) {
                let cursor = cursor.filter(|_| focused);
                let (text, at) = window(theme, text, cursor, room);
                if cursor.is_some() {
                    self.cursor = Some((self.lines.len(), LABEL + 2 + at));
                }
                let indent = || Span::raw(" ".repeat(LABEL + 2));
                let label = label.take().unwrap_or_else(indent);
                let mut spans = vec![label, Span::raw(text)];
                spans.extend(default.take());
                self.lines.push(Line::from(spans));
            }
        }
        self.note(theme, field, entry, focused, width);
    }

    /// All choices and the chosen one, in as many lines as they need.
    fn choices(
        &mut self,
        theme: Theme,
        label: Span<'static>,
        (choices, chosen): (&[&str], &str),
        width: usize,
    ) {
        let mut line = Line::from(label);
        let mut is_first = true;
        for choice in choices {
            let style = if *choice == chosen {
                theme.selected()
            } else {
                theme.faint()
            };
            let span = Span::styled(format!(" {choice} "), style);
            if !is_first && line.width() + span.width() > width {
                let next = Line::from(" ".repeat(LABEL + 2));
                self.lines.push(std::mem::replace(&mut line, next));
            }
            line.push_span(span);
            line.push_span(Span::raw(" "));
            is_first = false;
        }
        self.lines.push(line);
    }

    /// What is wrong with a field; else, what it is for.
    fn note(
        &mut self,
        theme: Theme,
        field: &Field,
        entry: &FieldEntry,
        focused: bool,
        width: usize,
    ) {
        let (note, style) = match &entry.error {
            Some(error) => (format!("{} {error}", theme.bad_mark()), theme.bad()),
            None if entry.generated => (text::GENERATED.to_owned(), theme.good()),
            None if focused => (field.help.to_owned(), theme.faint()),
            None => return,
        };
        for line in wrapped(&note, width.saturating_sub(4)) {
            self.lines.push(Line::styled(format!("    {line}"), style));
        }
    }

    fn below(&mut self, theme: Theme, form: &Form, width: usize) {
        if form.does.is_empty() {
            return;
        }
        if !form.fields.is_empty() {
            self.lines.push(Line::default());
        }
        self.lines.push(Line::styled(say::DOES, theme.title()));
        for does in &form.does {
            let mut mark = theme.dot();
            for line in wrapped(does, width.saturating_sub(4)) {
                self.lines.push(Line::from(format!("  {mark} {line}")));
                mark = " ";
            }
        }
    }
}

/// The lines of a field as they are shown, and where the cursor is in the one that has it.
fn texts(field: &Field, entry: &FieldEntry, hides: bool) -> Vec<(String, Option<usize>)> {
    let (value, cursor) = if hides && field.is_hidden() {
        let stars = |text: &str| "*".repeat(text.chars().count());
        let before = stars(&field.value()[..entry.cursor]).len();
        (stars(field.value()), before)
    } else {
        (field.value().to_owned(), entry.cursor)
    };
    let mut start = 0;
    value
        .split('\n')
        .map(|line| {
            let at = cursor.checked_sub(start).filter(|at| *at <= line.len());
            start += line.len() + 1;
            (line.to_owned(), at)
        })
        .collect()
}

/// The part of a text that fits: around the cursor, or from the beginning. And the cursor's cell.
fn window(theme: Theme, text: String, cursor: Option<usize>, width: usize) -> (String, usize) {
    let before = &text[..cursor.unwrap_or(0)];
    let cells = before.width();
    if text.width() <= width {
        return (text, cells);
    }
    let mut from = 0;
    if cells + 1 >= width {
        // As much of what stands before the cursor as there is room for, beside a wide letter.
        let mut room = width.saturating_sub(2);
        from = before.len();
        for (at, letter) in before.grapheme_indices(true).rev() {
            match room.checked_sub(letter.width()) {
                Some(left) => (room, from) = (left, at),
                None => break,
            }
        }
    }
    let at = text[from..cursor.unwrap_or(0).max(from)].width();
    let mut room = width;
    let mut to = from;
    for (start, letter) in text[from..].grapheme_indices(true) {
        match room.checked_sub(letter.width()) {
            Some(left) => (room, to) = (left, from + start + letter.len()),
            None => break,
        }
    }
    let more = if to < text.len() { theme.more() } else { "" };
    (format!("{}{more}", &text[from..to]), at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frontends::tui::theme::Palette;

    #[test]
    fn the_cursor_is_always_in_the_part_that_is_shown() {
        let theme = Theme {
            palette: Palette::Mono,
            ascii: false,
        };
        let text = "0123456789äöü日本語xyz";
        for (at, _) in text.char_indices().chain([(text.len(), ' ')]) {
            let (shown, cell) = window(theme, text.to_owned(), Some(at), 8);
            assert!(shown.width() <= 9 && cell < 8, "{shown} {cell}");
            let rest: String = text[at..].chars().take(1).collect();
            assert!(shown.contains(&rest), "{shown} at {rest}");
        }
        let (shown, _) = window(theme, text.to_owned(), None, 8);
        assert_eq!(shown, "01234567…");
    }
}
