//! What there is to begin with, as a list.

use ratatui::Frame;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::{WelcomeChoice, WelcomePage, choice, text};
use crate::frontends::tui::common::Common;
use crate::frontends::tui::layout;
use crate::frontends::tui::widgets::{from_chosen, padded, styled, wrapped};
use crate::interview::offers::Offer;

pub fn draw(page: &WelcomePage, common: &Common, frame: &mut Frame<'_>) {
    let Some(wizard) = common.mode.wizard() else {
        return;
    };
    let theme = common.theme;
    let area = layout::frame(common.size).body;
    let width = usize::from(area.width);
    let mut lines = Vec::new();
    for paragraph in [text::WELCOME_WHAT, text::WELCOME_NEEDS] {
        lines.extend(wrapped(paragraph, width).into_iter().map(Line::from));
        lines.push(Line::default());
    }
    let mut warn = |what: &str| {
        lines.extend(styled(what, width, theme.warning()));
        lines.push(Line::default());
    };
    if wizard.interview.found.needs_tmux {
        warn(text::WELCOME_TMUX);
    }
    if let Some(trouble) = &wizard.interview.found.trouble {
        warn(trouble);
    }
    let found = &wizard.interview.found;
    let row = lines.len() + page.chosen;
    for (number, offer) in found.offers().into_iter().enumerate() {
        let (name, what) = match choice(found, offer).0 {
            WelcomeChoice::Watch(place) => {
                let cluster = &found.clusters[place];
                (text::watch(&cluster.name), cluster.story.clone())
            }
            WelcomeChoice::Begin(Offer::Cluster(place)) => {
                let cluster = &found.clusters[place];
                let name = if cluster.unfinished {
                    text::offer_resume(&cluster.name)
                } else {
                    text::offer_again(&cluster.name)
                };
                (name, cluster.story.clone())
            }
            WelcomeChoice::Begin(Offer::Draft) => (
                text::OFFER_DRAFT.0.to_owned(),
                text::OFFER_DRAFT.1.to_owned(),
            ),
            WelcomeChoice::Begin(Offer::New) => {
                (text::OFFER_NEW.0.to_owned(), text::OFFER_NEW.1.to_owned())
            }
            WelcomeChoice::Begin(Offer::Open) => {
                (text::OFFER_OPEN.0.to_owned(), text::OFFER_OPEN.1.to_owned())
            }
        };
        let chosen = number == page.chosen;
        let mark = if chosen { theme.focus_mark() } else { " " };
        let line = Line::from(vec![
            Span::styled(format!("{mark} {name:<26}"), theme.title()),
            Span::raw(format!(" {what}")),
        ]);
        lines.push(if chosen {
            padded(line, width).patch_style(theme.selected())
        } else {
            line
        });
    }
    frame.render_widget(
        Paragraph::new(from_chosen(lines, row, usize::from(area.height))),
        area,
    );
}
