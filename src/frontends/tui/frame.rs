//! The frame around every page: header, message, footer, and what lies over the page. It is drawn from
//! the model alone.

use ratatui::Frame;
use ratatui::layout::{Alignment, Rect};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::Paragraph;
use unicode_width::UnicodeWidthStr as _;

use super::action::Action;
use super::common::Common;
use super::effect::Saved;
use super::keys::{self, Binding, ListedIn};
use super::model::Model;
use super::page::{self, Page};
use super::theme::Theme;
use super::widgets::{ends, help, over, wrapped};
use super::{layout, text};
use crate::events::{Abort, ConnectionState, End};

pub fn view(model: &Model, frame: &mut Frame<'_>) {
    draw(model, frame);
    model.common.theme.scrub(frame.buffer_mut());
}

fn draw(model: &Model, frame: &mut Frame<'_>) {
    let size = (frame.area().width, frame.area().height);
    let (common, theme) = (&model.common, model.common.theme);
    if layout::is_too_small(size) {
        too_small(theme, size, frame);
        return;
    }
    let areas = layout::frame(size);
    header(model, areas.header, frame);
    for rule in [areas.rule_above, areas.rule_below] {
        let line = theme.across().repeat(usize::from(rule.width));
        frame.render_widget(Paragraph::new(line).style(theme.faint()), rule);
    }
    message(model, areas.message, frame);
    footer(model, areas.footer, frame);
    model.shown().draw(common, frame);
    if let Some(scroll) = common.help {
        help::draw(theme, &model.scopes_below_help(), scroll, frame);
    }
    if model.asks_to_stop {
        stop_question(model, frame);
    }
}

fn too_small(theme: Theme, (width, height): (u16, u16), frame: &mut Frame<'_>) {
    let lines = text::too_small(width, height, layout::LEAST);
    let title = Line::styled(lines[0].clone(), theme.title());
    let text = Text::from(vec![title, Line::from(lines[1].clone())]);
    let top = height.saturating_sub(2) / 2;
    let area = Rect::new(0, top, width, height - top);
    frame.render_widget(Paragraph::new(text).alignment(Alignment::Center), area);
}

fn header(model: &Model, area: Rect, frame: &mut Frame<'_>) {
    let (common, page) = (&model.common, model.page);
    let theme = common.theme;
    let run = &common.run;
    let mut left = vec![Span::styled(text::NAME, theme.title())];
    if common.read_only {
        left.push(Span::raw(format!(" {} ", theme.dot())));
        left.push(Span::styled(text::READ_ONLY, theme.warning()));
    }
    let cluster = match (&common.watched, &run.progress.run) {
        (Some(watched), _) => Some(watched.clone()),
        (None, Some(run)) => Some(run.cluster.clone()),
        (None, None) => common
            .mode
            .wizard()
            .map(|wizard| wizard.interview.answers.cluster.name.clone()),
    };
    if let Some(cluster) = cluster
        && page != Page::Welcome
    {
        left.push(Span::raw(format!(" {} ", theme.dot())));
        left.push(Span::raw(text::cluster(&cluster)));
    }
    let place = model.shown().phase(common);
    let right = match run.progress.phases.get(place) {
        Some(phase) if common.mode.wizard().is_none() || run.progress.run.is_some() => {
            let of = run.progress.phases.len();
            let time = text::duration(run.clock / 1000 * 1000).replace(".0s", "s");
            format!(
                "{} {} {time}",
                text::phase_of(place + 1, of, &phase.title),
                theme.dot()
            )
        }
        _ if common.watched.is_some() => text::LIVE.to_owned(),
        _ => step_of(page, theme.dot()),
    };
    ends(Line::from(left), Line::from(right), area, frame);
}

/// What a page is called, with its place among the steps that lead to a run.
fn step_of(page: Page, dot: &str) -> String {
    match page.place() {
        Some(place) => text::step_of(place + 1, page::ORDER.len(), dot, page.title()),
        None => page.title().to_owned(),
    }
}

