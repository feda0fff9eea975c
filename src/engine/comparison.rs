//! How hosts differ from a plan: every step is checked on its host, in one round trip per host, and
//! nothing is changed.

use std::collections::BTreeMap;

use super::api::Administrator;
use super::asking;
use super::hosts::{ReachedHost, on_all, output};
use super::new_mark;
use super::worker::ASKING;
use crate::events::StepId;
use crate::plan::{
    Asked, CheckStatus, LateValues, Plan, PlannedFile, Shell, Work, ask_script, preview_script,
    read_answers, read_previews,
};

/// A host's answer for one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    pub asked: Asked,
    /// The files of the step, next to what exists.
    pub files: Vec<PlannedFile>,
}

/// The hosts' answers for their steps. A missing step could not be checked: an input exists only
/// after an earlier step, or its host stopped answering.
pub fn compare(
    plan: &Plan,
    hosts: &mut [ReachedHost],
    administrator: &Administrator,
    late: &LateValues,
) -> BTreeMap<StepId, Compared> {
    let compared = on_all(hosts, |host| of_host(plan, host, administrator, late));
    compared.into_iter().flatten().collect()
}

fn of_host(
    plan: &Plan,
    host: &mut ReachedHost,
    administrator: &Administrator,
    late: &LateValues,
) -> Vec<(StepId, Compared)> {
    let steps = bound_steps(plan, &host.name, late);
    let shells: Vec<&Shell> = steps.iter().map(|(_, shell)| *shell).collect();
    let (Ok(answer), Ok(file)) = (new_mark(), new_mark()) else {
        return Vec::new();
    };
    let asks = ask_script(&answer, &shells, late);
    let shows = preview_script(&file, &shells, late);
    let (Ok(asks), Ok(shows)) = (asks, shows) else {
        return Vec::new();
    };
    let script = asks.then(shows);
    let ids = steps.into_iter().map(|(id, _)| id.clone());
    let said = host.connection.now(&host.name, |remote| {
        let (_, lines, _) = output(remote, &script, ASKING)?;
        let mut asked = read_answers(&answer, &lines);
        let unseen = CheckStatus::CannotTell;
        asking::confirm(remote, administrator, &shells, &mut asked, unseen)?;
        Ok((lines, asked))
    });
    let (lines, asked) = match said {
        Ok(said) => said,
        Err(error) => {
            let unknown = Compared {
                asked: Asked {
                    status: CheckStatus::CannotTell,
                    reason: error.to_string(),
                },
                files: Vec::new(),
            };
            return ids.map(|id| (id, unknown.clone())).collect();
        }
    };
    let mut files = read_previews(&file, &lines, &shells, late).into_iter();
    let compared = asked.into_iter().map(|asked| Compared {
        asked,
        files: files.next().unwrap_or_default(),
    });
    ids.zip(compared).collect()
}

/// The steps of a host whose inputs are all known.
fn bound_steps<'a>(plan: &'a Plan, host: &str, late: &LateValues) -> Vec<(&'a StepId, &'a Shell)> {
    let steps = plan
        .steps()
        .filter(|step| step.host.as_deref() == Some(host));
    let bound = steps.filter_map(|step| match &step.work {
        Work::Shell(shell) if shell.is_bound(late) => Some((&step.id, shell)),
        _ => None,
    });
    bound.collect()
}
