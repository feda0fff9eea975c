//! The pages: what is drawn, from the model alone.
//!
//! * `run`: stepper, steps, and the live log; `phase`: what comes next; `failure`, `proofs`, `cluster`: the other pages of a run
//! * `hosts`, `form`, `review`, `connect`, `welcome`: the pages before it
//! * `checks`: the preflight; `matrix`: a table in which a cell is chosen
//! * `secret`: what is asked for over a page
//! * `stepper`: where one is among these; `help`: the keys of the page below it

pub mod checks;
pub mod cluster;
pub mod connect;
pub mod failure;
pub mod form;
pub mod help;
pub mod hosts;
pub mod matrix;
pub mod phase;
pub mod proofs;
pub mod review;
pub mod run;
pub mod secret;
pub mod stepper;
pub mod table;
pub mod welcome;

use ratatui::Frame;
use ratatui::layout::{Alignment, Rect};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Clear, Paragraph};
use unicode_width::UnicodeWidthStr as _;

use super::keys::{self, Told};
use super::log::split;
use super::model::{Model, Page};
use super::theme::Theme;
use super::{layout, text};
use crate::events::{Abort, ConnectionState, End};

pub fn view(model: &Model, frame: &mut Frame<'_>) {
    draw(model, frame);
    model.theme.scrub(frame.buffer_mut());
}

fn draw(model: &Model, frame: &mut Frame<'_>) {
    let size = (frame.area().width, frame.area().height);
    if layout::is_too_small(size) {
        too_small(model, size, frame);
        return;
    }
    let areas = layout::frame(size);
    header(model, areas.header, frame);
    for rule in [areas.rule_above, areas.rule_below] {
        let line = model.theme.across().repeat(usize::from(rule.width));
        frame.render_widget(Paragraph::new(line).style(model.theme.faint()), rule);
    }
    stepper::draw(model, frame);
    match model.page {
        Page::Welcome => welcome::draw(model, frame),
        Page::Hosts => hosts::draw(model, frame),
        Page::Host | Page::Open | Page::Options(_) => form::draw(model, frame),
        Page::Review | Page::Plan => review::draw(model, frame),
        Page::Connect => connect::draw(model, frame),
        Page::Checks => checks::draw(model, frame),
        Page::Run => run::draw(model, frame),
        Page::Phase | Page::Proofs | Page::Failure | Page::Cluster => page_of_lines(model, frame),
    }
    message(model, areas.message, frame);
    footer(model, areas.footer, frame);
    secret::draw(model, frame);
    if let Some(scroll) = model.help {
        help::draw(model, scroll, frame);
    }
    if model.asks_to_stop {
        stop_question(model, frame);
    }
}

fn too_small(model: &Model, (width, height): (u16, u16), frame: &mut Frame<'_>) {
    let lines = text::too_small(width, height, layout::LEAST);
    let title = Line::styled(lines[0].clone(), model.theme.title());
    let text = Text::from(vec![title, Line::from(lines[1].clone())]);
    let top = height.saturating_sub(2) / 2;
    let area = Rect::new(0, top, width, height - top);
    frame.render_widget(Paragraph::new(text).alignment(Alignment::Center), area);
}

fn header(model: &Model, area: Rect, frame: &mut Frame<'_>) {
    let theme = model.theme;
    let run = &model.run;
    let mut left = vec![Span::styled(text::NAME, theme.title())];
    let cluster = match &run.progress.run {
        Some(run) => Some(run.cluster.clone()),
        None => model
            .wizard
            .as_ref()
            .map(|wizard| wizard.interview.answers.cluster.name.clone()),
    };
    if let Some(cluster) = cluster
        && model.page != Page::Welcome
    {
        left.push(Span::raw(format!(" {} ", theme.dot())));
        left.push(Span::raw(text::cluster(&cluster)));
    }
    let right = match run.shown_phase() {
        Some(phase) if model.wizard.is_none() || run.progress.run.is_some() => {
            let of = run.progress.phases.len();
            let time = text::duration(run.clock / 1000 * 1000).replace(".0s", "s");
            format!(
                "{} {} {time}",
                text::phase_of(run.phase + 1, of, &phase.title),
                theme.dot()
            )
        }
        _ => text::step_of(model.page, theme.dot()),
    };
    ends(Line::from(left), Line::from(right), area, frame);
}

