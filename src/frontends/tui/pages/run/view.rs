//! The run page.
//!
//! ```text
//! ✓ 1 Postgres          │ Steps · Server 1  3/7
//! ✓ 2 Certificates      │ All hosts
//! ⠋ 3 Server 1          │ ✓ k3s-server-1 tools: the host can download over HTTPS       1.2s
//! · 4 Server 2 … N      │ ⠋ k3s-server-1 start: K3s runs, and its node is Ready          8s
//! · 5 Load balancer     │ ▸ Log · All hosts  follow:on wrap:off times:off
//! · 6 Agents            │ k3s-server-1 │ Starting k3s ...
//! · 7 Cluster           │ k3s-server-1 ! level=warning msg=…
//! ```

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use unicode_width::UnicodeWidthStr as _;

use super::text;
use crate::events::progress::{Counts, StepProgress};
use crate::frontends::tui::common::Common;
use crate::frontends::tui::layout;
use crate::frontends::tui::log::{LineKind, LogLine, Pane, matches, split};
use crate::frontends::tui::run_view::{Focus, RunView};
use crate::frontends::tui::widgets::{bar, fit, pad, padded, stepper};

/// How wide the bar is, in cells.
const SHORTEST_BAR: usize = 8;
const LONGEST_BAR: usize = 40;

pub fn draw(common: &Common, frame: &mut Frame<'_>) {
    let areas = layout::run(common.size, common.run.zoom);
    if let Some(area) = areas.stepper {
        stepper::of_run(common, common.run.phase, area, frame);
    }
    if let Some(area) = areas.overall {
        stepper::separator(common.theme, area, frame);
        frame.render_widget(overall(common, usize::from(area.width)), area);
    }
    if let Some(area) = areas.steps {
        stepper::separator(common.theme, area, frame);
        steps(common, area, frame);
    }
    stepper::separator(common.theme, areas.log, frame);
    log(common, areas.log, frame);
}

/// How many steps of the whole run are finished, and how long the rest will probably take.
fn overall(common: &Common, width: usize) -> Line<'static> {
    let (theme, run) = (common.theme, &common.run);
    let counts = run.progress.counts();
    if counts.total == 0 {
        return Line::default();
    }
    let count = text::overall(counts);
    let estimate = common.earlier.estimate(&run.progress, run.clock);
    let estimate = estimate.map_or(String::new(), |estimate| text::estimated(&estimate));
    let room = width.saturating_sub(count.width() + 2 + estimate.width() + 2);
    let bar = bar(
        theme,
        counts.finished(),
        counts.total,
        room.clamp(SHORTEST_BAR, LONGEST_BAR),
    );
    let mut line = vec![Span::raw(format!("{count}  "))];
    line.extend(bar);
    line.push(Span::styled(format!("  {estimate}"), theme.faint()));
    Line::from(line)
}

fn title(common: &Common, focused: bool, name: &str) -> Vec<Span<'static>> {
    let theme = common.theme;
    if focused {
        vec![Span::styled(
            format!("{} {name}", theme.focus_mark()),
            theme.accent(),
        )]
    } else {
        vec![Span::styled(format!("  {name}"), theme.title())]
    }
}

fn steps(common: &Common, area: Rect, frame: &mut Frame<'_>) {
    let theme = common.theme;
    let run = &common.run;
    let shown = run.shown_steps();
    let counts = Counts::of(shown);
    let phase = run.shown_phase().map_or("", |phase| &phase.title);
    let focused = run.focus == Focus::Steps;
    let mut head = title(
        common,
        focused,
        &format!("{} {} {phase}", text::STEPS, theme.dot()),
    );
    head.push(Span::styled(
        format!("  {}", text::steps_title(counts)),
        theme.faint(),
    ));
    frame.render_widget(Line::from(head), Rect { height: 1, ..area });

    let list = below_title(area);
    let height = usize::from(list.height);
    let width = usize::from(list.width);
    let rows = 1 + shown.len();
    let from = first_row(run, height);
    let hosts = shown
        .iter()
        .map(|step| step.host.as_deref().unwrap_or(text::HERE).width())
        .max()
        .unwrap_or(0)
        .min(16);
    let lines: Vec<Line<'_>> = (from..rows)
        .take(height)
        .map(|row| {
            let line = match row.checked_sub(1) {
                None => Line::from(format!("  {}", text::EVERYTHING)),
                Some(place) => step(common, &shown[place], width, hosts),
            };
            if row == run.chosen {
                padded(line, width).patch_style(theme.selected())
            } else {
                line
            }
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), list);
}

