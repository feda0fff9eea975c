//! The hosts, and what is still wrong with them.

use ratatui::Frame;
use ratatui::style::Style;
use ratatui::text::Line;

use super::{HostsPage, text as say};
use crate::answers::Host;
use crate::events::progress::Status;
use crate::frontends::tui::common::Common;
use crate::frontends::tui::credential_prompt;
use crate::frontends::tui::layout;
use crate::frontends::tui::page::Page;
use crate::frontends::tui::probes::ProbeState;
use crate::frontends::tui::theme::Theme;
use crate::frontends::tui::widgets::table::{self, TableCell};
use crate::frontends::tui::widgets::{padded, scrolled, stepper, styled, wrapped};
use crate::frontends::tui::wizard::WizardSession;

/// From here on there is room for the cluster's addresses, too.
const WIDE: usize = 100;

pub fn draw(page: &HostsPage, common: &Common, frame: &mut Frame<'_>) {
    let Some(wizard) = common.mode.wizard() else {
        return;
    };
    stepper::of_walk(common, Page::Hosts, frame);
    list(wizard, common, frame);
    if let Some(prompt) = &page.prompt {
        credential_prompt::draw(common, prompt, frame);
    }
    if !page.compares.is_empty() {
        credential_prompt::compare(common, &page.compares, frame);
    }
}

fn list(wizard: &WizardSession, common: &Common, frame: &mut Frame<'_>) {
    let theme = common.theme;
    let (_, area) = layout::beside_stepper(common.size);
    let width = usize::from(area.width);
    let answers = &wizard.interview.answers;
    let mut lines: Vec<Line<'static>> = styled(say::HOSTS_WHY, width, theme.faint()).collect();
    lines.push(Line::default());

    let plain = |text: String| -> TableCell { (text, Style::new()) };
    let mut heads = table::heads(&say::HEADS, theme.faint());
    // Where there is room, and something to say.
    let other_ip = |host: &Host| host.node_ip.is_some();
    let node_ips = width >= WIDE && answers.hosts.iter().any(other_ip);
    if node_ips {
        heads.insert(3, (say::NODE_IP.to_owned(), theme.faint()));
    }
    let mut rows = vec![heads];
    for (place, host) in answers.hosts.iter().enumerate() {
        let state = wizard.probes.of(host, answers);
        let fine = wizard.interview.host_problems(place).is_empty();
        // One mark: what is wrong with the entry, or what came of trying the host.
        let (mark, style, what) = if fine {
            connection(theme, wizard, state)
        } else {
            (theme.bad_mark(), theme.bad(), String::new())
        };
        let mut row = vec![
            (format!("{mark} {}", host.name), style),
            plain(host.roles_text()),
            plain(say::address(host, &answers.ssh)),
        ];
        if node_ips {
            row.push(plain(
                host.node_ip.map_or_else(String::new, |ip| ip.to_string()),
            ));
        }
        row.push((what, style));
        rows.push(row);
    }
    let mut chosen_line = 0;
    for (row, line) in table::lines(&rows).into_iter().enumerate() {
        let is_chosen = row == wizard.host + 1;
        let is_cut = line.width() > width;
        if is_chosen {
            chosen_line = lines.len();
            lines.push(padded(line, width).patch_style(theme.selected()));
        } else {
            lines.push(line);
        }
        let Some(place) = row.checked_sub(1) else {
            continue;
        };
        if is_chosen
            && let Some(host) = answers.hosts.get(place)
            && let Some(failed) = wizard.probes.failed(host, answers)
        {
            credential_prompt::why(theme, failed, width, &mut lines);
        }
        if is_chosen
            && is_cut
            && let Some(host) = answers.hosts.get(place)
            && let Some(ProbeState::Is(what)) = wizard.probes.of(host, answers)
        {
            lines.push(Line::styled(format!("    {what}"), theme.good()));
        }
        for problem in wizard.interview.host_problems(place) {
            let field = problem.key.rsplit('.').next().unwrap_or_default();
            let what = format!("{field} {}", problem.message);
            for line in wrapped(&what, width.saturating_sub(4)) {
                lines.push(Line::styled(format!("    {line}"), theme.bad()));
            }
        }
    }
    if answers.hosts.is_empty() {
        lines.push(Line::from(say::NO_HOSTS));
    }
    lines.push(Line::default());
    for problem in answers.problems() {
        if problem.key == "hosts" {
            let what = format!("{} {}", theme.dot(), problem.message);
            lines.extend(styled(&what, width, theme.warning()));
        }
    }
    let height = usize::from(area.height);
    let most = lines.len().saturating_sub(height);
    let from = (chosen_line + 1).saturating_sub(height / 2).min(most);
    scrolled(theme, lines, from, area, frame);
}

/// What came of trying the host in the background: its mark, and in words.
fn connection(
    theme: Theme,
    wizard: &WizardSession,
    state: Option<&ProbeState>,
) -> (&'static str, Style, String) {
    match state {
        // The entry is complete, and that is all that is known.
        None | Some(ProbeState::Waits(_)) if !wizard.probes_hosts => {
            (theme.good_mark(), theme.good(), String::new())
        }
        None | Some(ProbeState::Waits(_)) => (theme.dot(), theme.faint(), String::new()),
        Some(ProbeState::Trying) => {
            let trying = Status::Running {
                since: 0,
                attempt: 1,
                applying: true,
            };
            let (mark, style) = theme.step(&trying, wizard.clock);
            (mark, style, say::CONNECTING.to_owned())
        }
        Some(ProbeState::Is(what)) => (theme.good_mark(), theme.good(), what.clone()),
        Some(ProbeState::Failed(failed)) => {
            let (mark, style, what) = if failed.host_key.is_some() {
                ("?", theme.warning(), say::KEY_UNKNOWN)
            } else if failed.wants.is_empty() {
                (theme.bad_mark(), theme.bad(), say::NOT_REACHED)
            } else {
                ("?", theme.warning(), say::SECRET_WANTED)
            };
            (mark, style, what.to_owned())
        }
    }
}
