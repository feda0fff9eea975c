//! Steps that are satisfied only once nodes are Ready: a host's shell says all else of them, K3s's API
//! says this.

use super::api::Administrator;
use crate::plan::{Asked, CheckStatus, Shell};
use crate::remote::{Remote, RemoteError};

/// Confirms what a server said of its steps, in their order. The API is asked once for all of them, and
/// only where there is something to confirm. Where it does not answer, these steps are `unanswered`: a
/// run applies them, for a comparison they were not seen.
pub(super) fn confirm(
    server: &mut dyn Remote,
    administrator: &Administrator,
    steps: &[&Shell],
    said: &mut [Asked],
    unanswered: CheckStatus,
) -> Result<(), RemoteError> {
    let steps = steps.iter().zip(said);
    let satisfied = steps.filter(|(step, asked)| {
        asked.status == CheckStatus::Satisfied && !step.ready_nodes.is_empty()
    });
    let mut satisfied: Vec<_> = satisfied.collect();
    if satisfied.is_empty() {
        return Ok(());
    }
    let seen = administrator.ask(server, |api| match api.unready()? {
        Some(why) => Ok(Err(format!("the API server is not ready: {why}"))),
        None => api.nodes().map(Ok),
    });
    for (step, asked) in &mut satisfied {
        let missing = match &seen {
            Ok(Ok(nodes)) => nodes.missing(&step.ready_nodes),
            Ok(Err(unready)) => Some(unready.clone()),
            Err(error) if error.ends_connection() => return Err(error.clone()),
            Err(error) => {
                let (status, reason) = (unanswered, error.to_string());
                **asked = Asked { status, reason };
                continue;
            }
        };
        if let Some(reason) = missing {
            let status = CheckStatus::Not;
            **asked = Asked { status, reason };
        }
    }
    Ok(())
}
