//! The summary at the end of a run: failures, the cluster, proofs, times, and the next commands.

use std::io::{self, Write};
use std::ops::Range;

use super::wrap::Wrapping;
use super::{Context, HERE, counted, duration, name, plain, table};
use crate::cluster::{Cluster, Node, Pod};
use crate::events::StepId;
use crate::events::progress::{Counts, Progress, Proof, StepProgress};
use crate::events::{End, Failure, Outcome};

/// How many pods without problems are listed.
const WELL_PODS: usize = 20;
/// How many skipped steps are named.
const NAMED: usize = 5;
/// How wide the bar of a phase is, in characters.
const TIMELINE: usize = 20;
/// Steps shorter than this fraction of the critical path are only counted: 1/50.
const SHORT: u64 = 50;

pub(super) fn write<W: Write>(
    out: &mut Wrapping<W>,
    progress: &Progress,
    context: &Context,
) -> io::Result<()> {
    let counts = progress.counts();
    let done = progress.ended == Some(End::Done);
    // A run that changed nothing is brief.
    let in_full = context.verbose || counts.unchanged < counts.total;
    if let Some(cluster) = &progress.cluster {
        if in_full || has_problem(cluster) {
            nodes(out, &cluster.nodes)?;
            pods(out, &cluster.pods)?;
        } else {
            let (nodes, pods) = (cluster.nodes.len(), cluster.pods.len());
            let (nodes, pods) = (counted(nodes, "node"), counted(pods, "pod"));
            writeln!(out, "\n{nodes} and {pods}, all healthy.")?;
        }
    }
    proofs(out, &progress.proofs, in_full)?;
    if context.verbose || (in_full && done) {
        time(out, progress)?;
    }
    warnings(out, progress)?;
    // The most important comes last, where people look first.
    verdict(out, progress, &counts)?;
    for step in &progress.steps {
        if let Some(Outcome::Failed(failure)) = step.outcome() {
            failed(out, step, failure)?;
        }
    }
    wont_run(out, progress)?;
    goodbye(out, progress, context)
}

fn warnings<W: Write>(out: &mut W, progress: &Progress) -> io::Result<()> {
    let of_run = progress
        .warnings
        .iter()
        .map(|warning| (warning.host.as_deref(), warning.text.clone()));
    let of_steps = progress
        .steps
        .iter()
        .filter_map(|step| match step.outcome() {
            Some(Outcome::Warned { why }) => {
                Some((step.host.as_deref(), format!("{}: {why}", name(&step.id))))
            }
            _ => None,
        });
    let all: Vec<_> = of_run.chain(of_steps).collect();
    if all.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nWarnings")?;
    for (host, text) in all {
        for line in text.lines() {
            writeln!(out, "  {}: {}", plain(host.unwrap_or(HERE)), plain(line))?;
        }
    }
    Ok(())
}

fn verdict<W: Write>(out: &mut W, progress: &Progress, counts: &Counts) -> io::Result<()> {
    let cluster = progress.run.as_ref().map_or("", |run| &run.cluster);
    writeln!(out)?;
    match &progress.ended {
        Some(End::Done) if progress.cluster.as_ref().is_some_and(has_problem) => {
            writeln!(
                out,
                "Cluster {cluster}: every step is done, but the cluster has problems, see above."
            )?;
        }
        Some(End::Done) if !installs(progress) => {
            let procedure = progress.run.as_ref().map_or("", |run| &run.procedure);
            writeln!(out, "Cluster {cluster}: the {procedure} is done.")?;
        }
        Some(End::Done) if counts.unchanged == counts.total => {
            writeln!(
                out,
                "Cluster {cluster}: everything was already in place, nothing was changed."
            )?;
        }
        Some(End::Done) => writeln!(out, "Cluster {cluster} is complete and healthy.")?,
        Some(End::Failed) => writeln!(out, "Cluster {cluster}: the run failed.")?,
        Some(End::Aborted { why }) => {
            writeln!(
                out,
                "Cluster {cluster}: the run was aborted ({}).",
                plain(why)
            )?;
        }
        None => writeln!(out, "Cluster {cluster}: the run did not finish.")?,
    }
    let numbers = [
        (counts.done, "done"),
        (counts.unchanged, "unchanged"),
        (counts.warned, "with a warning"),
        (counts.skipped + counts.wont_run, "skipped"),
        (counts.failed, "failed"),
        (counts.running, "not finished"),
        (counts.not_started, "not started"),
    ];
    let numbers: Vec<String> = numbers
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{number} {what}"))
        .collect();
    let steps = counted(counts.total, "step");
    let took = duration(progress.at);
    writeln!(out, "{steps} in {took}: {}.", numbers.join(", "))
}