/// The first row of the list of steps that is shown: what is chosen stays in sight; where nothing
/// is, what is at work does.
fn first_row(run: &RunView, height: usize) -> usize {
    let shown = run.shown_steps();
    let in_sight = if run.chosen == 0 {
        shown
            .iter()
            .rposition(|step| step.order.is_some())
            .map_or(0, |place| place + 1)
    } else {
        run.chosen
    };
    let rows = 1 + shown.len();
    (in_sight + 2)
        .saturating_sub(height)
        .min(rows.saturating_sub(height))
}

/// What is at a place of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hit {
    Phase(usize),
    /// A row of the list of steps: 0 is everything.
    Step(usize),
    Log,
}

pub fn hit(common: &Common, place: Position) -> Option<Hit> {
    let areas = layout::run(common.size, common.run.zoom);
    let row = |area: Rect| usize::from(place.y - area.y);
    if let Some(area) = areas.stepper.filter(|area| area.contains(place)) {
        let known = row(area) < common.run.progress.phases.len();
        return known.then_some(Hit::Phase(row(area)));
    }
    if let Some(area) = areas
        .steps
        .map(below_title)
        .filter(|area| area.contains(place))
    {
        let step = first_row(&common.run, usize::from(area.height)) + row(area);
        let known = step <= common.run.shown_steps().len();
        return known.then_some(Hit::Step(step));
    }
    areas.log.contains(place).then_some(Hit::Log)
}

fn step(common: &Common, step: &StepProgress, width: usize, hosts: usize) -> Line<'static> {
    let (mark, style) = common.theme.step(&step.status, common.run.clock);
    let (state, style) = match common.run.progress.lost_since(step) {
        Some(since) => (
            text::reconnecting(since, common.run.clock),
            common.theme.warning(),
        ),
        None => (text::step_state(&step.status, common.run.clock), style),
    };
    let host = fit(
        step.host.as_deref().unwrap_or(text::HERE),
        hosts,
        common.theme,
    );
    let name = text::step_name(step);
    let name = name.split_once('/').map_or(name, |(_, name)| name);
    // What the step is to reach, where there is room for it.
    let room = width.saturating_sub(2 + hosts + 2 + state.width() + 1);
    let words = if room > name.width() + 12 {
        format!("{name}: {}", step.title)
    } else {
        name.to_owned()
    };
    Line::from(vec![
        Span::styled(mark, style),
        Span::raw(" "),
        Span::raw(format!("{host:<hosts$}  ")),
        Span::raw(pad(&fit(&words, room, common.theme), room)),
        Span::raw(" "),
        Span::styled(state, style),
    ])
}

fn log(common: &Common, area: Rect, frame: &mut Frame<'_>) {
    let run = &common.run;
    let lines = run.log.lines(run.which());
    frame.render_widget(log_title(common, &lines), Rect { height: 1, ..area });

    let place = below_title(area);
    if lines.is_empty() {
        let text = if run.progress.run.is_some() {
            text::NO_LINES
        } else {
            text::NOT_BEGUN
        };
        frame.render_widget(Line::styled(text, common.theme.faint()), place);
        return;
    }
    let room = common.log_room();
    let first = run.pane.first(&lines, room);
    let mut rows: Vec<Line<'_>> = Vec::with_capacity(room.height);
    for line in &lines[first..] {
        rows.extend(log_rows(common, line, room.width));
        if rows.len() >= room.height {
            break;
        }
    }
    // A wrapped last line shows its end.
    let height = room.height;
    let skip = if run.pane.follow {
        rows.len().saturating_sub(height)
    } else {
        0
    };
    let rows: Vec<_> = rows.into_iter().skip(skip).take(height).collect();
    frame.render_widget(Paragraph::new(rows), place);
}