/// What is being typed, what just happened, or how things stand.
fn message(model: &Model, area: Rect, frame: &mut Frame<'_>) {
    let (common, theme) = (&model.common, model.common.theme);
    let run = &common.run;
    let typed = |what: &'static str, text: &str| {
        Line::from(vec![
            Span::styled(what, theme.accent()),
            Span::raw(text.to_owned()),
            Span::styled(" ", theme.selected()),
        ])
    };
    let line = if let Some(saving) = &common.saving {
        if saving.exists {
            Line::styled(text::replace(&saving.path), theme.accent())
        } else {
            let what = match saving.what {
                Saved::Answers(_) => text::SAVE_ANSWERS_AS,
                Saved::Log(_) => text::SAVE_LOG_AS,
            };
            typed(what, &saving.path)
        }
    } else if let Some(search) = &run.searching {
        typed(text::SEARCH, search)
    } else if let Some(question) = model.shown().question(common) {
        Line::styled(question, theme.accent())
    } else if let Some(toast) = &common.toast {
        Line::styled(toast.text.clone(), theme.accent())
    } else if let Some(why) = common.mode.replay().and_then(|it| it.lost.as_ref()) {
        Line::styled(text::not_followed(why), theme.bad())
    } else if let Some(how) = common.stopping {
        let text = match how {
            Abort::Soft => text::STOPPING,
            Abort::Hard => text::STOPPING_HARD,
        };
        Line::styled(text, theme.warning())
    } else {
        match &run.progress.ended {
            Some(End::Done) => Line::styled(text::run_done(run.progress.at), theme.good()),
            Some(End::Failed) => Line::styled(text::run_failed(run.progress.at), theme.bad()),
            Some(End::Aborted { why }) => Line::styled(text::run_aborted(why), theme.warning()),
            None => Line::default(),
        }
    };
    frame.render_widget(line, area);
}

fn footer(model: &Model, area: Rect, frame: &mut Frame<'_>) {
    let theme = model.common.theme;
    let right = status(&model.common);
    let room = usize::from(area.width).saturating_sub(right.width() + 2);
    let mut spans: Vec<Span<'_>> = Vec::new();
    let mut used = 0;
    let scopes = model.scopes();
    let listed: Vec<_> = keys::active(&scopes)
        .filter(|binding| binding.listed == ListedIn::Footer)
        .collect();
    // Help and quit are always listed, and before a run the ways on and back; of the rest, as many
    // as there is room for.
    let always = |action: Action| match action {
        Action::Help | Action::Quit => true,
        Action::Forward | Action::Back => !model.page.is_of_a_run(),
        _ => false,
    };
    let (global, page): (Vec<_>, Vec<_>) = listed
        .into_iter()
        .partition(|binding| always(binding.action));
    let width = |binding: &Binding| binding.key.to_string().width() + 1 + binding.says.width() + 3;
    let reserved: usize = global.iter().map(|binding| width(binding)).sum();
    let fitting = page.into_iter().take_while(|binding| {
        used += width(binding);
        used + reserved <= room + 3
    });
    for binding in fitting.chain(global) {
        if !spans.is_empty() {
            spans.push(Span::styled(format!(" {} ", theme.dot()), theme.faint()));
        }
        spans.push(Span::styled(binding.key.to_string(), theme.accent()));
        spans.push(Span::raw(format!(" {}", binding.says)));
    }
    ends(Line::from(spans), Line::from(right), area, frame);
}

/// How many connections are up, or how the replay goes.
fn status(common: &Common) -> String {
    if let Some(replay) = common.mode.replay() {
        if replay.follows {
            let ended = common.run.progress.ended.is_some();
            return text::following(ended, replay.lost.is_some());
        }
        return text::replaying(replay.ended(), replay.paused, replay.speed);
    }
    let progress = &common.run.progress;
    if progress.run.is_none() || progress.ended.is_some() {
        return String::new();
    }
    let lost = progress
        .connections
        .values()
        .filter(|connection| connection.state == ConnectionState::Lost)
        .count();
    let hosts = progress.hosts().len();
    text::connections(hosts.saturating_sub(lost), hosts)
}

fn stop_question(model: &Model, frame: &mut Frame<'_>) {
    let theme = model.common.theme;
    let scope = model.quit_scope();
    let (title, text) = if model.common.at_work && model.common.run.is_active() {
        let is_drill = model.common.run.progress.is_drill();
        let text = if is_drill {
            text::QUIT_DRILL
        } else {
            text::QUIT_TEXT
        };
        (text::QUIT_TITLE, text)
    } else if model.common.mode.replay().is_some() {
        (text::LEAVE_TITLE, text::LEAVE_REPLAY)
    } else if model.common.read_only {
        (text::LEAVE_TITLE, text::LEAVE_READ_ONLY)
    } else {
        (text::LEAVE_TITLE, text::LEAVE_TEXT)
    };
    let mut lines: Vec<Line<'_>> = wrapped(text, 60).into_iter().map(Line::from).collect();
    lines.push(Line::default());
    let listed = |binding: &&Binding| binding.listed == ListedIn::Footer;
    for binding in scope.bindings.iter().filter(listed) {
        lines.push(Line::from(vec![
            Span::styled(format!("{:>7} ", binding.key.to_string()), theme.accent()),
            Span::raw(binding.says),
        ]));
    }
    over(theme, title, lines, frame);
}
