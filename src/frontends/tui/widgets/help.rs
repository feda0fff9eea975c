//! The keys of the page, over it.

use ratatui::Frame;
use ratatui::text::{Line, Span};

use super::super::keys::{self, ListedIn, Scope};
use super::super::text;
use super::super::theme::Theme;
use super::over;

const KEY: usize = 10;

/// `scopes`: those of the page below.
pub fn draw(theme: Theme, scopes: &[Scope], scroll: usize, frame: &mut Frame<'_>) {
    let height = usize::from(frame.area().height).saturating_sub(4);
    let all = lines(theme, scopes);
    let from = scroll.min(all.len().saturating_sub(height));
    let shown = all.into_iter().skip(from).take(height).collect();
    over(theme, text::HELP_TITLE, shown, frame);
}

pub fn most_scroll(theme: Theme, scopes: &[Scope], size: (u16, u16)) -> usize {
    let height = usize::from(size.1).saturating_sub(4);
    lines(theme, scopes).len().saturating_sub(height)
}

fn lines(theme: Theme, scopes: &[Scope]) -> Vec<Line<'static>> {
    let mut lines: Vec<Line<'static>> = keys::active(scopes)
        .filter(|binding| binding.listed != ListedIn::Nothing)
        .map(|binding| {
            Line::from(vec![
                Span::styled(
                    format!("{:>KEY$}  ", binding.key.to_string()),
                    theme.accent(),
                ),
                Span::raw(binding.says),
            ])
        })
        .collect();
    lines.push(Line::default());
    lines.push(Line::from(text::HELP_MOUSE));
    lines
}
