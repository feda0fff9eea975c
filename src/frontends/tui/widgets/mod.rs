//! What pages are drawn with. No page is known here.
//!
//! * here: texts that are made to fit, lines that scroll, a box over the page
//! * `stepper`: where one is among steps; `table`; `matrix`: a table in which a cell is chosen
//! * `sparkline`: how long clients had no answer
//! * `step_details`: what a step of a plan does; `help`: the keys of the page below it

pub mod help;
pub mod matrix;
pub mod sparkline;
pub mod step_details;
pub mod stepper;
pub mod table;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph};
use unicode_width::UnicodeWidthStr as _;

use super::log::split;
use super::theme::Theme;

/// A text cut to a width, with a sign that it was.
pub fn fit(text: &str, width: usize, theme: Theme) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let more = theme.more();
    let end = split(text, width.saturating_sub(1).max(1))
        .first()
        .map_or(0, |part| part.end);
    let cut = format!("{}{more}", &text[..end]);
    if cut.width() > width {
        String::new()
    } else {
        cut
    }
}

/// A text filled up to a width in cells.
pub fn pad(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(text.width());
    format!("{text}{}", " ".repeat(missing))
}

/// A line filled up to a width in cells.
pub fn padded(mut line: Line<'_>, width: usize) -> Line<'_> {
    let missing = width.saturating_sub(line.width());
    line.push_span(Span::raw(" ".repeat(missing)));
    line
}

/// A text in lines that fit, all in one style.
pub fn styled(
    text: &str,
    width: usize,
    style: Style,
) -> impl Iterator<Item = Line<'static>> + use<> {
    let lines = wrapped(text, width).into_iter();
    lines.map(move |line| Line::styled(line, style))
}

/// A text in lines that fit, with words kept whole where that is possible.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for line in text.lines() {
        let mut current = String::new();
        for word in line.split(' ') {
            let space = usize::from(!current.is_empty());
            if current.width() + space + word.width() <= width {
                if space == 1 {
                    current.push(' ');
                }
                current.push_str(word);
                continue;
            }
            if !current.is_empty() {
                lines.push(std::mem::take(&mut current));
            }
            let parts = split(word, width.max(1));
            for (number, part) in parts.iter().enumerate() {
                if number + 1 < parts.len() {
                    lines.push(word[part.clone()].to_owned());
                } else {
                    word[part.clone()].clone_into(&mut current);
                }
            }
        }
        lines.push(current);
    }
    lines
}

/// How much of something is done, in so many cells.
pub fn bar(theme: Theme, done: usize, of: usize, width: usize) -> [Span<'static>; 2] {
    let filled = (done.min(of) * width).checked_div(of).unwrap_or(0);
    let (full, empty) = theme.bar();
    [
        Span::styled(full.repeat(filled), theme.good()),
        Span::styled(empty.repeat(width - filled), theme.faint()),
    ]
}

/// As many lines as there is room for, so that the chosen one and what follows it is among them.
pub fn from_chosen(lines: Vec<Line<'_>>, chosen: usize, height: usize) -> Vec<Line<'_>> {
    let most = lines.len().saturating_sub(height);
    let from = (chosen + 1).saturating_sub(height / 2).min(most);
    lines.into_iter().skip(from).take(height).collect()
}

/// Lines from some line on, with a mark where there are more.
pub fn scrolled(
    theme: Theme,
    lines: Vec<Line<'static>>,
    scroll: usize,
    area: Rect,
    frame: &mut Frame<'_>,
) {
    let height = usize::from(area.height);
    let count = lines.len();
    let from = scroll.min(lines.len().saturating_sub(height));
    let shown: Vec<_> = lines.into_iter().skip(from).take(height).collect();
    frame.render_widget(Paragraph::new(shown), area);
    let (above, below) = theme.more_lines();
    let mut mark = |shows: bool, mark: &'static str, y: u16| {
        if shows && area.height > 0 && area.width > 0 {
            let place = Rect::new(area.x + area.width - 1, y, 1, 1);
            frame.render_widget(Line::styled(mark, theme.accent()), place);
        }
    };
    mark(from > 0, above, area.y);
    mark(
        from + height < count,
        below,
        area.y + area.height.saturating_sub(1),
    );
}

/// One line at the left end, one at the right, the left one cut where both do not fit.
pub fn ends(left: Line<'_>, right: Line<'_>, area: Rect, frame: &mut Frame<'_>) {
    let taken = u16::try_from(right.width())
        .unwrap_or(u16::MAX)
        .min(area.width);
    let right_area = Rect {
        x: area.x + area.width - taken,
        width: taken,
        ..area
    };
    let left_area = Rect {
        width: area.width.saturating_sub(taken + 1),
        ..area
    };
    frame.render_widget(left, left_area);
    frame.render_widget(right, right_area);
}

/// A box over the page, in the middle; where its inside is.
pub fn over(theme: Theme, title: &str, lines: Vec<Line<'_>>, frame: &mut Frame<'_>) -> Rect {
    let area = frame.area();
    let widest = lines.iter().map(Line::width).max().unwrap_or(0);
    let width = u16::try_from(widest.max(title.width()) + 4).unwrap_or(u16::MAX);
    let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX);
    let width = width.min(area.width);
    let height = height.min(area.height);
    let place = Rect {
        x: (area.width - width) / 2,
        y: (area.height - height) / 2,
        width,
        height,
    };
    frame.render_widget(Clear, place);
    let block = ratatui::widgets::Block::bordered()
        .border_set(border(theme))
        .border_style(theme.accent())
        .title(format!(" {title} "));
    let inner = Rect {
        x: place.x + 2,
        width: place.width.saturating_sub(4),
        ..block.inner(place)
    };
    frame.render_widget(block, place);
    frame.render_widget(Paragraph::new(lines), inner);
    inner
}

fn border(theme: Theme) -> ratatui::symbols::border::Set<'static> {
    use ratatui::symbols::border;
    if theme.ascii {
        border::Set {
            top_left: "+",
            top_right: "+",
            bottom_left: "+",
            bottom_right: "+",
            vertical_left: "|",
            vertical_right: "|",
            horizontal_top: "-",
            horizontal_bottom: "-",
        }
    } else {
        border::PLAIN
    }
}
