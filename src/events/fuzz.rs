//! The fuzz target of this room.

use super::log;
use super::progress::Progress;

/// A log of a run: what is read of it is the same when it is written again, and can be followed.
pub(crate) fn events(bytes: &[u8]) {
    let mut progress = Progress::keeping(3);
    for line in bytes.split(|byte| *byte == b'\n') {
        let Ok(event) = log::event(line) else {
            continue;
        };
        if let Ok(written) = log::line(&event) {
            let again = log::event(written.trim_ascii_end());
            assert!(again.is_ok_and(|again| again == event), "{event:?}");
        }
        progress.add(&event);
    }
    let _ = (progress.counts(), progress.hosts());
    for phase in &progress.phases {
        let _ = progress.phase_status(phase);
    }
    for step in &progress.steps {
        let _ = (progress.dependents(step), progress.lost_since(step));
    }
    let _ = progress.moment(progress.at);
}
