//! What hosts without internet are sent from a bundle, and its removal.

use super::{BUNDLE, DUMP_TIME, StepContext, StepHost, step_file};
use crate::plan::{Phase, Step, Task, Value, Work};
use crate::platform::bundled::FOLDER;

const SEND: &str = "bundle/send";
const CLEAN: &str = "bundle/clean";

/// The inputs about the archive of images that a node gets.
pub fn images(context: &StepContext<'_>, node: &StepHost<'_>) -> Vec<(&'static str, Value)> {
    let images = || {
        let bundle = context.given.bundle?;
        let needs = bundle.needs.get(node.name)?;
        Some(&needs.node(bundle.contents?)?.images)
    };
    let inputs = images().map(|images| {
        [
            ("IMAGES", images.name.clone().into()),
            ("IMAGES_SIZE", images.size.to_string().into()),
            ("IMAGES_SHA256", images.sha256.clone().into()),
        ]
    });
    inputs.into_iter().flatten().collect()
}

/// The steps that send hosts what the steps of these phases install from a bundle. Those then need it,
/// and when all of a host are done, the last phase removes what is left of it.
pub fn supply(context: &StepContext<'_>, phases: &mut [Phase]) -> Vec<Step> {
    let Some(bundle) = context.given.bundle else {
        return Vec::new();
    };
    let (mut sent, mut cleaned) = (Vec::new(), Vec::new());
    for host in context.hosts() {
        let Some(needs) = bundle.needs.get(host.name) else {
            continue;
        };
        let steps = phases.iter_mut().flat_map(|phase| &mut phase.steps);
        let mut users = Vec::new();
        for step in steps.filter(|step| step.host.as_deref() == Some(host.name)) {
            if uses_bundle(step) {
                step.needs.push(host.id(SEND));
                users.push(step.id.clone());
            }
        }
        if users.is_empty() {
            continue;
        }
        let title = "Send the host what it installs from the bundle";
        let step = host.task(SEND, title, Task::SendBundle(Box::new(needs.clone())));
        sent.push(step.within(DUMP_TIME));
        let inputs = vec![(BUNDLE, FOLDER.into())];
        let title = "Remove what is left of the bundle";
        let clean = host.shell(CLEAN, title, step_file!("bundle/clean"), inputs);
        cleaned.push(clean.needing(users));
    }
    if let Some(last) = phases.last_mut() {
        last.steps.extend(cleaned);
    }
    sent
}

fn uses_bundle(step: &Step) -> bool {
    match &step.work {
        Work::Shell(shell) => shell.inputs.iter().any(|(name, _)| *name == BUNDLE),
        Work::Act(_) | Work::Task(_) => false,
    }
}
