//! One node or pod: what the page knows of it, and what K3s told when it was asked for more.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::view::health;
use super::{ClusterPage, text};
use crate::cluster::details::{Details, ObjectName, ObjectPart};
use crate::frontends::tui::common::Common;
use crate::frontends::tui::run_pages;
use crate::frontends::tui::theme::Theme;
use crate::frontends::tui::widgets::{styled, wrapped};

/// Details that lie over the page.
#[derive(Debug)]
pub struct OpenDetails {
    pub object: ObjectName,
    pub answer: DetailsAnswer,
    pub scroll: usize,
}

#[derive(Debug)]
pub enum DetailsAnswer {
    /// No server is asked while a run goes on.
    NotAsked,
    Asked,
    Told(Box<Details>),
    Failed(String),
}

impl OpenDetails {
    pub fn new(object: ObjectName, is_asked: bool) -> Self {
        Self {
            object,
            answer: if is_asked {
                DetailsAnswer::Asked
            } else {
                DetailsAnswer::NotAsked
            },
            scroll: 0,
        }
    }
}

impl DetailsAnswer {
    pub fn of(told: Result<Details, String>) -> Self {
        match told {
            Ok(details) => Self::Told(Box::new(details)),
            Err(why) => Self::Failed(why),
        }
    }
}

/// How wide the labels are.
const LABEL: usize = 13;

struct Sheet {
    theme: Theme,
    width: usize,
    lines: Vec<Line<'static>>,
}

pub fn lines(page: &ClusterPage, open: &OpenDetails, common: &Common) -> Vec<Line<'static>> {
    let mut sheet = Sheet {
        theme: common.theme,
        width: run_pages::width(common),
        lines: Vec::new(),
    };
    sheet.title(&text::details_title(&open.object));
    known(page, open, common, &mut sheet);
    let theme = sheet.theme;
    match &open.answer {
        DetailsAnswer::NotAsked => sheet.say(text::NOT_ASKED, theme.faint()),
        DetailsAnswer::Asked => sheet.say(text::ASKED, theme.faint()),
        DetailsAnswer::Failed(why) => sheet.say(&text::not_told(why), theme.warning()),
        DetailsAnswer::Told(details) => told(page, open, details, common, &mut sheet),
    }
    sheet.lines
}

/// The whole row of the table, and what is wrong.
fn known(page: &ClusterPage, open: &OpenDetails, common: &Common, sheet: &mut Sheet) {
    let now = page.now(common);
    let cluster = page.picture(common);
    let (heads, cells, problem, waiting) = match &open.object {
        ObjectName::Node(name) => {
            let mut nodes = cluster.into_iter().flat_map(|cluster| &cluster.nodes);
            let Some(node) = nodes.find(|node| node.name == *name) else {
                return sheet.say(text::GONE, sheet.theme.warning());
            };
            let age = text::age(node.created, now);
            let cells = [&node.status, &node.roles, &age, &node.version];
            let cells = cells.map(String::clone).to_vec();
            (&text::NODE_HEADS[1..5], cells, &node.problem, &node.waiting)
        }
        ObjectName::Pod { namespace, name } => {
            let mut pods = cluster.into_iter().flat_map(|cluster| &cluster.pods);
            let found = pods.find(|pod| pod.namespace == *namespace && pod.name == *name);
            let Some(pod) = found else {
                return sheet.say(text::GONE, sheet.theme.warning());
            };
            let (age, restarts) = (text::age(pod.created, now), pod.restarts.to_string());
            let cells = [&pod.ready, &pod.status, &restarts, &age, &pod.node];
            let cells = cells.map(String::clone).to_vec();
            (&text::POD_HEADS[2..], cells, &pod.problem, &pod.waiting)
        }
    };
    for (head, cell) in heads.iter().zip(cells) {
        sheet.entry(&head.to_lowercase(), &cell, Style::new());
    }
    let theme = sheet.theme;
    if let Some(problem) = problem {
        sheet.entry(text::PROBLEM, problem, theme.bad());
    }
    if let Some(waiting) = waiting {
        sheet.entry(text::WAITING, waiting, theme.warning());
    }
}

fn told(
    page: &ClusterPage,
    open: &OpenDetails,
    details: &Details,
    common: &Common,
    sheet: &mut Sheet,
) {
    let theme = sheet.theme;
    if let Some(next) = &details.next {
        sheet.entry(text::LOOK_NEXT, next, theme.accent());
    }
    for missing in &details.missing {
        sheet.entry(text::MISSING, missing, theme.warning());
    }
    let is_pod = matches!(open.object, ObjectName::Pod { .. });
    for (label, fact) in &details.facts {
        // The page knows the node of a pod, and the version of a node.
        if !matches!(label.as_str(), "node" | "version") {
            sheet.entry(label, fact, Style::new());
        }
    }
    sheet.title(if is_pod {
        text::CONTAINERS
    } else {
        text::CONDITIONS
    });
    for part in &details.parts {
        sheet.part(part);
    }
    if !is_pod {
        return;
    }
    sheet.title(text::EVENTS);
    if details.events.is_empty() {
        sheet.say(text::NO_EVENTS, theme.faint());
    }
    for event in &details.events {
        let style = if event.is_warning {
            theme.warning()
        } else {
            Style::new()
        };
        sheet.say(&text::event(event, page.now(common)), style);
    }
    let Some(log) = &details.log else {
        return;
    };
    sheet.title(&text::log_title(log));
    if log.lines.is_empty() {
        sheet.say(text::NOTHING_PRINTED, theme.faint());
    }
    for line in &log.lines {
        sheet.say(line, Style::new());
    }
    if log.is_cut {
        sheet.say(text::LOG_CUT, theme.warning());
    }
}

impl Sheet {
    fn title(&mut self, title: &str) {
        if !self.lines.is_empty() {
            self.lines.push(Line::default());
        }
        let title = styled(title, self.width, self.theme.title());
        self.lines.extend(title);
    }

    fn say(&mut self, text: &str, style: Style) {
        self.lines.extend(styled(text, self.width, style));
    }

    fn entry(&mut self, label: &str, text: &str, style: Style) {
        let mut label = label;
        for line in wrapped(text, self.width.saturating_sub(LABEL)) {
            self.lines.push(Line::from(vec![
                Span::styled(format!("{label:<LABEL$}"), self.theme.faint()),
                Span::styled(line, style),
            ]));
            label = "";
        }
    }

    fn part(&mut self, part: &ObjectPart) {
        let (mark, style) = health(self.theme, part.is_wrong, false);
        let text = format!("{mark} {}  {}", part.name, part.state);
        self.say(&text, style);
        for note in &part.notes {
            for line in wrapped(note, self.width.saturating_sub(4)) {
                self.lines.push(Line::raw(format!("    {line}")));
            }
        }
    }
}
