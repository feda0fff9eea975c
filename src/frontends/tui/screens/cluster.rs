//! The cluster: whether somebody still looks at it, problems first, then nodes and pods, datastore and
//! certificates, what the time went into, and what to type next.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::super::live::PAUSE;
use super::super::model::Model;
use super::super::text::{self, cluster as said};
use super::table::{self, Cell};
use super::wrapped;
use crate::cluster::{Cluster, Node, Pod};
use crate::engine::watch::Watched;

pub fn lines(model: &Model, width: usize) -> Vec<Line<'static>> {
    let theme = model.theme;
    let live = &model.run.live;
    let mut page = Vec::new();
    freshness(model, width, &mut page);
    let seen = live.cluster.seen.as_ref().map(|seen| &seen.picture);
    if let Some(cluster) = seen.or(model.run.progress.cluster.as_ref()) {
        of_cluster(model, cluster, width, &mut page);
    } else {
        page.extend(wrapped(text::NO_CLUSTER, width).into_iter().map(Line::from));
        page.push(Line::default());
    }
    datastore(model, width, &mut page);
    certificates(model, width, &mut page);
    proofs(model, &mut page);
    files(model, width, &mut page);
    let times: Vec<Vec<Cell>> = times(model);
    if !times.is_empty() {
        page.push(Line::styled(text::TIME, theme.title()));
        page.extend(table::lines(&times));
    }
    page
}

/// Whether somebody still looks, or since when nobody answers.
fn freshness(model: &Model, width: usize, page: &mut Vec<Line<'static>>) {
    let theme = model.theme;
    let watched = &model.run.live.cluster;
    let seconds = PAUSE.as_secs();
    let mut say = |text: &str, style: Style| {
        for line in wrapped(text, width) {
            page.push(Line::styled(line, style));
        }
    };
    if let Some(lost) = &watched.lost {
        let text = said::lost(lost, seconds);
        say(&format!("{} {text}", theme.bad_mark()), theme.bad());
        for why in &lost.why {
            say(why, theme.warning());
        }
        page.push(Line::default());
    } else if let Some(seen) = &watched.seen {
        say(&said::live(&seen.from, seen.since, seconds), theme.faint());
        page.push(Line::default());
    }
}

/// How something is: in a word, and how that looks.
type Verdict = (String, Style);

fn title(model: &Model, name: &'static str, (verdict, style): Verdict) -> Line<'static> {
    Line::from(vec![
        Span::styled(name, model.theme.title()),
        Span::styled(format!("  {verdict}"), style),
    ])
}

fn verdict(model: &Model, cluster: &Cluster) -> Verdict {
    let theme = model.theme;
    let (problems, waiting) = (cluster.problems().count(), cluster.waiting().count());
    let (text, style) = match (problems, waiting) {
        (0, 0) => (text::ALL_WELL.to_owned(), theme.good()),
        (0, _) => (
            format!("! {}", said::on_their_way(waiting)),
            theme.warning(),
        ),
        _ => {
            let text = format!("{} {}", theme.bad_mark(), text::problems(problems));
            (text, theme.bad())
        }
    };
    if model.run.live.cluster.lost.is_some() {
        return (said::was(&text), theme.warning());
    }
    (text, style)
}

fn of_cluster(model: &Model, cluster: &Cluster, width: usize, page: &mut Vec<Line<'static>>) {
    let theme = model.theme;
    let mut first = title(model, text::NODES, verdict(model, cluster));
    if model.run.live.cluster == Watched::default() {
        let as_of = format!("  {}", text::as_of(model.run.progress.at));
        first.push_span(Span::styled(as_of, theme.faint()));
    }
    page.push(first);
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

fn datastore(model: &Model, width: usize, page: &mut Vec<Line<'static>>) {
    let theme = model.theme;
    let watched = &model.run.live.datastore;
    if *watched == Watched::default() {
        return;
    }
    let clients = watched.seen.as_ref().map(|seen| &seen.picture.clients);
    let problems = clients.into_iter().flatten();
    let problems = problems.filter(|client| client.problem.is_some()).count();
    let verdict = match (&watched.lost, problems) {
        (Some(_), _) => (
            format!("{} {}", theme.bad_mark(), said::DATASTORE_LOST),
            theme.bad(),
        ),
        (None, 0) => (said::MUTUAL_TLS.to_owned(), theme.good()),
        (None, _) => {
            let text = format!("{} {}", theme.bad_mark(), text::problems(problems));
            (text, theme.bad())
        }
    };
    page.push(title(model, said::DATASTORE, verdict));
    for why in watched.lost.iter().flat_map(|lost| &lost.why) {
        for line in wrapped(why, width) {
            page.push(Line::styled(line, theme.warning()));
        }
    }
    // What is not known now is not shown as if it were.
    if let (None, Some(clients)) = (&watched.lost, clients) {
        let rows: Vec<_> = clients
            .iter()
            .map(|client| {
                let ill = client.problem.is_some();
                let (mark, style) = health(model, ill, false);
                let mut cells = vec![(format!("{mark} {}", client.name), style)];
                cells.extend(said::connections(client).map(|cell| (cell, Style::new())));
                (cells, sick(client.problem.as_ref(), None))
            })
            .collect();
        with_problems(model, &said::DATASTORE_HEADS, &rows, width, page);
    }
    page.push(Line::default());
}

fn certificates(model: &Model, width: usize, page: &mut Vec<Line<'static>>) {
    let theme = model.theme;
    let all = &model.run.live.certificates;
    if all.is_empty() {
        return;
    }
    let well = all.iter().all(|certificate| certificate.problem.is_none());
    let verdict = if well {
        (said::certificates(all), theme.good())
    } else {
        (format!("! {}", said::certificates(all)), theme.warning())
    };
    page.push(title(model, said::CERTIFICATES, verdict));
    let rows: Vec<_> = all
        .iter()
        .map(|certificate| {
            let ended = certificate.days < 0;
            let problem = certificate.problem.as_ref();
            let (mark, style) = health(model, ended, problem.is_some());
            let cells = vec![
                (format!("{mark} {}", certificate.name), style),
                (certificate.ends.clone(), Style::new()),
                (said::left(certificate), style),
            ];
            (cells, problem.map(|problem| (problem.clone(), ended)))
        })
        .collect();
    with_problems(model, &said::CERTIFICATE_HEADS, &rows, width, page);
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
    let done = model.run.progress.ended == Some(crate::events::End::Done);
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
