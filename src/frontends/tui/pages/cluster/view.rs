//! Whether the cluster is still looked at, problems first, then nodes and pods, datastore and
//! certificates, what the time went into, and what to type next.

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use time::OffsetDateTime;

use super::drawing::{self, LiveFacts};
use super::{ClusterPage, text};
use crate::cluster::datastore::Datastore;
use crate::cluster::details::ObjectName;
use crate::cluster::{Cluster, Node, Pod};
use crate::engine::look::Balancer;
use crate::engine::watch::Watched;
use crate::events::End;
use crate::frontends::tui::common::Common;
use crate::frontends::tui::live::PAUSE;
use crate::frontends::tui::run_pages;
use crate::frontends::tui::theme::Theme;
use crate::frontends::tui::widgets::table::{self, TableCell};
use crate::frontends::tui::widgets::{padded, styled, wrapped};
use crate::report::lines::timeline;
use crate::topology::Topology;

/// How wide the bar of a phase is, in cells.
const TIMELINE: usize = 30;

/// The page as it can be scrolled.
#[derive(Default)]
pub struct Drawn {
    pub lines: Vec<Line<'static>>,
    /// How many columns may be passed over in the widest table.
    pub most: usize,
    /// The objects that can be chosen, each with its line.
    pub places: Vec<(ObjectName, usize)>,
}

pub fn of_page(page: &ClusterPage, common: &Common) -> Drawn {
    let width = run_pages::width(common);
    let theme = common.theme;
    let mut drawn = Drawn::default();
    let lines = &mut drawn.lines;
    freshness(page, common, width, lines);
    let needs = page.logins.lines(common, width);
    if !needs.is_empty() {
        lines.extend(needs);
        lines.push(Line::default());
    }
    let balancer = page.balancer.as_ref();
    let (broken, well) = match balancer {
        Some(balancer) if balancer.problem.is_some() => {
            (balancer_lines(page, common, balancer, width), None)
        }
        balancer => (Vec::new(), balancer),
    };
    lines.extend(broken);
    if let Some(topology) = &page.topology {
        lines.extend(drawing::of(theme, &facts(page, topology), width));
        lines.push(Line::default());
    }
    if let Some(cluster) = page.picture(common) {
        of_cluster(page, common, cluster, width, &mut drawn);
    } else {
        lines.extend(wrapped(text::NO_CLUSTER, width).into_iter().map(Line::from));
        lines.push(Line::default());
    }
    drawn.lines.extend(
        well.into_iter()
            .flat_map(|well| balancer_lines(page, common, well, width)),
    );
    holder(page, theme, &mut drawn.lines);
    datastore(page, common, width, &mut drawn);
    certificates(page, common, width, &mut drawn);
    let lines = &mut drawn.lines;
    proofs(page, common, width, lines);
    files(common, width, lines);
    let times = times(common);
    if !times.is_empty() {
        lines.push(Line::styled(text::TIME, theme.title()));
        lines.extend(times);
    }
    drawn
}

/// What is known now: nothing of what does not answer.
fn facts<'a>(page: &'a ClusterPage, topology: &'a Topology) -> LiveFacts<'a> {
    let is_lost = page.cluster.lost.is_some();
    let cluster = page.cluster.seen.as_ref().filter(|_| !is_lost);
    let datastore = page.datastore.seen.as_ref();
    let datastore = datastore.filter(|_| page.datastore.lost.is_none());
    LiveFacts {
        topology,
        cluster: cluster.map(|seen| &seen.picture),
        datastore: datastore.map(|seen| &seen.picture),
        lost_datastore: page.datastore.lost.is_some(),
        balancer: page.balancer.as_ref().filter(|_| !is_lost),
        holder: page.holder.as_ref(),
        lost_balancers: &page.lost_balancers,
    }
}

/// Whether it is still looked at, or since when there is no answer.
fn freshness(page: &ClusterPage, common: &Common, width: usize, lines: &mut Vec<Line<'static>>) {
    let theme = common.theme;
    let watched = &page.cluster;
    let seconds = PAUSE.as_secs();
    let mut say = |text: &str, style: Style| {
        lines.extend(styled(text, width, style));
    };
    if let Some(lost) = &watched.lost {
        let text = text::lost(lost, seconds, common.watched.is_none());
        say(&format!("{} {text}", theme.bad_mark()), theme.bad());
        for why in &lost.why {
            say(why, theme.warning());
        }
        lines.push(Line::default());
    } else if let Some(seen) = &watched.seen {
        say(&text::live(&seen.from, seen.since, seconds), theme.faint());
        lines.push(Line::default());
    }
}

/// How something is: in short, and how that looks.
type Judgement = (String, Style);

