//! The keys of the page, over it.

use ratatui::Frame;
use ratatui::text::{Line, Span};

use super::super::action::Action;
use super::super::keys::{self, ListedIn, Scope};
use super::super::text;
use super::super::theme::Theme;
use super::{over, scrolled, wrapped};

const KEY: usize = 10;
/// The widest text that fits beside the borders of the least screen.
const TEXT: usize = 72;

/// `scopes`: those of the page below.
pub fn draw(theme: Theme, scopes: &[Scope], scroll: usize, frame: &mut Frame<'_>) {
    let height = usize::from(frame.area().height).saturating_sub(4);
    let all = lines(theme, scopes);
    // As wide as the widest of all lines, wherever it is scrolled to; one more cell for the marks.
    let widest = all.iter().map(Line::width).max().unwrap_or(0) + 1;
    let place = vec![Line::from(" ".repeat(widest)); all.len().min(height)];
    let inner = over(theme, text::HELP_TITLE, place, frame);
    scrolled(theme, all, scroll, inner, frame);
}

pub fn most_scroll(theme: Theme, scopes: &[Scope], size: (u16, u16)) -> usize {
    let height = usize::from(size.1).saturating_sub(4);
    lines(theme, scopes).len().saturating_sub(height)
}

fn lines(theme: Theme, scopes: &[Scope]) -> Vec<Line<'static>> {
    let mut lines: Vec<Line<'static>> = keys::active(scopes)
        .filter(|binding| binding.listed != ListedIn::Nothing)
        .map(|binding| {
            let key = match binding.action {
                Action::Phase(_) => text::key::PHASE_KEYS.to_owned(),
                _ => binding.key.to_string(),
            };
            Line::from(vec![
                Span::styled(format!("{key:>KEY$}  "), theme.accent()),
                Span::raw(binding.says),
            ])
        })
        .collect();
    lines.push(Line::default());
    lines.extend(wrapped(text::HELP_MOUSE, TEXT).into_iter().map(Line::from));
    lines
}