fn installs(progress: &Progress) -> bool {
    let run = progress.run.as_ref();
    run.is_none_or(|run| run.procedure == "install")
}

pub(super) fn failure<W: Write>(out: &mut W, progress: &Progress, step: &StepId) -> io::Result<()> {
    let step = progress.step(step);
    match step.and_then(|step| Some((step, step.outcome()?))) {
        Some((step, Outcome::Failed(failure))) => failed(out, step, failure),
        _ => Ok(()),
    }
}

fn failed<W: Write>(out: &mut W, step: &StepProgress, failure: &Failure) -> io::Result<()> {
    let host = step.host.as_deref().unwrap_or(HERE);
    writeln!(out, "\nFAILED on {host}: {}", name(&step.id))?;
    entry(out, "goal", &step.title)?;
    entry(out, "what happened", &failure.why)?;
    if let Some(status) = failure.status {
        entry(out, "exit status", &status.to_string())?;
    }
    for (number, line) in failure.last_lines.iter().enumerate() {
        let label = if number == 0 { "last lines" } else { "" };
        entry(out, label, &format!("| {}", plain(line)))?;
    }
    if let Some(hint) = &failure.hint {
        entry(out, "what to do", hint)?;
    }
    Ok(())
}

/// A label and one or more lines beside it.
fn entry<W: Write>(out: &mut W, label: &str, text: &str) -> io::Result<()> {
    let mut label = label;
    for line in text.lines() {
        let line = format!("  {label:<13}  {}", plain(line));
        writeln!(out, "{}", line.trim_end())?;
        label = "";
    }
    Ok(())
}

fn wont_run<W: Write>(out: &mut W, progress: &Progress) -> io::Result<()> {
    let mut because: Vec<(&str, Vec<&StepProgress>)> = Vec::new();
    for step in &progress.steps {
        if let Some(Outcome::WontRun { because: why }) = step.outcome() {
            match because.iter_mut().find(|(other, _)| other == why) {
                Some((_, steps)) => steps.push(step),
                None => because.push((why, vec![step])),
            }
        }
    }
    for (why, steps) in because {
        let number = counted(steps.len(), "step");
        writeln!(out, "\n{number} skipped: {}", plain(why))?;
        for step in steps.iter().take(NAMED) {
            writeln!(out, "  {}: {}", step.id, step.title)?;
        }
        if steps.len() > NAMED {
            writeln!(out, "  and {} more", steps.len() - NAMED)?;
        }
    }
    Ok(())
}

fn has_problem(cluster: &Cluster) -> bool {
    cluster.nodes.iter().any(|node| node.problem.is_some())
        || cluster.pods.iter().any(|pod| pod.problem.is_some())
}

pub(super) fn nodes<W: Write>(out: &mut W, nodes: &[Node]) -> io::Result<()> {
    if nodes.is_empty() {
        return Ok(());
    }
    let mut nodes: Vec<&Node> = nodes.iter().collect();
    nodes.sort_by_key(|node| node.problem.is_none());
    let row = |node: &&Node| {
        let Node {
            name,
            status,
            roles,
            version,
            internal_ip,
            problem,
            waiting,
            ..
        } = node;
        let cells = [name, status, roles, version, internal_ip];
        (
            cells.map(|cell| plain(cell)).to_vec(),
            problem.as_ref().or(waiting.as_ref()).cloned(),
        )
    };
    let heads = ["NODE", "STATUS", "ROLES", "VERSION", "ADDRESS"];
    writeln!(out)?;
    with_problems(out, &heads, &nodes.iter().map(row).collect::<Vec<_>>())
}

