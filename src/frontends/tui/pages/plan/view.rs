//! The plan as it is printed, or its steps with their scripts or files.

use ratatui::Frame;
use ratatui::style::Style;
use ratatui::text::Line;

use super::{PlanPage, text};
use crate::frontends::tui::common::Common;
use crate::frontends::tui::layout;
use crate::frontends::tui::shown_plan::Detail;
use crate::frontends::tui::theme::Theme;
use crate::frontends::tui::widgets::{scrolled, step_details, styled};

pub fn draw(page: &PlanPage, common: &Common, frame: &mut Frame<'_>) {
    let area = layout::frame(common.size).body;
    scrolled(common.theme, lines(common), page.scroll, area, frame);
}

pub fn count(common: &Common) -> usize {
    lines(common).len()
}

fn lines(common: &Common) -> Vec<Line<'static>> {
    let Some(wizard) = common.mode.wizard() else {
        return Vec::new();
    };
    let theme = common.theme;
    let width = usize::from(layout::frame(common.size).body.width);
    let mut page: Vec<_> = styled(text::PLAN_WHY, width, theme.faint()).collect();
    if let Some(left) = &wizard.plan.left {
        page.extend(styled(&left.to_string(), width, theme.title()));
    }
    page.push(Line::default());
    if wizard.detail == Detail::None {
        let plan = wizard.plan.text.lines();
        page.extend(plan.map(|line| plan_line(theme, line)));
        return page;
    }
    for step in &wizard.plan.steps {
        if wizard.detail == Detail::Files && step.files.is_empty() {
            continue;
        }
        let title = text::step_with_script(step.id.as_str(), &step.title);
        page.push(Line::styled(title, theme.title()));
        page.extend(step_details::lines(theme, step, wizard.detail));
        page.push(Line::default());
    }
    page
}

fn plan_line(theme: Theme, line: &str) -> Line<'static> {
    let style = if line.starts_with(' ') {
        Style::new()
    } else {
        theme.title()
    };
    Line::styled(line.to_owned(), style)
}