/// One line at the left end, one at the right, the left one cut where both do not fit.
fn ends(left: Line<'_>, right: Line<'_>, area: Rect, frame: &mut Frame<'_>) {
    let taken = u16::try_from(right.width())
        .unwrap_or(u16::MAX)
        .min(area.width);
    let right_area = Rect {
        x: area.x + area.width - taken,
        width: taken,
        ..area
    };
    let left_area = Rect {
        width: area.width.saturating_sub(taken + 1),
        ..area
    };
    frame.render_widget(left, left_area);
    frame.render_widget(right, right_area);
}

/// What is being typed, what just happened, or how things stand.
fn message(model: &Model, area: Rect, frame: &mut Frame<'_>) {
    let theme = model.theme;
    let run = &model.run;
    let line = if let Some(search) = &run.searching {
        Line::from(vec![
            Span::styled(text::SEARCH, theme.accent()),
            Span::raw(search.clone()),
            Span::styled(" ", theme.selected()),
        ])
    } else if let Some(question) = model
        .wizard
        .as_ref()
        .and_then(|wizard| wizard.asks.as_ref())
    {
        Line::styled(question.text(), theme.accent())
    } else if let Some(toast) = &model.toast {
        Line::styled(toast.text.clone(), theme.accent())
    } else if let Some(how) = model.stopping {
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
    let theme = model.theme;
    let right = status(model);
    let room = usize::from(area.width).saturating_sub(right.width() + 2);
    let mut spans: Vec<Span<'_>> = Vec::new();
    let mut used = 0;
    let scopes = model.scopes();
    let told: Vec<_> = keys::active(&scopes)
        .filter(|binding| binding.told == Told::Footer)
        .collect();
    // Help and quit are always told; of the rest, as many as there is room for.
    let always = scopes.len().min(1) + 1;
    let (page, global) = told.split_at(told.len().saturating_sub(always));
    let width =
        |binding: &keys::Binding| binding.key.to_string().width() + 1 + binding.says.width() + 3;
    let reserved: usize = global.iter().map(|binding| width(binding)).sum();
    let fitting = page.iter().take_while(|binding| {
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
fn status(model: &Model) -> String {
    if let Some(replay) = &model.replay {
        return text::replaying(replay.ended(), replay.paused, replay.speed);
    }
    let progress = &model.run.progress;
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

/// The pages of a run that are lines to scroll, beside the stepper.
fn page_of_lines(model: &Model, frame: &mut Frame<'_>) {
    let (stepper, area) = layout::beside_stepper(model.size);
    if let Some(stepper) = stepper {
        run::stepper(model, stepper, frame);
    }
    scrolled(
        model.theme,
        lines_of_page(model),
        model.run.scroll,
        area,
        frame,
    );
}

fn lines_of_page(model: &Model) -> Vec<Line<'static>> {
    let (_, area) = layout::beside_stepper(model.size);
    let width = usize::from(area.width);
    match model.page {
        Page::Phase => phase::lines(model, width),
        Page::Proofs => proofs::lines(model, width),
        Page::Failure => failure::lines(model, width),
        Page::Cluster => cluster::lines(model, width),
        _ => Vec::new(),
    }
}

pub fn most_scroll(model: &Model) -> usize {
    let (_, area) = layout::beside_stepper(model.size);
    lines_of_page(model)
        .len()
        .saturating_sub(usize::from(area.height))
}

/// Lines from some line on, with a mark where there are more.
fn scrolled(
    theme: Theme,
    lines: Vec<Line<'static>>,
    scroll: usize,
    area: Rect,
    frame: &mut Frame<'_>,
) {
    let height = usize::from(area.height);
    let count = lines.len();
    let from = scroll.min(lines.len().saturating_sub(height));
    let shown: Vec<_> = lines.into_iter().skip(from).take(height).collect();
    frame.render_widget(Paragraph::new(shown), area);
    let (above, below) = theme.more_lines();
    let mut mark = |shows: bool, mark: &'static str, y: u16| {
        if shows && area.height > 0 && area.width > 0 {
            let place = Rect::new(area.x + area.width - 1, y, 1, 1);
            frame.render_widget(Line::styled(mark, theme.accent()), place);
        }
    };
    mark(from > 0, above, area.y);
    mark(
        from + height < count,
        below,
        area.y + area.height.saturating_sub(1),
    );
}

/// As many lines as there is room for, so that the chosen one and what follows it is among them.
fn from_chosen(lines: Vec<Line<'_>>, chosen: usize, height: usize) -> Vec<Line<'_>> {
    let most = lines.len().saturating_sub(height);
    let from = (chosen + 1).saturating_sub(height / 2).min(most);
    lines.into_iter().skip(from).take(height).collect()
}

/// A text in lines that fit, with words kept whole where that is possible.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for line in text.lines() {
        let mut current = String::new();
        for word in line.split(' ') {
            let space = usize::from(!current.is_empty());
            if current.width() + space + word.width() <= width {
                if space == 1 {
                    current.push(' ');
                }
                current.push_str(word);
                continue;
            }
            if !current.is_empty() {
                lines.push(std::mem::take(&mut current));
            }
            let parts = split(word, width.max(1));
            for (number, part) in parts.iter().enumerate() {
                if number + 1 < parts.len() {
                    lines.push(word[part.clone()].to_owned());
                } else {
                    word[part.clone()].clone_into(&mut current);
                }
            }
        }
        lines.push(current);
    }
    lines
}

/// A box over the page, in the middle; where its inside is.
fn over(model: &Model, title: &str, lines: Vec<Line<'_>>, frame: &mut Frame<'_>) -> Rect {
    let area = frame.area();
    let widest = lines.iter().map(Line::width).max().unwrap_or(0);
    let width = u16::try_from(widest.max(title.width()) + 4).unwrap_or(u16::MAX);
    let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX);
    let width = width.min(area.width);
    let height = height.min(area.height);
    let place = Rect {
        x: (area.width - width) / 2,
        y: (area.height - height) / 2,
        width,
        height,
    };
    frame.render_widget(Clear, place);
    let block = ratatui::widgets::Block::bordered()
        .border_set(border(model))
        .border_style(model.theme.accent())
        .title(format!(" {title} "));
    let inner = Rect {
        x: place.x + 2,
        width: place.width.saturating_sub(4),
        ..block.inner(place)
    };
    frame.render_widget(block, place);
    frame.render_widget(Paragraph::new(lines), inner);
    inner
}

fn border(model: &Model) -> ratatui::symbols::border::Set<'static> {
    use ratatui::symbols::border;
    if model.theme.ascii {
        border::Set {
            top_left: "+",
            top_right: "+",
            bottom_left: "+",
            bottom_right: "+",
            vertical_left: "|",
            vertical_right: "|",
            horizontal_top: "-",
            horizontal_bottom: "-",
        }
    } else {
        border::PLAIN
    }
}

fn stop_question(model: &Model, frame: &mut Frame<'_>) {
    let mut lines: Vec<Line<'_>> = wrapped(text::QUIT_TEXT, 60)
        .into_iter()
        .map(Line::from)
        .collect();
    lines.push(Line::default());
    for binding in keys::active(&[super::keys::Scope::Quit]) {
        lines.push(Line::from(vec![
            Span::styled(
                format!("{:>7} ", binding.key.to_string()),
                model.theme.accent(),
            ),
            Span::raw(binding.says),
        ]));
    }
    over(model, text::QUIT_TITLE, lines, frame);
}