pub(super) fn pods<W: Write>(out: &mut W, pods: &[Pod]) -> io::Result<()> {
    if pods.is_empty() {
        return Ok(());
    }
    let wrong = |pod: &Pod| pod.problem.as_ref().or(pod.waiting.as_ref()).cloned();
    let (unhealthy, healthy): (Vec<&Pod>, Vec<&Pod>) =
        pods.iter().partition(|pod| wrong(pod).is_some());
    let row = |pod: &&Pod| {
        let restarts = pod.restarts.to_string();
        let cells = [
            &pod.namespace,
            &pod.name,
            &pod.ready,
            &pod.status,
            &restarts,
            &pod.node,
        ];
        (cells.map(|cell| plain(cell)).to_vec(), wrong(pod))
    };
    let listed = unhealthy.iter().chain(healthy.iter().take(WELL_PODS));
    let heads = ["NAMESPACE", "POD", "READY", "STATUS", "RESTARTS", "NODE"];
    writeln!(out)?;
    with_problems(out, &heads, &listed.map(row).collect::<Vec<_>>())?;
    if healthy.len() > WELL_PODS {
        writeln!(out, "  and {} more, all healthy", healthy.len() - WELL_PODS)?;
    }
    Ok(())
}

/// A table whose rows may have a problem, shown below the row.
pub fn with_problems<W: Write>(
    out: &mut W,
    heads: &[&str],
    rows: &[(Vec<String>, Option<String>)],
) -> io::Result<()> {
    let heads: Vec<String> = heads.iter().map(|head| (*head).to_owned()).collect();
    let all: Vec<Vec<String>> = std::iter::once(heads.clone())
        .chain(rows.iter().map(|(cells, _)| cells.clone()))
        .collect();
    let widths = table::widths(&all);
    writeln!(out, "{}", table::line(&heads, &widths))?;
    for (cells, problem) in rows {
        writeln!(out, "{}", table::line(cells, &widths))?;
        for line in problem.iter().flat_map(|problem| problem.lines()) {
            writeln!(out, "    ^ {}", plain(line))?;
        }
    }
    Ok(())
}

/// A matrix for every proof: its cases, and the hosts from which they were tried.
fn proofs<W: Write>(out: &mut W, proofs: &[Proof], in_full: bool) -> io::Result<()> {
    if proofs.is_empty() {
        return Ok(());
    }
    let broken: Vec<&Proof> = proofs.iter().filter(|proof| !proof.holds).collect();
    if broken.is_empty() {
        writeln!(out, "\nAll {} pass.", counted(proofs.len(), "proof"))?;
        if !in_full {
            return Ok(());
        }
    } else {
        let (broken, all) = (broken.len(), proofs.len());
        writeln!(out, "\nFailed proofs: {broken} of {all}.")?;
    }
    let mut names: Vec<&str> = Vec::new();
    for proof in proofs {
        if !names.contains(&name(&proof.step)) {
            names.push(name(&proof.step));
        }
    }
    for step in names {
        let of_step: Vec<&Proof> = proofs
            .iter()
            .filter(|proof| name(&proof.step) == step)
            .collect();
        writeln!(out)?;
        table::write(out, &matrix(step, &of_step))?;
    }
    for proof in broken {
        let host = proof.host.as_deref().unwrap_or(HERE);
        let (expected, got) = (plain(&proof.expected), plain(&proof.got));
        writeln!(out, "  FAILED on {host}: {}", plain(&proof.case))?;
        writeln!(out, "    expected {expected}, got {got}")?;
    }
    Ok(())
}

