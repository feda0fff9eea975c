//! The keys of the page, over it.

use ratatui::Frame;
use ratatui::text::{Line, Span};

use super::super::keys::{self, Told};
use super::super::model::Model;
use super::super::text;
use super::over;

const KEY: usize = 10;

pub fn draw(model: &Model, scroll: usize, frame: &mut Frame<'_>) {
    let height = usize::from(frame.area().height).saturating_sub(4);
    let all = lines(model);
    let from = scroll.min(all.len().saturating_sub(height));
    let shown = all.into_iter().skip(from).take(height).collect();
    over(model, text::HELP_TITLE, shown, frame);
}

pub fn most_scroll(model: &Model) -> usize {
    let height = usize::from(model.size.1).saturating_sub(4);
    lines(model).len().saturating_sub(height)
}

fn lines(model: &Model) -> Vec<Line<'static>> {
    // What the page below understands, not the help itself.
    let below = model.below_help();
    let mut lines: Vec<Line<'static>> = keys::active(&below)
        .filter(|binding| binding.told != Told::Nowhere)
        .map(|binding| {
            Line::from(vec![
                Span::styled(
                    format!("{:>KEY$}  ", binding.key.to_string()),
                    model.theme.accent(),
                ),
                Span::raw(binding.says),
            ])
        })
        .collect();
    lines.push(Line::default());
    lines.push(Line::from(text::HELP_MOUSE));
    lines
}
