//! How hosts differ from a plan: every step is asked on its host, in one round trip a host, and
//! nothing is changed.

use std::collections::BTreeMap;

use super::hosts::{ReachedHost, on_all};
use super::new_mark;
use crate::events::StepId;
use crate::plan::{
    Asked, LateValues, Plan, PlannedFile, Shell, Work, ask_script, preview_script, read_answers,
    read_previews,
};

/// What a host says of one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    pub asked: Asked,
    /// The files that the step sees to, beside what is there.
    pub files: Vec<PlannedFile>,
}

/// What hosts say of their steps. A step that is not there could not be asked: what it needs to know
/// exists only after an earlier step, or its host stopped answering.
pub fn compare(
    plan: &Plan,
    hosts: &mut [ReachedHost],
    late: &LateValues,
) -> BTreeMap<StepId, Compared> {
    let compared = on_all(hosts, |host| of_host(plan, host, late));
    compared.into_iter().flatten().collect()
}

fn of_host(plan: &Plan, host: &mut ReachedHost, late: &LateValues) -> Vec<(StepId, Compared)> {
    let steps = plan
        .steps()
        .filter(|step| step.host.as_ref() == Some(&host.name));
    let steps: Vec<(&StepId, &Shell)> = steps
        .filter_map(|step| match &step.work {
            Work::Shell(shell) if shell.is_bound(late) => Some((&step.id, shell)),
            _ => None,
        })
        .collect();
    let shells: Vec<&Shell> = steps.iter().map(|(_, shell)| *shell).collect();
    let (Ok(answer), Ok(file)) = (new_mark(), new_mark()) else {
        return Vec::new();
    };
    let asks = ask_script(&answer, &shells, late);
    let shows = preview_script(&file, &shells, late);
    let (Ok(asks), Ok(shows)) = (asks, shows) else {
        return Vec::new();
    };
    let lines = host.connection.lines(&host.name, &asks.then(shows));
    let lines = lines.unwrap_or_default();
    let asked = read_answers(&answer, &lines);
    let mut files = read_previews(&file, &lines, &shells, late).into_iter();
    let compared = asked.into_iter().map(|asked| Compared {
        asked,
        files: files.next().unwrap_or_default(),
    });
    let ids = steps.into_iter().map(|(id, _)| id.clone());
    ids.zip(compared).collect()
}
