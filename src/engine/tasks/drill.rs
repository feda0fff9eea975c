//! Measures a drill: from the first question of its clients to its figures.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::{Site, Trouble};
use crate::cluster::kubeconfig::Access;
use crate::engine::api::ask;
use crate::engine::printed;
use crate::events::{DrillFigures, DrillStart, Outcome, Stream, What, millis};
use crate::plan::DrillProbe;

/// How long removing and listing marks may take.
const MARKS: Duration = Duration::from_secs(120);

/// Starts the clients, and waits until they are served.
pub(super) fn start(probe: &DrillProbe, site: &mut Site<'_, '_>) -> Result<Outcome, Trouble> {
    let measuring = site.run.measuring;
    // Of a drill that did not end, which another attempt repeats.
    if let Some(clients) = measuring.running() {
        measuring.end(clients, site.host);
    }
    let access = access(site)?;
    let removed = take_marks(site, probe, &access)?.len();
    if removed > 0 {
        let text = format!("{removed} ConfigMaps of an earlier drill are removed");
        let what = printed(&site.step.id, Stream::Out, &text);
        site.run.recorder.record(what);
    }
    let step = site.step.id.clone();
    site.run.recorder.record(What::DrillStarted {
        step: step.clone(),
        drill: DrillStart {
            drill: probe.drill.clone(),
            limit: probe.limit.map(millis),
            away: probe.away.map(millis),
        },
    });
    let recorder = site.run.recorder.clone();
    let told = move |sample| {
        let step = step.clone();
        recorder.record(What::DrillSample { step, sample });
    };
    let clients = measuring.start(probe, &access, site.host, site.run.id, told);
    let clients = clients.ok_or_else(|| Trouble::because("no way to this host is known"))?;
    let served = clients.as_ref().map_or(Ok(()), |clients| {
        clients.wait_until_served(site.run.control, 0)
    });
    served.map_err(Trouble::because)?;
    Ok(Outcome::Done)
}

/// Waits until the clients are served again, ends them, and compares what was acknowledged with what
/// is there.
pub(super) fn stop(probe: &DrillProbe, site: &mut Site<'_, '_>) -> Result<Outcome, Trouble> {
    let measuring = site.run.measuring;
    let Some(clients) = measuring.running() else {
        return Err(Trouble::because("the clients of this drill do not run"));
    };
    let redundant_after = clients.elapsed();
    let served = clients.wait_until_served(site.run.control, clients.writes());
    let seen = measuring.end(clients, site.host);
    served.map_err(Trouble::because)?;
    let access = access(site)?;
    let there = take_marks(site, probe, &access)?;
    let lost = seen.written.iter().filter(|mark| !there.contains(*mark));
    let figures = DrillFigures {
        drill: probe.drill.clone(),
        acknowledged: seen.written.len(),
        lost: lost.count(),
        stale_reads: seen.stale,
        longest_without_write: millis(seen.gaps.0),
        longest_without_read: millis(seen.gaps.1),
        longest_without_kept: millis(seen.gaps.2),
        broken_connections: seen.broken,
        redundant_after: millis(redundant_after),
    };
    judge(probe, &figures, site)
}

/// Records the figures, and whether they are within what is allowed.
fn judge(
    probe: &DrillProbe,
    figures: &DrillFigures,
    site: &mut Site<'_, '_>,
) -> Result<Outcome, Trouble> {
    site.run.recorder.record(What::Drilled {
        step: site.step.id.clone(),
        figures: figures.clone(),
    });
    let DrillFigures {
        acknowledged,
        lost,
        stale_reads,
        ..
    } = figures;
    site.proved(
        "acknowledged writes",
        "all are there",
        format!("{lost} of {acknowledged} are lost"),
        *lost == 0,
    )?;
    site.proved(
        "reads",
        "none is stale",
        format!("{stale_reads} are stale"),
        *stale_reads == 0,
    )?;
    let gap = figures.longest_gap();
    let got = format!("{}.{} s without an answer", gap / 1000, gap % 1000 / 100);
    let is_short = probe
        .limit
        .is_none_or(|limit| u128::from(gap) <= limit.as_millis());
    let expected = match probe.limit {
        Some(limit) => format!("at most {} s without an answer", limit.as_secs()),
        None => "an answer again (this component is not redundant)".to_owned(),
    };
    site.proved("API", &expected, got.clone(), is_short)?;
    if *lost > 0 {
        return Err(Trouble::because(format!(
            "{lost} of {acknowledged} acknowledged writes are lost"
        )));
    }
    if !is_short {
        return Err(Trouble::because(format!("{got}: expected {expected}")));
    }
    Ok(Outcome::Done)
}

fn access(site: &Site<'_, '_>) -> Result<Arc<Access>, Trouble> {
    let path = site.run.memory.folder.kubeconfig();
    let unusable = |why: &dyn std::fmt::Display| {
        Trouble::because(format!(
            "the kubeconfig {} cannot be used: {why}",
            path.display()
        ))
    };
    let text = std::fs::read_to_string(&path).map(zeroize::Zeroizing::new);
    let text = text.map_err(|error| unusable(&error))?;
    let access = Access::of(&text).map_err(|error| unusable(&error))?;
    Ok(Arc::new(access))
}

/// The marks that are there, which are removed; over the worker's own connection.
fn take_marks(
    site: &mut Site<'_, '_>,
    probe: &DrillProbe,
    access: &Access,
) -> Result<BTreeSet<String>, Trouble> {
    let name = probe.at.name.to_string();
    let taken = ask(site.remote, &probe.at, &name, access, MARKS, |api| {
        let there = api.marks()?;
        there.iter().try_for_each(|mark| api.remove_mark(mark))?;
        Ok(there)
    })?;
    taken.map_err(|error| Trouble::because(format!("the API at {}: {error}", probe.at)))
}
