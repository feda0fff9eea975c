//! What was answered, with what is wrong on top; or the plan that was made of it.

use ratatui::Frame;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::super::model::{Detail, Model, Page};
use super::super::page_order::{self, ORDER};
use super::super::text;
use super::super::theme::Theme;
use super::super::wizard::Wizard;
use super::run::pad;
use super::table::{self, Cell};
use super::{phase, scrolled, wrapped};
use crate::answers::Answers;
use crate::interview::binding;
use crate::interview::form::Field;

pub fn draw(model: &Model, frame: &mut Frame<'_>) {
    let Some(wizard) = &model.wizard else { return };
    let area = super::stepper::body(model);
    scrolled(model.theme, lines(model), wizard.scroll, area, frame);
}

pub fn count(model: &Model) -> usize {
    lines(model).len()
}

fn lines(model: &Model) -> Vec<Line<'static>> {
    let Some(wizard) = &model.wizard else {
        return Vec::new();
    };
    let theme = model.theme;
    let width = usize::from(super::stepper::body(model).width);
    if model.page == Page::Plan {
        let mut page: Vec<_> = wrapped(text::PLAN_WHY, width)
            .into_iter()
            .map(|line| Line::styled(line, theme.faint()))
            .collect();
        page.push(Line::default());
        if wizard.detail == Detail::None {
            let plan = wizard.plan.text.lines();
            page.extend(plan.map(|line| plan_line(model, line)));
            return page;
        }
        for step in &wizard.plan.steps {
            if wizard.detail == Detail::Files && step.files.is_empty() {
                continue;
            }
            let title = text::step_with_script(step.id.as_str(), &step.title);
            page.push(Line::styled(title, model.theme.title()));
            page.extend(phase::details(model, step, wizard.detail));
            page.push(Line::default());
        }
        return page;
    }
    let mut page = verdict(model, wizard, width);
    page.extend(
        wrapped(text::REVIEW_NEXT, width)
            .into_iter()
            .map(|line| Line::styled(line, theme.faint())),
    );
    for (place, group) in ORDER.into_iter().take(page_order::GROUPS).enumerate() {
        page.push(Line::default());
        let head = format!("{} {}", place + 1, text::page(group));
        page.push(Line::styled(head, theme.title()));
        let start = page.len();
        if let Page::Options(section) = group {
            for field in &wizard.interview.section_form(section).fields {
                page.extend(row(theme, field.label, &value(field), width));
            }
        } else {
            page.extend(table::lines(&hosts(theme, &wizard.interview.answers)));
            page.extend(of_hosts(theme, &wizard.interview.answers, width));
        }
        if page.len() == start {
            page.push(Line::styled(
                format!("  {}", text::NOTHING_ASKED),
                theme.faint(),
            ));
        }
    }
    page
}

/// What is wrong, each with the number of the group in which it is set right.
fn verdict(model: &Model, wizard: &Wizard, width: usize) -> Vec<Line<'static>> {
    let theme = model.theme;
    let mut lines = Vec::new();
    let mut note = |text: &str, style: Style| {
        for line in wrapped(text, width) {
            lines.push(Line::styled(line, style));
        }
    };
    let problems = wizard.interview.problems();
    for problem in &problems {
        let group =
            page_order::place(page_order::page_of(&problem.key)).map_or(0, |place| place + 1);
        let text = text::problem_of_group(theme.bad_mark(), group, &problem.to_string());
        note(&text, theme.bad());
    }
    for warning in wizard.interview.answers.warnings() {
        note(&format!("! {warning}"), theme.warning());
    }
    if problems.is_empty() {
        note(text::ANSWERS_VALID, theme.good());
    }
    lines
}

fn plan_line(model: &Model, line: &str) -> Line<'static> {
    let style = if line.starts_with(' ') {
        Style::new()
    } else {
        model.theme.title()
    };
    Line::styled(line.to_owned(), style)
}

/// A label with what stands in its field; nothing where nothing does.
fn row(theme: Theme, label: &str, value: &str, width: usize) -> Vec<Line<'static>> {
    const LABEL: usize = 21;
    if value.is_empty() {
        return Vec::new();
    }
    let mut label = label.to_owned();
    wrapped(value, width.saturating_sub(LABEL + 2))
        .into_iter()
        .map(|line| {
            let label = pad(&std::mem::take(&mut label), LABEL);
            Line::from(vec![
                Span::styled(format!("  {label}"), theme.faint()),
                Span::raw(line),
            ])
        })
        .collect()
}

/// What is told of a field: of a secret, never the secret.
fn value(field: &Field) -> String {
    if !field.is_secret() {
        return field.value().to_owned();
    }
    let logs_in = !field.key.starts_with("postgres.") && !field.key.starts_with("k3s.");
    let told = match (field.value().is_empty(), field.is_hidden()) {
        (true, _) if logs_in => "",
        (true, _) => text::GENERATED,
        (false, true) if logs_in => text::GIVEN_FOR_NOW,
        (false, true) => text::GIVEN,
        (false, false) => field.value(),
    };
    told.to_owned()
}

/// What else is said of hosts.
fn of_hosts(theme: Theme, answers: &Answers, width: usize) -> Vec<Line<'static>> {
    const IN_TABLE: [&str; 6] = ["name", "role", "address", "node_ip", "user", "port"];
    let mut lines = Vec::new();
    for host in &answers.hosts {
        let form = binding::of_host(host);
        let fields = form.fields.iter();
        let said: Vec<_> = fields
            .filter(|field| !IN_TABLE.contains(&field.key))
            .map(|field| (field.label, value(field)))
            .filter(|(_, value)| !value.is_empty())
            .map(|(label, value)| text::labelled(label, &value))
            .collect();
        lines.extend(row(theme, &host.name, &said.join("\n"), width));
    }
    lines
}

fn hosts(theme: Theme, answers: &Answers) -> Vec<Vec<Cell>> {
    let mut rows = vec![table::heads(&text::HOST_HEADS, theme.faint())];
    for host in &answers.hosts {
        let cells = [
            format!("  {}", host.name),
            host.role().to_string(),
            host.address.clone(),
            host.node_ip.map_or_else(String::new, |ip| ip.to_string()),
            text::user(host.user.as_ref().or(answers.ssh.user.as_ref())),
            answers.ssh_port(host).to_string(),
        ];
        rows.push(cells.map(|cell| (cell, Style::new())).to_vec());
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interview::form::Kind;

    #[test]
    fn no_secret_is_shown() {
        let of = |key: &'static str, text: &str| {
            value(&Field::new(
                key,
                ("l", "h"),
                Kind::Secret { generates: false },
                text,
            ))
        };
        assert_eq!(of("k3s.token", "hunter2hunter2"), text::GIVEN);
        assert_eq!(of("k3s.token", ""), text::GENERATED);
        assert_eq!(of("k3s.token", "env:TOKEN"), "env:TOKEN");
        assert_eq!(of("password", "hunter2"), text::GIVEN_FOR_NOW);
        assert_eq!(of("ssh.password", ""), "");
    }
}
