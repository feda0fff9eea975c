//! The exit codes, and the one place that chooses between them.

use super::RunError;
use crate::answers::LoginSecretError;
use crate::engine::collecting::CollectError;
use crate::events::End;
use crate::pki::PkiError;
use crate::signals;
use crate::state::{SecretsError, StateError};

pub const FAILED: u8 = 1;
pub const USAGE: u8 = 2;
pub const STOPPED: u8 = 3;
pub const HELD: u8 = 4;
pub const UNFIT: u8 = 5;
pub const DRIFTED: u8 = 6;
pub const UNSEEN: u8 = 7;

/// The exit code of a run; `None` is a plan that was not run.
pub fn code(ended: &Result<Option<End>, RunError>) -> u8 {
    match ended {
        Ok(None | Some(End::Done)) => 0,
        Ok(Some(End::Failed)) => FAILED,
        Ok(Some(End::Aborted { why })) => stopped(why),
        Err(error) => of_error(error),
    }
}

/// The exit code of a run that did not start, or could not go on.
pub fn of_error(error: &RunError) -> u8 {
    match error {
        RunError::Aborted { why } => stopped(why),
        RunError::State(StateError::Locked { .. }) => HELD,
        RunError::Unreached(errors) if errors.iter().any(super::error::is_held) => HELD,
        RunError::Unreached(_) | RunError::LoginSecret(LoginSecretError::Unavailable { .. }) => {
            UNSEEN
        }
        RunError::Unfit => UNFIT,
        RunError::Secrets(SecretsError::Lost(_)) => FAILED,
        RunError::Answers(_)
        | RunError::Refused(_)
        | RunError::ReadOnly
        | RunError::NoHost(_)
        | RunError::Secrets(_)
        | RunError::Proxy(_)
        | RunError::Bundle(_)
        | RunError::Pki(PkiError::Given { .. })
        | RunError::ExternalBackup { .. }
        | RunError::SshConfig(_)
        | RunError::LoginSecret(LoginSecretError::Unfit { .. }) => USAGE,
        RunError::Collect(CollectError::Remote(_)) => UNSEEN,
        RunError::Collect(_)
        | RunError::State(_)
        | RunError::Pki(_)
        | RunError::Topology(_)
        | RunError::Steps(_)
        | RunError::NoPrimary(_)
        | RunError::Log { .. }
        | RunError::Random(_)
        | RunError::WentWrong => FAILED,
    }
}

/// As in a shell, for a process that a signal ended; otherwise the operator stopped it.
fn stopped(why: &str) -> u8 {
    signals::code(why).unwrap_or(STOPPED)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::remote::RemoteError;
    use crate::remote::lease::{Lease, LeaseError};

    #[test]
    fn every_end_has_its_code() {
        let aborted = |why: &str| {
            Some(End::Aborted {
                why: why.to_owned(),
            })
        };
        for (end, expected) in [
            (None, 0),
            (Some(End::Done), 0),
            (Some(End::Failed), 1),
            (aborted("the operator"), 3),
            (aborted("SIGHUP"), 129),
            (aborted("SIGINT"), 130),
            (aborted("SIGTERM"), 143),
        ] {
            assert_eq!(code(&Ok(end.clone())), expected, "{end:?}");
        }
        let lost = || {
            LeaseError::Remote(RemoteError::Lost {
                host: "h".into(),
                why: "gone".into(),
            })
        };
        let held = LeaseError::Held {
            host: "g".into(),
            lease: Box::new(Lease::default()),
            units: Vec::new(),
            idle: Duration::ZERO,
        };
        let path = || "lock".into();
        let locked = StateError::Locked {
            path: path(),
            holder: "another run".into(),
        };
        let why = || "SIGINT".to_owned();
        for (error, expected) in [
            (RunError::Answers(Vec::new()), 2),
            (RunError::Refused(Vec::new()), 2),
            (RunError::ReadOnly, 2),
            (RunError::State(locked), 4),
            (RunError::State(StateError::NoHome), 1),
            (RunError::Secrets(SecretsError::Lost(path())), 1),
            (RunError::Secrets(SecretsError::SameTokens), 2),
            (RunError::Unreached(vec![lost()]), 7),
            (RunError::Unreached(vec![lost(), held]), 4),
            (RunError::NoPrimary(Vec::new()), 1),
            (RunError::Unfit, 5),
            (RunError::Aborted { why: why() }, 130),
            (RunError::WentWrong, 1),
        ] {
            let text = error.to_string();
            assert_eq!(code(&Err(error)), expected, "{text}");
        }
    }
}
