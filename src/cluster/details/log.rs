//! The end of the log of a container: whose, and what came of asking for it (docs/facts.md, "Nodes
//! and pods").

use super::super::objects::{ContainerStatus, PodJson};
use super::{LogTail, clean};

/// How many lines are kept.
const LINES: usize = 40;

/// Whose log is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::cluster) struct LogRequest {
    pub container: String,
    /// That of the container before the last restart.
    pub is_previous: bool,
}

/// The log that says most of what is wrong with a pod: that of the first container that failed, else
/// of the first that runs without being ready. `None` where no container has printed anything.
pub(in crate::cluster) fn request(pod: &PodJson) -> Option<LogRequest> {
    let statuses = [
        &pod.status.init_container_statuses,
        &pod.status.container_statuses,
    ];
    let statuses = || statuses.into_iter().flatten();
    let (status, is_previous) = statuses().find_map(failed).or_else(|| {
        let unready = |status: &&ContainerStatus| status.state.running.is_some() && !status.ready;
        let status = statuses().find(unready)?;
        Some((status, status.last_state.terminated.is_some()))
    })?;
    Some(LogRequest {
        container: status.name.clone(),
        is_previous,
    })
}

/// A container that failed, and whether another one is started in its place already.
fn failed(status: &ContainerStatus) -> Option<(&ContainerStatus, bool)> {
    let state = &status.state;
    if let Some(ended) = &state.terminated {
        return (ended.exit_code != 0).then_some((status, false));
    }
    let crashed = state.waiting.is_some() && status.last_state.terminated.is_some();
    crashed.then_some((status, true))
}

/// What was printed; `most` bytes were asked for, so there may be more behind them.
pub(in crate::cluster) fn log_tail(request: &LogRequest, printed: &[u8], most: usize) -> LogTail {
    let text = String::from_utf8_lossy(printed);
    let mut lines: Vec<_> = text.lines().map(clean).collect();
    LogTail {
        container: clean(&request.container),
        is_previous: request.is_previous,
        lines: lines.split_off(lines.len().saturating_sub(LINES)),
        is_cut: printed.len() >= most,
    }
}