fn title(theme: Theme, name: &'static str, (verdict, style): Judgement) -> Line<'static> {
    Line::from(vec![
        Span::styled(name, theme.title()),
        Span::styled(format!("  {verdict}"), style),
    ])
}

fn verdict(page: &ClusterPage, common: &Common, cluster: &Cluster) -> Judgement {
    let theme = common.theme;
    let (problems, waiting) = (cluster.problems().count(), cluster.waiting().count());
    let (text, style) = match (problems, waiting) {
        (0, 0) => (text::ALL_WELL.to_owned(), theme.good()),
        (0, _) => (
            format!("! {}", text::on_their_way(waiting)),
            theme.warning(),
        ),
        _ => {
            let text = format!("{} {}", theme.bad_mark(), text::problems(problems));
            (text, theme.bad())
        }
    };
    if page.cluster.lost.is_some() {
        return (text::was(&text), theme.warning());
    }
    (text, style)
}

fn of_cluster(
    page: &ClusterPage,
    common: &Common,
    cluster: &Cluster,
    width: usize,
    drawn: &mut Drawn,
) {
    let now = page.now(common);
    let theme = common.theme;
    let mut first = title(theme, text::NODES, verdict(page, common, cluster));
    if page.cluster == Watched::default() && common.watched.is_none() {
        let as_of = format!("  {}", text::as_of(common.run.progress.at));
        first.push_span(Span::styled(as_of, theme.faint()));
    }
    drawn.lines.push(first);
    let nodes: Vec<_> = cluster
        .nodes
        .iter()
        .map(|node| ObjectRow {
            cells: node_cells(theme, node, now),
            note: sick(node.problem.as_ref(), node.waiting.as_ref()),
            object: Some(node.object()),
        })
        .collect();
    with_problems(page, theme, (&text::NODE_HEADS, 1), &nodes, width, drawn);
    drawn.lines.push(Line::default());

    let pods_title = Line::styled(text::PODS, theme.title());
    drawn.lines.push(pods_title);
    let pods: Vec<_> = cluster
        .pods
        .iter()
        .map(|pod| ObjectRow {
            cells: pod_cells(theme, pod, now),
            note: sick(pod.problem.as_ref(), pod.waiting.as_ref()),
            object: Some(pod.object()),
        })
        .collect();
    with_problems(page, theme, (&text::POD_HEADS, 2), &pods, width, drawn);
    drawn.lines.push(Line::default());
}

/// What answers at the load balancer's address; as it was, where no server answers.
fn balancer_lines(
    page: &ClusterPage,
    common: &Common,
    balancer: &Balancer,
    width: usize,
) -> Vec<Line<'static>> {
    let theme = common.theme;
    let is_lost = page.cluster.lost.is_some();
    let verdict = match &balancer.problem {
        _ if is_lost => (text::was(&balancer.got), theme.warning()),
        Some(_) => (
            format!("{} {}", theme.bad_mark(), text::problems(1)),
            theme.bad(),
        ),
        None => (text::ANSWERS.to_owned(), theme.good()),
    };
    let mut lines = vec![title(theme, text::BALANCER, verdict)];
    let problem = balancer.problem.as_ref().filter(|_| !is_lost);
    for line in problem
        .iter()
        .flat_map(|problem| wrapped(&format!("{}: {problem}", balancer.address), width))
    {
        lines.push(Line::styled(line, theme.bad()));
    }
    lines.push(Line::default());
    lines
}

/// Which of two load balancers holds the address.
fn holder(page: &ClusterPage, theme: Theme, lines: &mut Vec<Line<'static>>) {
    let Some(held) = &page.holder else { return };
    let verdict = match &held.problem {
        Some(problem) => (format!("{} {problem}", theme.bad_mark()), theme.bad()),
        None => (held.told(), theme.good()),
    };
    lines.push(title(theme, text::VIRTUAL_ADDRESS, verdict));
    lines.push(Line::default());
}

