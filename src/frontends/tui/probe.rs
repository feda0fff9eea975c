//! The threads that try hosts in the background, one a host. Each connects, asks what the host is,
//! and closes the connection.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use crossbeam_channel::Sender;

use crate::answers::{CredentialRequest, LoginSecretError};
use crate::engine::control::Control;
use crate::platform::Facts;
use crate::remote::RemoteError;
use crate::run::Tried;
use crate::run::probe::{ProbeError, probe};

use super::effect::ProbeOrder;
use super::message::{Message, Unreached};
use super::text;

/// Probes a host; a hard abort of `control` ends it.
pub fn start(
    order: ProbeOrder,
    tried: Tried,
    control: Arc<Control>,
    messages: Sender<Message>,
) -> io::Result<()> {
    thread::Builder::new()
        .name(format!("probe {}", order.host.name))
        .spawn(move || {
            let ProbeOrder { id, host, answers } = order;
            let probed = catch_unwind(AssertUnwindSafe(|| {
                probe(&answers, &host, &tried, &control)
            }));
            let what = match probed {
                Ok(Ok(facts)) => Ok(what_it_is(&facts)),
                Ok(Err(error)) => Err(unreached(&host.name, &error)),
                Err(_) => Err(Unreached::new(&host.name, text::WENT_WRONG)),
            };
            // When the screens are gone, no message is read any more.
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

/// A secret that the answers name, and that is not available.
pub(super) fn of_secret(error: &LoginSecretError) -> Unreached {
    let wants = error.wants().into_iter();
    Unreached {
        wants: wants
            .map(|what| CredentialRequest { what, wrong: false })
            .collect(),
        ..Unreached::new(error.host(), &error.to_string())
    }
}

/// What the screens may know of an error.
pub(super) fn of_remote(error: &RemoteError) -> Unreached {
    let cause = error.cause();
    let host_key = match cause {
        RemoteError::HostKeyUnknown { fingerprint, .. } => Some(fingerprint.clone()),
        _ => None,
    };
    Unreached {
        host_key,
        wants: error.wants().to_vec(),
        bastion: (cause.host() != error.host()).then(|| cause.host().to_owned()),
        ..Unreached::new(error.host(), &error.to_string())
    }
}

/// `Debian 12, amd64, 2048 MiB`
fn what_it_is(facts: &Facts) -> String {
    let is_name = |word: &&str| {
        !word.starts_with(|letter: char| letter.is_ascii_digit() || letter == '(')
            && !word.ends_with("/Linux")
            && *word != "Linux"
    };
    let words = facts.os_name.split_whitespace();
    let mut name: Vec<&str> = words.take_while(is_name).collect();
    if name.is_empty() {
        name.push(&facts.os_id);
    }
    name.extend(Some(facts.os_version.as_str()).filter(|version| !version.is_empty()));
    let arch = match facts.arch.as_str() {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let memory = facts.memory_kib / 1024;
    format!("{}, {arch}, {memory} MiB", name.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_told_in_short() {
        let told = |name: &str, version: &str| {
            what_it_is(&Facts {
                os_name: name.into(),
                os_version: version.into(),
                os_id: "id".into(),
                arch: "x86_64".into(),
                memory_kib: 2 << 20,
                ..Facts::default()
            })
        };
        for (name, version, short) in [
            ("Debian GNU/Linux 12 (bookworm)", "12", "Debian 12"),
            ("Ubuntu 24.04.1 LTS", "24.04", "Ubuntu 24.04"),
            ("openSUSE Leap 15.6", "15.6", "openSUSE Leap 15.6"),
            ("Rocky Linux 9.4 (Blue Onyx)", "9.4", "Rocky 9.4"),
            ("", "", "id"),
        ] {
            assert_eq!(told(name, version), format!("{short}, amd64, 2048 MiB"));
        }
    }
}
