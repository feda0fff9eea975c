//! The answers part by part, each with its number.

use ratatui::Frame;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{ReviewPage, text};
use crate::answers::Answers;
use crate::frontends::tui::common::Common;
use crate::frontends::tui::layout;
use crate::frontends::tui::page::{self, ORDER, Page};
use crate::frontends::tui::theme::Theme;
use crate::frontends::tui::widgets::table::{self, TableCell};
use crate::frontends::tui::widgets::{fit, pad, scrolled, stepper, styled, wrapped};
use crate::frontends::tui::wizard::WizardSession;
use crate::interview::binding;
use crate::interview::form::Field;
use crate::topology::{LEGEND, PARTS, RecipeKind, Survival, Topology};

pub fn draw(page: &ReviewPage, common: &Common, frame: &mut Frame<'_>) {
    stepper::of_walk(common, Page::Review, frame);
    let (_, area) = layout::beside_stepper(common.size);
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
    let width = usize::from(layout::beside_stepper(common.size).1.width);
    let mut lines = verdict(theme, wizard, width);
    let next = if common.read_only {
        text::REVIEW_READ_ONLY
    } else {
        text::REVIEW_NEXT
    };
    lines.extend(styled(next, width, theme.faint()));
    for (place, group) in ORDER.into_iter().take(page::GROUPS).enumerate() {
        lines.push(Line::default());
        let head = format!("{} {}", place + 1, group.title());
        lines.push(Line::styled(head, theme.title()));
        let start = lines.len();
        if let Page::Options(section) = group {
            for field in &wizard.interview.section_form(section).fields {
                lines.extend(row(theme, field.label, &value(field), width));
            }
        } else {
            lines.extend(table::lines(&hosts(theme, &wizard.interview.answers)));
            lines.extend(of_hosts(theme, &wizard.interview.answers, width));
            for (host, what) in wizard.given() {
                let host = host.as_deref().unwrap_or(text::ALL_HOSTS);
                lines.extend(row(theme, host, &text::given(what), width));
            }
        }
        if lines.len() == start {
            lines.push(Line::styled(
                format!("  {}", text::NOTHING_ASKED),
                theme.faint(),
            ));
        }
    }
    if wizard.interview.problems().is_empty() {
        lines.extend(losses(theme, &wizard.interview.answers, width));
    }
    lines
}

/// What is wrong, each with the number of the group in which it is set right.
fn verdict(theme: Theme, wizard: &WizardSession, width: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let mut note = |text: &str, style: Style| {
        lines.extend(styled(text, width, style));
    };
    let problems = wizard.interview.problems();
    for problem in &problems {
        let page = Page::of_key(&problem.key);
        let group = page.place().map_or(0, |place| place + 1);
        let told = wizard.interview.told(problem);
        let text = text::problem_of_group(theme.bad_mark(), group, page.title(), &told);
        note(&text, theme.bad());
    }
    for warning in wizard.interview.answers.warnings() {
        note(&format!("! {warning}"), theme.warning());
    }
    if problems.is_empty() {
        note(text::ANSWERS_VALID, theme.good());
        if let Ok(topology) = Topology::of(&wizard.interview.answers) {
            note(&topology.survival(), Style::new());
        }
    }
    lines
}

/// The cluster drawn, and what survives the loss of which machine.
fn losses(theme: Theme, answers: &Answers, width: usize) -> Vec<Line<'static>> {
    let Ok(topology) = Topology::of(answers) else {
        return Vec::new();
    };
    let mut lines = vec![Line::default(), Line::styled(text::DRAWN, theme.title())];
    let drawing = topology.drawing().into_iter();
    lines.extend(
        drawing.map(|line| Line::raw(format!("  {}", fit(&line, width.saturating_sub(2), theme)))),
    );
    lines.push(Line::default());
    lines.push(Line::styled(text::LOSSES, theme.title()));
    let losses = topology.losses();
    let mut heads = table::heads(&PARTS, theme.faint());
    heads.insert(0, (text::LOSS_OF.to_owned(), theme.faint()));
    let rows = losses.iter().map(|loss| {
        let parts = loss.parts().map(|part| {
            let style = match part {
                Survival::GoesOn | Survival::ByItself => theme.good(),
                Survival::ByHand => theme.warning(),
                Survival::Stops => theme.bad(),
            };
            (part.as_str().to_owned(), style)
        });
        let of = (format!("  {}", loss.of), Style::new());
        std::iter::once(of).chain(parts).collect()
    });
    let rows: Vec<Vec<TableCell>> = std::iter::once(heads).chain(rows).collect();
    let mut rows = table::lines(&rows).into_iter();
    lines.extend(rows.next());
    for (row, loss) in rows.zip(&losses) {
        lines.push(row);
        for line in wrapped(&loss.why, width.saturating_sub(4)) {
            lines.push(Line::styled(format!("    {line}"), theme.faint()));
        }
    }
    lines.extend(styled(LEGEND, width, theme.faint()));
    for advice in topology.advice() {
        lines.extend(styled(&advice, width, Style::new()));
    }
    if topology.api.is_external() {
        lines.extend(recipes(theme, &topology, width));
    }
    lines
}

/// How the external load balancer is configured.
fn recipes(theme: Theme, topology: &Topology, width: usize) -> Vec<Line<'static>> {
    let mut lines = vec![Line::default(), Line::styled(text::RECIPES, theme.title())];
    for kind in RecipeKind::ALL {
        lines.push(Line::default());
        for line in topology.recipe(kind).lines() {
            // It is copied: what is too long goes on below.
            let indent = line.len() - line.trim_start().len();
            let room = width.saturating_sub(indent + 2);
            for line in wrapped(line.trim_start(), room) {
                lines.push(Line::raw(format!("  {:indent$}{line}", "")));
            }
        }
    }
    lines
}

/// A label with what stands in its field; no line where that is empty.
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
    let is_made = field.key.starts_with("postgres.") || field.key.starts_with("k3s.");
    let logs_in = field.key == "postgres.admin" || !is_made;
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

fn hosts(theme: Theme, answers: &Answers) -> Vec<Vec<TableCell>> {
    let mut rows = vec![table::heads(&text::HOST_HEADS, theme.faint())];
    for host in &answers.hosts {
        let cells = [
            format!("  {}", host.name),
            host.roles_text(),
            host.address.clone(),
            host.node_ip.map_or_else(String::new, |ip| ip.to_string()),
            text::user(host.user.as_ref().or(answers.ssh.user.as_ref())),
            text::port(host.port.or(answers.ssh.port)),
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