fn datastore(page: &ClusterPage, common: &Common, width: usize, drawn: &mut Drawn) {
    let theme = common.theme;
    let watched = &page.datastore;
    if *watched == Watched::default() {
        return;
    }
    let seen = watched.seen.as_ref().map(|seen| &seen.picture);
    let problems = seen.map_or(0, |seen| seen.problems().count());
    let verdict = match (&watched.lost, problems) {
        (Some(_), _) => (
            format!("{} {}", theme.bad_mark(), text::DATASTORE_LOST),
            theme.bad(),
        ),
        (None, 0) => (text::MUTUAL_TLS.to_owned(), theme.good()),
        (None, _) => {
            let text = format!("{} {}", theme.bad_mark(), text::problems(problems));
            (text, theme.bad())
        }
    };
    drawn.lines.push(title(theme, text::DATASTORE, verdict));
    for why in watched.lost.iter().flat_map(|lost| &lost.why) {
        drawn.lines.extend(styled(why, width, theme.warning()));
    }
    // What is not known now is not shown as if it were.
    if let (None, Some(seen)) = (&watched.lost, seen) {
        members(page, theme, seen, width, drawn);
        let rows: Vec<_> = seen
            .clients
            .iter()
            .map(|client| {
                let unhealthy = client.problem.is_some();
                let (mark, style) = health(theme, unhealthy, false);
                let mut cells = vec![(format!("{mark} {}", client.name), style)];
                cells.extend(text::connections(client).map(|cell| (cell, Style::new())));
                ObjectRow {
                    cells,
                    note: sick(client.problem.as_ref(), None),
                    object: None,
                }
            })
            .collect();
        with_problems(
            page,
            theme,
            (&text::DATASTORE_HEADS, 1),
            &rows,
            width,
            drawn,
        );
    }
    drawn.lines.push(Line::default());
}

/// The members of a pair.
fn members(
    page: &ClusterPage,
    theme: Theme,
    datastore: &Datastore,
    width: usize,
    drawn: &mut Drawn,
) {
    if datastore.members.is_empty() {
        return;
    }
    let rows: Vec<_> = datastore
        .members
        .iter()
        .map(|member| {
            let unseen = member.role.is_none();
            let (mark, style) = health(theme, member.problem.is_some(), unseen);
            let mut cells = vec![(format!("{mark} {}", member.name), style)];
            cells.extend(member.told().map(|cell| (cell, Style::new())));
            ObjectRow {
                cells,
                note: sick(member.problem.as_ref(), None),
                object: None,
            }
        })
        .collect();
    with_problems(page, theme, (&text::MEMBER_HEADS, 1), &rows, width, drawn);
}

fn certificates(page: &ClusterPage, common: &Common, width: usize, drawn: &mut Drawn) {
    let theme = common.theme;
    let all = &page.certificates;
    if all.is_empty() {
        return;
    }
    let well = all.iter().all(|certificate| certificate.problem.is_none());
    let verdict = if well {
        (text::certificates(all), theme.good())
    } else {
        (format!("! {}", text::certificates(all)), theme.warning())
    };
    drawn.lines.push(title(theme, text::CERTIFICATES, verdict));
    let rows: Vec<_> = all
        .iter()
        .map(|certificate| {
            let ended = certificate.days < 0;
            let problem = certificate.problem.as_ref();
            let (mark, style) = health(theme, ended, problem.is_some());
            let cells = vec![
                (format!("{mark} {}", certificate.name), style),
                (certificate.ends.clone(), Style::new()),
                (text::left(certificate), style),
            ];
            ObjectRow {
                cells,
                note: problem.map(|problem| (problem.clone(), ended)),
                object: None,
            }
        })
        .collect();
    with_problems(
        page,
        theme,
        (&text::CERTIFICATE_HEADS, 1),
        &rows,
        width,
        drawn,
    );
    drawn.lines.push(Line::default());
}

/// What stands below a row: what is wrong, and whether it is more than a wait.
type Note = Option<(String, bool)>;

struct ObjectRow {
    cells: Vec<TableCell>,
    note: Note,
    /// What can be chosen by it.
    object: Option<ObjectName>,
}

fn sick(problem: Option<&String>, waiting: Option<&String>) -> Note {
    let problem = problem.map(|problem| (problem.clone(), true));
    problem.or_else(|| waiting.map(|waiting| (waiting.clone(), false)))
}

pub(super) fn health(theme: Theme, problem: bool, waiting: bool) -> (&'static str, Style) {
    match (problem, waiting) {
        (true, _) => (theme.bad_mark(), theme.bad()),
        (_, true) => ("!", theme.warning()),
        _ => (theme.good_mark(), theme.good()),
    }
}

fn node_cells(theme: Theme, node: &Node, now: Option<OffsetDateTime>) -> Vec<TableCell> {
    let (mark, style) = health(theme, node.problem.is_some(), node.waiting.is_some());
    let plain = |text: &String| (text.clone(), Style::new());
    vec![
        (format!("{mark} {}", node.name), style),
        (node.status.clone(), style),
        plain(&node.roles),
        (text::age(node.created, now), Style::new()),
        plain(&node.version),
        plain(&node.internal_ip),
    ]
}

fn pod_cells(theme: Theme, pod: &Pod, now: Option<OffsetDateTime>) -> Vec<TableCell> {
    let (mark, style) = health(theme, pod.problem.is_some(), pod.waiting.is_some());
    let plain = |text: &String| (text.clone(), Style::new());
    vec![
        (format!("{mark} {}", pod.namespace), style),
        plain(&pod.name),
        plain(&pod.ready),
        (pod.status.clone(), style),
        (pod.restarts.to_string(), Style::new()),
        (text::age(pod.created, now), Style::new()),
        plain(&pod.node),
    ]
}

