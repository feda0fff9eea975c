//! The threads that try hosts in the background, one a host. Each connects, asks what the host is,
//! and closes the connection.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use crossbeam_channel::Sender;

use crate::answers::{Answers, Host};
use crate::engine::control::Control;
use crate::remote::RemoteError;
use crate::run::Tried;
use crate::run::probe::{ProbeError, probe};

use super::model::{Message, Unreached};
use super::text;

/// Which host, and with what the answers say of all.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    pub id: u64,
    pub host: Host,
    pub answers: Answers,
}

/// Probes a host; a hard abort of `control` ends it.
pub fn start(
    order: Order,
    tried: Tried,
    control: Arc<Control>,
    messages: Sender<Message>,
) -> io::Result<()> {
    thread::Builder::new()
        .name(format!("probe {}", order.host.name))
        .spawn(move || {
            let Order { id, host, answers } = order;
            let probed = catch_unwind(AssertUnwindSafe(|| {
                probe(&answers, &host, &tried, &control)
            }));
            let what = match probed {
                Ok(Ok(facts)) => Ok(text::hosts::what_it_is(&facts)),
                Ok(Err(error)) => Err(unreached(&host.name, &error)),
                Err(_) => Err(Unreached::new(&host.name, text::WENT_WRONG)),
            };
            // Nobody listens any more when the screens are gone.
            let _ = messages.send(Message::Probed(id, what));
        })?;
    Ok(())
}

fn unreached(host: &str, error: &ProbeError) -> Unreached {
    match error {
        ProbeError::Remote(error) => of_remote(error),
        other => Unreached::new(host, &other.to_string()),
    }
}

/// What the screens may know of an error.
pub(super) fn of_remote(error: &RemoteError) -> Unreached {
    let host_key = match error {
        RemoteError::HostKeyUnknown { fingerprint, .. } => Some(fingerprint.clone()),
        _ => None,
    };
    Unreached {
        host_key,
        wants: error.wants().to_vec(),
        ..Unreached::new(error.host(), &error.to_string())
    }
}
