//! What was answered, with what is wrong on top; or the plan that was made of it.

use ratatui::Frame;
use ratatui::style::Style;
use ratatui::text::Line;

use super::super::model::{Detail, Model, Page};
use super::super::text::field as say;
use super::super::{layout, text};
use super::table::{self, Cell};
use super::{phase, scrolled, wrapped};
use crate::answers::{Answers, Secret};

pub fn draw(model: &Model, frame: &mut Frame<'_>) {
    let Some(wizard) = &model.wizard else { return };
    let area = layout::frame(model.size).body;
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
    let width = usize::from(layout::frame(model.size).body.width);
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
    let answers = &wizard.answers;
    let mut page = Vec::new();
    let mut notes = |texts: Vec<String>, mark: &str, style: Style| {
        for text in texts {
            for line in wrapped(&format!("{mark} {text}"), width) {
                page.push(Line::styled(line, style));
            }
        }
    };
    let problems = answers.problems().iter().map(ToString::to_string).collect();
    notes(problems, theme.bad_mark(), theme.bad());
    notes(answers.warnings(), "!", theme.warning());
    if page.is_empty() {
        page.push(Line::styled(text::ANSWERS_VALID, theme.good()));
    }
    page.push(Line::default());
    page.extend(table::lines(&summary(model, answers)));
    page.push(Line::default());
    page.extend(table::lines(&hosts(model, answers)));
    page.push(Line::default());
    for line in wrapped(text::REVIEW_NEXT, width) {
        page.push(Line::styled(line, theme.faint()));
    }
    page
}

fn plan_line(model: &Model, line: &str) -> Line<'static> {
    let style = if line.starts_with(' ') {
        Style::new()
    } else {
        model.theme.title()
    };
    Line::styled(line.to_owned(), style)
}

fn summary(model: &Model, answers: &Answers) -> Vec<Vec<Cell>> {
    let mut rows = Vec::new();
    let mut row = |name: &str, value: String| {
        if !value.is_empty() {
            rows.push(vec![
                (name.to_owned(), model.theme.faint()),
                (value, Style::new()),
            ]);
        }
    };
    let field = |(label, _): (&'static str, &'static str)| label;
    row(field(say::CLUSTER), answers.cluster.name.clone());
    row(field(say::VERSION), answers.k3s.version.clone());
    row(field(say::INSTALL_URL), answers.k3s.install_url.clone());
    row(
        field(say::ARTIFACT_URL),
        answers.k3s.artifact_url.clone().unwrap_or_default(),
    );
    row(field(say::DATABASE), answers.postgres.database.clone());
    row(field(say::DB_USER), answers.postgres.user.clone());
    row(
        field(say::DB_PASSWORD),
        secret(answers.postgres.password.as_ref()),
    );
    row(field(say::DB_PORT), answers.postgres.port.to_string());
    row(
        field(say::DB_NAME),
        answers.postgres.name.clone().unwrap_or_default(),
    );
    row(field(say::TOKEN), secret(answers.k3s.token.as_ref()));
    row(
        field(say::AGENT_TOKEN),
        secret(answers.k3s.agent_token.as_ref()),
    );
    row(field(say::TLS_SAN), answers.k3s.tls_san.join(" "));
    row(field(say::LB_PORT), answers.load_balancer.port.to_string());
    row(field(say::LB_NAMES), answers.load_balancer.names.join(" "));
    for (kind, settings) in [
        (text::SERVER_SETTINGS, &answers.k3s.server_config),
        (text::AGENT_SETTINGS, &answers.k3s.agent_config),
    ] {
        for (key, value) in settings {
            row(kind, format!("{key} = {value}"));
        }
    }
    rows
}

fn secret(secret: Option<&Secret>) -> String {
    match secret {
        None => text::GENERATED.to_owned(),
        Some(Secret::Inline(_)) => text::GIVEN.to_owned(),
        Some(reference) => format!("{reference:?}"),
    }
}

fn hosts(model: &Model, answers: &Answers) -> Vec<Vec<Cell>> {
    let mut rows = vec![table::heads(&text::HOST_HEADS, model.theme.faint())];
    for host in &answers.hosts {
        let cells = [
            host.name.clone(),
            host.role.to_string(),
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

    #[test]
    fn no_secret_is_shown() {
        let inline = Secret::Inline("hunter2hunter2".to_owned().into());
        assert_eq!(secret(Some(&inline)), text::GIVEN);
        assert_eq!(secret(None), text::GENERATED);
    }
}