/// A table whose rows may have a problem, which stands below its row. Its first columns do not
/// scroll.
fn with_problems(
    page: &ClusterPage,
    theme: Theme,
    (heads, stay): (&[&str], usize),
    rows: &[ObjectRow],
    width: usize,
    drawn: &mut Drawn,
) {
    let mut first: Vec<TableCell> = table::heads(heads, theme.faint());
    if let Some((head, _)) = first.first_mut() {
        head.insert_str(0, "  ");
    }
    let all: Vec<Vec<TableCell>> = std::iter::once(first)
        .chain(rows.iter().map(|row| row.cells.clone()))
        .collect();
    let table = table::fitted(theme, &all, stay, page.passed, width);
    drawn.most = drawn.most.max(table.most);
    let lines = &mut drawn.lines;
    let mut table = table.lines.into_iter();
    lines.extend(table.next());
    for (line, row) in table.zip(rows) {
        let is_chosen = row.object.is_some() && row.object == page.chosen;
        if let Some(object) = &row.object {
            drawn.places.push((object.clone(), lines.len()));
        }
        lines.push(if is_chosen {
            padded(line, width).patch_style(theme.selected())
        } else {
            line
        });
        if let Some((problem, bad)) = &row.note {
            let style = if *bad { theme.bad() } else { theme.warning() };
            for line in wrapped(problem, width.saturating_sub(4)) {
                lines.push(Line::styled(format!("    {line}"), style));
            }
        }
    }
}

/// What was proven, and when; whether the cluster is still as it was then.
fn proofs(page: &ClusterPage, common: &Common, width: usize, lines: &mut Vec<Line<'static>>) {
    let theme = common.theme;
    let proofs = &common.run.progress.proofs;
    if proofs.is_empty() {
        return;
    }
    let holding = proofs.iter().filter(|proof| proof.holds).count();
    let verdict = text::proofs_hold(holding, proofs.len());
    let progress = &common.run.progress;
    let steps = proofs.iter().filter_map(|proof| progress.step(&proof.step));
    let at = steps.filter_map(|step| step.ended).max();
    let at = at.and_then(|at| text::moment_of(progress, at));
    let (text, style) = if holding < proofs.len() {
        (text::proven(&verdict, at), theme.bad())
    } else if page.is_as_proven(common) {
        (text::proven(&verdict, at), theme.good())
    } else {
        (text::proven_before(&verdict, at), theme.warning())
    };
    let title = format!("{}  ", text::PROOFS);
    let indent = title.len();
    for (number, line) in wrapped(&text, width.saturating_sub(indent))
        .into_iter()
        .enumerate()
    {
        let before = if number == 0 { &title } else { "" };
        lines.push(Line::from(vec![
            Span::styled(format!("{before:<indent$}"), theme.title()),
            Span::styled(line, style),
        ]));
    }
    lines.push(Line::default());
}

fn files(common: &Common, width: usize, lines: &mut Vec<Line<'static>>) {
    let Some(files) = &common.run.files else {
        return;
    };
    let ended = common.run.progress.ended.as_ref();
    let done = ended == Some(&End::Done) || common.watched.is_some();
    let mut entry = |label: &str, what: &str| {
        let mut label = label;
        for line in wrapped(what, width.saturating_sub(12)) {
            lines.push(Line::from(vec![
                Span::styled(format!("{label:<12}"), common.theme.faint()),
                Span::raw(line),
            ]));
            label = "";
        }
    };
    if done {
        entry(text::KUBECONFIG, &files.kubeconfig);
        for (number, command) in files.next.iter().enumerate() {
            entry(if number == 0 { text::NEXT } else { "" }, command);
        }
    }
    if let Some(log) = &files.log {
        entry(text::LOG_FILE, log);
    }
    lines.push(Line::default());
}

/// When each phase was at work: they overlap.
fn times(common: &Common) -> Vec<Line<'static>> {
    let theme = common.theme;
    let (full, empty) = theme.bar();
    let progress = &common.run.progress;
    progress
        .phases
        .iter()
        .filter_map(|phase| {
            let span = progress.phase_span(phase)?;
            let (from, to) = (text::duration(span.start), text::duration(span.end));
            let [before, at_work, after] = timeline(&span, progress.at, full, empty, TIMELINE);
            Some(Line::from(vec![
                Span::raw(format!("{from:>7} to {to:>7}  ")),
                Span::styled(before, theme.faint()),
                Span::styled(at_work, theme.good()),
                Span::styled(after, theme.faint()),
                Span::raw(format!("  {}", phase.title)),
            ]))
        })
        .collect()
}