fn matrix(step: &str, proofs: &[&Proof]) -> Vec<Vec<String>> {
    let mut hosts: Vec<&str> = Vec::new();
    let mut cases: Vec<(&str, &str)> = Vec::new();
    let host_of = |proof: &Proof| proof.host.clone().unwrap_or_else(|| HERE.to_owned());
    for proof in proofs {
        let host = proof.host.as_deref().unwrap_or(HERE);
        if !hosts.contains(&host) {
            hosts.push(host);
        }
        let case = (proof.case.as_str(), proof.expected.as_str());
        if !cases.contains(&case) {
            cases.push(case);
        }
    }
    let mut heads = vec![step.to_owned(), "expected".to_owned()];
    heads.extend(hosts.iter().map(|host| (*host).to_owned()));
    let mut rows = vec![heads];
    for (case, expected) in cases {
        let mut row = vec![plain(case), plain(expected)];
        for host in &hosts {
            let tried = proofs.iter().find(|proof| {
                (proof.case.as_str(), proof.expected.as_str()) == (case, expected)
                    && host_of(proof) == *host
            });
            let cell = match tried {
                Some(proof) if proof.holds => "ok",
                Some(_) => "FAIL",
                None => "-",
            };
            row.push(cell.to_owned());
        }
        rows.push(row);
    }
    rows
}

fn time<W: Write>(out: &mut W, progress: &Progress) -> io::Result<()> {
    let phases: Vec<Vec<String>> = progress
        .phases
        .iter()
        .filter_map(|phase| {
            let span = progress.phase_span(phase)?;
            let (from, to) = (duration(span.start), duration(span.end));
            let bar = timeline(&span, progress.at, "#", ".", TIMELINE);
            Some(vec![
                format!("{from:>7} to {to:>7}"),
                bar.concat(),
                phase.title.clone(),
            ])
        })
        .collect();
    let Some(path) = progress.critical_path() else {
        return Ok(());
    };
    writeln!(out, "\nTime of each phase")?;
    table::write(out, &phases)?;

    let over = path.over().unwrap_or(0.0) * 100.0;
    writeln!(
        out,
        "\nThe longest chain of steps took {}; the run took {over:.1} % longer.",
        duration(path.length)
    )?;
    let least = path.length / SHORT;
    let (long, short): (Vec<_>, Vec<_>) = path.steps.iter().partition(|step| step.took() >= least);
    let mut rows: Vec<Vec<String>> = long
        .iter()
        .map(|step| vec![format!("{:>7}", duration(step.took())), step.id.to_string()])
        .collect();
    if !short.is_empty() {
        let took = duration(short.iter().map(|step| step.took()).sum());
        let what = counted(short.len(), "shorter step");
        rows.push(vec![format!("{took:>7}"), what]);
    }
    table::write(out, &rows)
}

/// A bar over a whole time, filled where a part of it was: what is before, in, and behind the part.
pub fn timeline(
    part: &Range<u64>,
    whole: u64,
    full: &str,
    empty: &str,
    width: usize,
) -> [String; 3] {
    let cell = |at: u64| {
        let cells = u128::from(at) * width as u128 / u128::from(whole.max(1));
        usize::try_from(cells).unwrap_or(width).min(width)
    };
    // However short it was, it is seen.
    let from = cell(part.start).min(width.saturating_sub(1));
    let to = cell(part.end).max(from + 1).min(width);
    [
        empty.repeat(from),
        full.repeat(to - from),
        empty.repeat(width - to),
    ]
}

fn goodbye<W: Write>(
    out: &mut Wrapping<W>,
    progress: &Progress,
    context: &Context,
) -> io::Result<()> {
    let log = context.log.display();
    writeln!(out)?;
    if progress.ended == Some(End::Done) && !installs(progress) {
        writeln!(out, "log         {log}")
    } else if progress.ended == Some(End::Done) {
        if let Some(kubeconfig) = &context.kubeconfig {
            writeln!(out, "kubeconfig  {}", kubeconfig.display())?;
        }
        writeln!(out, "log         {log}")?;
        if !context.next.is_empty() {
            writeln!(out, "\nNext")?;
        }
        for command in &context.next {
            out.whole(&format!("  {command}"))?;
        }
        Ok(())
    } else {
        writeln!(out, "log         {log}")?;
        let next = if installs(progress) {
            "Finished steps stay done. To continue:"
        } else {
            "To do it again:"
        };
        writeln!(out, "\n{next}")?;
        out.whole(&format!("  {}", context.again))
    }
}
