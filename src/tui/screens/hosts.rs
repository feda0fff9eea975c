//! The hosts, and what is still wrong with them.

use ratatui::Frame;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::super::model::Model;
use super::super::text;
use super::run::padded;
use super::table::{self, Cell};
use super::{from_chosen, wrapped};

pub fn draw(model: &Model, frame: &mut Frame<'_>) {
    let Some(wizard) = &model.wizard else { return };
    let theme = model.theme;
    let area = super::walk::body(model);
    let width = usize::from(area.width);
    let answers = &wizard.answers;
    let mut lines: Vec<Line<'_>> = wrapped(text::HOSTS_WHY, width)
        .into_iter()
        .map(|line| Line::styled(line, theme.faint()))
        .collect();
    lines.push(Line::default());

    let plain = |text: String| -> Cell { (text, Style::new()) };
    let mut rows = vec![table::heads(&text::HOST_HEADS, theme.faint())];
    for (place, host) in answers.hosts.iter().enumerate() {
        let fine = wizard.host_problems(place).is_empty();
        let (mark, style) = if fine {
            (theme.good_mark(), theme.good())
        } else {
            (theme.bad_mark(), theme.bad())
        };
        rows.push(vec![
            (format!("{mark} {}", host.name), style),
            plain(host.role.to_string()),
            plain(host.address.clone()),
            plain(host.node_ip.map_or_else(String::new, |ip| ip.to_string())),
            plain(text::user(host.user.as_ref().or(answers.ssh.user.as_ref()))),
            plain(answers.ssh_port(host).to_string()),
        ]);
    }
    let mut chosen_line = 0;
    for (row, line) in table::lines(&rows).into_iter().enumerate() {
        let is_chosen = row == wizard.chosen + 1;
        if is_chosen {
            chosen_line = lines.len();
            lines.push(padded(line, width).patch_style(theme.selected()));
        } else {
            lines.push(line);
        }
        let Some(place) = row.checked_sub(1) else {
            continue;
        };
        for problem in wizard.host_problems(place) {
            let field = problem.key.rsplit('.').next().unwrap_or_default();
            let what = format!("{field} {}", problem.message);
            for line in wrapped(&what, width.saturating_sub(4)) {
                lines.push(Line::styled(format!("    {line}"), theme.bad()));
            }
        }
    }
    if answers.hosts.is_empty() {
        lines.push(Line::from(text::NO_HOSTS));
    }
    lines.push(Line::default());
    for problem in answers.problems() {
        if problem.key == "hosts" {
            let what = format!("{} {}", theme.dot(), problem.message);
            for line in wrapped(&what, width) {
                lines.push(Line::styled(line, theme.warning()));
            }
        }
    }
    let shown = from_chosen(lines, chosen_line, usize::from(area.height));
    frame.render_widget(Paragraph::new(shown), area);
}
