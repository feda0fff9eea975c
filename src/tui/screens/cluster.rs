//! The cluster: problems first, then nodes and pods, what the time went into, and what to type next.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::super::model::Model;
use super::super::text;
use super::table::{self, Cell};
use super::wrapped;
use crate::cluster::{Cluster, Node, Pod};

pub fn lines(model: &Model, width: usize) -> Vec<Line<'static>> {
    let theme = model.theme;
    let mut page = Vec::new();
    if let Some(cluster) = &model.run.progress.cluster {
        of_cluster(model, cluster, width, &mut page);
    } else {
        page.extend(wrapped(text::NO_CLUSTER, width).into_iter().map(Line::from));
        page.push(Line::default());
    }
    proofs(model, &mut page);
    files(model, width, &mut page);
    let times: Vec<Vec<Cell>> = times(model);
    if !times.is_empty() {
        page.push(Line::styled(text::TIME, theme.title()));
        page.extend(table::lines(&times));
    }
    page
}

fn of_cluster(model: &Model, cluster: &Cluster, width: usize, page: &mut Vec<Line<'static>>) {
    let theme = model.theme;
    let problems = cluster.problems().count();
    let verdict = if problems == 0 {
        (text::ALL_WELL.to_owned(), theme.good())
    } else {
        let text = format!("{} {}", theme.bad_mark(), text::problems(problems));
        (text, theme.bad())
    };
    page.push(Line::from(vec![
        Span::styled(text::NODES, theme.title()),
        Span::styled(format!("  {}", verdict.0), verdict.1),
        Span::styled(
            format!("  {}", text::as_of(model.run.progress.at)),
            theme.faint(),
        ),
    ]));
    let nodes: Vec<_> = cluster
        .nodes
        .iter()
        .map(|node| {
            (
                node_cells(model, node),
                sick(node.problem.as_ref(), node.waiting.as_ref()),
            )
        })
        .collect();
    with_problems(model, &text::NODE_HEADS, &nodes, width, page);
    page.push(Line::default());

    page.push(Line::styled(text::PODS, theme.title()));
    let pods: Vec<_> = cluster
        .pods
        .iter()
        .map(|pod| {
            (
                pod_cells(model, pod),
                sick(pod.problem.as_ref(), pod.waiting.as_ref()),
            )
        })
        .collect();
    with_problems(model, &text::POD_HEADS, &pods, width, page);
    page.push(Line::default());
}

/// What stands below a row: what is wrong, and whether it is more than a wait.
type Note = Option<(String, bool)>;

fn sick(problem: Option<&String>, waiting: Option<&String>) -> Note {
    let problem = problem.map(|problem| (problem.clone(), true));
    problem.or_else(|| waiting.map(|waiting| (waiting.clone(), false)))
}

fn health(model: &Model, problem: bool, waiting: bool) -> (&'static str, Style) {
    let theme = model.theme;
    match (problem, waiting) {
        (true, _) => (theme.bad_mark(), theme.bad()),
        (_, true) => ("!", theme.warning()),
        _ => (theme.good_mark(), theme.good()),
    }
}

fn node_cells(model: &Model, node: &Node) -> Vec<Cell> {
    let (mark, style) = health(model, node.problem.is_some(), node.waiting.is_some());
    let plain = |text: &String| (text.clone(), Style::new());
    vec![
        (format!("{mark} {}", node.name), style),
        (node.status.clone(), style),
        plain(&node.roles),
        plain(&node.version),
        plain(&node.internal_ip),
    ]
}

fn pod_cells(model: &Model, pod: &Pod) -> Vec<Cell> {
    let (mark, style) = health(model, pod.problem.is_some(), pod.waiting.is_some());
    let plain = |text: &String| (text.clone(), Style::new());
    vec![
        (format!("{mark} {}", pod.namespace), style),
        plain(&pod.name),
        plain(&pod.ready),
        (pod.status.clone(), style),
        (pod.restarts.to_string(), Style::new()),
        plain(&pod.node),
    ]
}

/// A table whose rows may have a problem, which stands below its row.
fn with_problems(
    model: &Model,
    heads: &[&str],
    rows: &[(Vec<Cell>, Note)],
    width: usize,
    page: &mut Vec<Line<'static>>,
) {
    let theme = model.theme;
    let mut first: Vec<Cell> = table::heads(heads, theme.faint());
    if let Some((head, _)) = first.first_mut() {
        head.insert_str(0, "  ");
    }
    let all: Vec<Vec<Cell>> = std::iter::once(first)
        .chain(rows.iter().map(|(cells, _)| cells.clone()))
        .collect();
    let mut drawn = table::lines(&all).into_iter();
    page.extend(drawn.next());
    for (line, (_, problem)) in drawn.zip(rows) {
        page.push(line);
        if let Some((problem, bad)) = problem {
            let style = if *bad { theme.bad() } else { theme.warning() };
            for line in wrapped(problem, width.saturating_sub(4)) {
                page.push(Line::styled(format!("    {line}"), style));
            }
        }
    }
}

fn proofs(model: &Model, page: &mut Vec<Line<'static>>) {
    let theme = model.theme;
    let proofs = &model.run.progress.proofs;
    if proofs.is_empty() {
        return;
    }
    let holding = proofs.iter().filter(|proof| proof.holds).count();
    let style = if holding == proofs.len() {
        theme.good()
    } else {
        theme.bad()
    };
    page.push(Line::from(vec![
        Span::styled(format!("{}  ", text::PROOFS), theme.title()),
        Span::styled(text::proofs_hold(holding, proofs.len()), style),
    ]));
    page.push(Line::default());
}

fn files(model: &Model, width: usize, page: &mut Vec<Line<'static>>) {
    let Some(files) = &model.run.files else {
        return;
    };
    let done = model.run.progress.ended == Some(crate::engine::event::End::Done);
    let mut entry = |label: &str, what: &str| {
        let mut label = label;
        for line in wrapped(what, width.saturating_sub(12)) {
            page.push(Line::from(vec![
                Span::styled(format!("{label:<12}"), model.theme.faint()),
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
    entry(text::LOG_FILE, &files.log);
    page.push(Line::default());
}

fn times(model: &Model) -> Vec<Vec<Cell>> {
    let progress = &model.run.progress;
    progress
        .phases
        .iter()
        .filter_map(|phase| {
            let took = text::duration(progress.phase_time(phase)?);
            Some(vec![
                (format!("{took:>7}"), Style::new()),
                (phase.title.clone(), Style::new()),
            ])
        })
        .collect()
}
