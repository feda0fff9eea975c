//! What a plan will write, next to what exists: read from all hosts at once, changing nothing.

use std::collections::BTreeMap;

use super::comparison::bound_steps;
use super::hosts::{ReachedHost, on_all};
use super::new_mark;
use crate::events::StepId;
use crate::plan::{LateValues, Plan, PlannedFile, Shell, preview_script, read_previews};

/// The files of every step whose inputs are known. Files that a host cannot read are left out: the
/// step itself checks again.
pub fn planned_files(
    plan: &Plan,
    hosts: &mut [ReachedHost],
    late: &LateValues,
) -> BTreeMap<StepId, Vec<PlannedFile>> {
    let told = on_all(hosts, |host| of_host(plan, host, late));
    told.into_iter().flatten().collect()
}

fn of_host(
    plan: &Plan,
    host: &mut ReachedHost,
    late: &LateValues,
) -> Vec<(StepId, Vec<PlannedFile>)> {
    let steps = bound_steps(plan, &host.name, late);
    let shells: Vec<&Shell> = steps.iter().map(|(_, shell)| *shell).collect();
    let Ok(mark) = new_mark() else {
        return Vec::new();
    };
    let Ok(script) = preview_script(&mark, &shells, late) else {
        return Vec::new();
    };
    let lines = host.connection.lines(&host.name, &script);
    let files = read_previews(&mark, &lines.unwrap_or_default(), &shells, late);
    let ids = steps.iter().map(|(id, _)| (*id).clone());
    ids.zip(files).collect()
}
