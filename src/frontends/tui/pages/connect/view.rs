//! What each host is, or why it was not reached.

use ratatui::Frame;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::{ConnectPage, Connecting, text};
use crate::events::progress::Status;
use crate::frontends::tui::common::Common;
use crate::frontends::tui::credential_prompt;
use crate::frontends::tui::layout;
use crate::frontends::tui::widgets::{from_chosen, pad, padded, styled};
use crate::frontends::tui::wizard::WizardSession;

pub fn draw(page: &ConnectPage, common: &Common, frame: &mut Frame<'_>) {
    let Some(wizard) = common.mode.wizard() else {
        return;
    };
    list(page, wizard, common, frame);
    if let Some(prompt) = &page.prompt {
        credential_prompt::draw(common, prompt, frame);
    }
    if !page.compares.is_empty() {
        credential_prompt::compare(common, &page.compares, frame);
    }
}

fn list(page: &ConnectPage, wizard: &WizardSession, common: &Common, frame: &mut Frame<'_>) {
    let theme = common.theme;
    let area = layout::frame(common.size).body;
    let width = usize::from(area.width);
    let mut lines: Vec<Line<'static>> = styled(text::CONNECT_WHY, width, theme.faint()).collect();
    lines.push(Line::default());
    let names = page.hosts.iter().map(|(name, _)| name.chars().count());
    let column = names.max().unwrap_or(0).min(24);
    let mut chosen_line = 0;
    for (number, (name, connecting)) in page.hosts.iter().enumerate() {
        let trying = Status::Running {
            since: 0,
            attempt: 1,
            applying: true,
        };
        let (mark, style, what) = match connecting {
            Connecting::Trying => {
                let (mark, style) = theme.step(&trying, wizard.clock);
                (mark, style, text::CONNECTING.to_owned())
            }
            Connecting::Reached(what) => (theme.good_mark(), theme.good(), what.clone()),
            Connecting::Given => (theme.dot(), theme.accent(), text::GIVEN.to_owned()),
            Connecting::Stopped => (theme.dot(), theme.faint(), text::STOPPED.to_owned()),
            Connecting::Failed(_) => (theme.bad_mark(), theme.bad(), text::NOT_REACHED.to_owned()),
        };
        let line = Line::from(vec![
            Span::styled(format!("{mark} "), style),
            Span::styled(pad(name, column), theme.title()),
            Span::raw(format!("  {what}")),
        ]);
        if number == page.chosen {
            chosen_line = lines.len();
            lines.push(padded(line, width).patch_style(theme.selected()));
        } else {
            lines.push(line);
        }
        if let Connecting::Failed(failed) = connecting {
            credential_prompt::why(theme, failed, width, &mut lines);
        }
    }
    if let Some(why) = &wizard.refused {
        lines.push(Line::default());
        lines.extend(styled(why, width, theme.bad()));
    }
    let shown = from_chosen(lines, chosen_line, usize::from(area.height));
    frame.render_widget(Paragraph::new(shown), area);
}
