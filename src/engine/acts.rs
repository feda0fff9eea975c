//! What is done once: its standard output goes to this machine as it comes, in bounded memory.
//! A host that is slow to be read is slowed down by SSH's own window.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::PoisonError;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::tasks::{Site, Trouble};
use super::{keep_last, printed};
use crate::events::{Failure, Outcome, Stream, What};
use crate::plan::{Act, ActOutput, act_script};
use crate::remote::LineSplitter;
use crate::state::backups::BackupLabel;

/// Does it from the beginning; what an earlier attempt has delivered in part is not kept.
pub(super) fn perform(act: &Act, site: &mut Site<'_, '_>) -> Result<Outcome, Trouble> {
    match &act.output {
        ActOutput::Shown => shown(act, site),
        ActOutput::Backup { database, token } => backup(act, site, database, token),
    }
}

fn shown(act: &Act, site: &mut Site<'_, '_>) -> Result<Outcome, Trouble> {
    let (recorder, step) = (site.run.recorder, site.step);
    let mut line = |stream, text: &str| recorder.record(printed(&step.id, stream, text));
    let mut lines = LineSplitter::default();
    stream(act, site, &mut |bytes| {
        lines.feed(Stream::Out, bytes, &mut line);
        ControlFlow::Continue(())
    })?;
    lines.finish(&mut line);
    Ok(Outcome::Done)
}

fn backup(
    act: &Act,
    site: &mut Site<'_, '_>,
    database: &str,
    token: &str,
) -> Result<Outcome, Trouble> {
    let run = site.run;
    let began = OffsetDateTime::now_utc();
    let folder = run.memory.folder;
    let unkept = |why: &dyn std::fmt::Display| Trouble::because(format!("it is not kept: {why}"));
    let mut dump = folder.new_backup().map_err(|error| unkept(&error))?;
    stream(act, site, &mut |bytes| match dump.write(bytes) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => ControlFlow::Break(format!("the backup cannot be written here: {error}")),
    })?;
    let kept = dump.keep(BackupLabel {
        run: run.id.to_owned(),
        when: began.format(&Rfc3339).unwrap_or_default(),
        cluster: run.plan.cluster.clone(),
        database: database.to_owned(),
        host: site.host.to_owned(),
        token: token.to_owned(),
    });
    let kept = kept.map_err(|error| unkept(&error))?;
    let text = format!(
        "{}: {} bytes, SHA-256 {}",
        folder.dump(&kept).display(),
        kept.size,
        kept.sha256
    );
    run.recorder
        .record(printed(&site.step.id, Stream::Out, &text));
    Ok(Outcome::Done)
}

/// Runs the act, and gives away what it prints on standard output.
fn stream(
    act: &Act,
    site: &mut Site<'_, '_>,
    out: &mut dyn FnMut(&[u8]) -> ControlFlow<String>,
) -> Result<(), Trouble> {
    let late = site.late.lock().unwrap_or_else(PoisonError::into_inner);
    let script = act_script(act, &late).map_err(|error| Trouble::because(error.to_string()))?;
    drop(late);
    let (recorder, step) = (site.run.recorder, &site.step.id);
    recorder.record(What::StepApplies { step: step.clone() });
    let mut last_lines = VecDeque::new();
    let mut line = |stream, text: &str| {
        recorder.record(printed(step, stream, text));
        keep_last(&mut last_lines, text.to_owned());
    };
    let mut lines = LineSplitter::default();
    let status = site.remote.stream(
        &script,
        site.step.limit,
        &mut |stream, bytes| match stream {
            Stream::Out => out(bytes),
            Stream::Err => {
                lines.feed(stream, bytes, &mut line);
                ControlFlow::Continue(())
            }
        },
    )?;
    lines.finish(&mut line);
    if status == 0 {
        return Ok(());
    }
    let why = last_lines.back().cloned();
    Err(Trouble::Failed(Failure {
        why: why.unwrap_or_else(|| "it gave no reason".to_owned()),
        status: Some(status),
        last_lines: last_lines.into(),
        hint: None,
    }))
}