fn log_title(common: &Common, lines: &[&LogLine]) -> Line<'static> {
    let theme = common.theme;
    let run = &common.run;
    let pane = &run.pane;
    let what = match run.chosen.checked_sub(1) {
        Some(place) => run
            .shown_steps()
            .get(place)
            .map_or(String::new(), |step| step.id.to_string()),
        None => text::EVERYTHING.to_owned(),
    };
    let focused = run.focus == Focus::Log || run.zoom;
    let mut head = title(
        common,
        focused,
        &format!("{} {} {what}", text::LOG, theme.dot()),
    );
    if !pane.search.is_empty() {
        let text = text::searched(&pane.search, pane.found);
        head.push(Span::styled(format!("  {text}"), theme.accent()));
    }
    let switches = [
        text::switch("follow", pane.follow),
        text::switch("wrap", pane.wrap),
        text::switch("times", pane.times),
    ];
    head.push(Span::styled(
        format!("  {}", switches.join(" ")),
        theme.faint(),
    ));
    let unseen = pane.unseen(lines);
    if unseen > 0 {
        let text = text::unseen(theme.paused(), unseen);
        head.push(Span::styled(format!("  {text}"), theme.warning()));
    } else if run.log.gone() > 0 && !pane.follow {
        let text = text::earlier_lines(run.log.gone());
        head.push(Span::styled(format!("  {text}"), theme.faint()));
    }
    Line::from(head)
}

fn log_rows(common: &Common, line: &LogLine, width: usize) -> Vec<Line<'static>> {
    let theme = common.theme;
    let run = &common.run;
    let hosts = run.host_width();
    let host = fit(run.host_name(line.host), hosts, common.theme);
    let (mark, base) = match line.kind {
        LineKind::Out => (theme.stream(false), Style::new()),
        LineKind::Err => (theme.stream(true), theme.stderr()),
        LineKind::Note => (theme.focus_mark(), theme.busy()),
    };
    // Where the search stands, also at the end of the log.
    let is_hit = !run.pane.search.is_empty() && run.pane.hit == Some(line.number);
    let (mark, mark_style) = match line.kind {
        _ if is_hit => (theme.focus_mark(), theme.found()),
        LineKind::Out => (mark, theme.faint()),
        LineKind::Err | LineKind::Note => (mark, base),
    };
    let wraps = run.pane.wraps(line);
    let mut parts = split(&line.text, width);
    let cut = !wraps && parts.len() > 1;
    if cut {
        parts = split(&line.text, width.saturating_sub(1).max(1));
        parts.truncate(1);
    }
    let spans = spans(&run.pane, line, base, theme.found());
    parts
        .into_iter()
        .enumerate()
        .map(|(number, part)| {
            let mut row = Vec::new();
            let (time, host) = if number == 0 {
                (text::clock(line.at), host.as_str())
            } else {
                (String::new(), "")
            };
            if run.pane.times {
                row.push(Span::styled(format!("{time:>9} "), theme.faint()));
            }
            row.push(Span::styled(pad(host, hosts), theme.faint()));
            row.push(Span::styled(format!(" {mark} "), mark_style));
            for (from, to, style) in &spans {
                let (from, to) = ((*from).max(part.start), (*to).min(part.end));
                if from < to {
                    row.push(Span::styled(line.text[from..to].to_owned(), *style));
                }
            }
            if cut {
                row.push(Span::styled(theme.more(), theme.faint()));
            }
            Line::from(row)
        })
        .collect()
}

/// The parts of a line that have one style each: the host's colours, and what was found.
fn spans(pane: &Pane, line: &LogLine, base: Style, found: Style) -> Vec<(usize, usize, Style)> {
    let hits = matches(&line.text, &pane.search);
    let mut ends: Vec<usize> = line.styles.iter().map(|(at, _)| *at).collect();
    ends.extend(hits.iter().flat_map(|hit| [hit.start, hit.end]));
    ends.extend([0, line.text.len()]);
    ends.sort_unstable();
    ends.dedup();
    ends.windows(2)
        .map(|pair| {
            let own = line.styles.iter().rev().find(|(at, _)| *at <= pair[0]);
            let mut style = own.map_or(base, |(_, style)| base.patch(*style));
            if hits.iter().any(|hit| hit.contains(&pair[0])) {
                style = style.patch(found);
            }
            (pair[0], pair[1], style)
        })
        .collect()
}

/// The name of the file that the shown log is saved as.
pub fn file_name(run: &RunView) -> String {
    let id = run.progress.run.as_ref().map_or("run", |run| &run.run);
    let what = match run.chosen.checked_sub(1) {
        Some(place) => run
            .shown_steps()
            .get(place)
            .map_or("step", |step| step.id.as_str()),
        None => "all",
    };
    let plain = |letter: char| {
        if letter.is_ascii_alphanumeric() || letter == '-' {
            letter
        } else {
            '-'
        }
    };
    let name = format!("{id}-{what}");
    format!("{}.log", name.chars().map(plain).collect::<String>())
}

fn below_title(area: Rect) -> Rect {
    Rect {
        y: area.y + area.height.min(1),
        height: area.height.saturating_sub(1),
        ..area
    }
}
