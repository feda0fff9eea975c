//! The way to a host: directly, or over the connection to a bastion that several hosts share.
//!
//! A thread owns that connection (`copier`). Every host behind it gets one end of a socket pair.

use std::io;
use std::sync::Arc;
use std::thread;

use super::copier::Copier;
use super::line::{BastionLine, Line};
use super::wire::Wire;
use super::{Cancel, RemoteError, Target, auth, dial};
use crate::remote::bastion::{BastionHandle, BastionStage, ChannelReply, Served};
use crate::remote::target::Way;

/// More connections to a bastion, one after the other, than hosts that do not answer would need.
const ATTEMPTS: usize = 20;

/// What carries a session to the target.
pub fn line(target: &Target, cancel: &Cancel) -> Result<Line, RemoteError> {
    let Some((last, before)) = target.via.split_last() else {
        return Ok(Line::Tcp(dial::connect(target, cancel)?));
    };
    for _ in 0..ATTEMPTS {
        let bastion = bastion(last, before, target)?;
        bastion.wait(&target.name, cancel)?;
        match bastion.ask(&target.name, (&target.address, target.port), cancel)? {
            ChannelReply::Opened(socket, heard) => {
                return Ok(Line::Bastion(BastionLine {
                    socket,
                    heard,
                    bastion,
                }));
            }
            ChannelReply::Failed(why) => {
                let why = format!("its {}: {why}", bastion.name);
                return Err(dial::unreachable(target, why));
            }
            ChannelReply::Elsewhere => {}
        }
    }
    let why = "its bastion ends every connection at once".to_owned();
    Err(dial::unreachable(target, why))
}

/// The connection to the last bastion that exists, or a new one.
fn bastion(last: &Way, before: &[Way], target: &Target) -> Result<Arc<BastionHandle>, RemoteError> {
    let hop = Way {
        target: Target {
            via: before.to_vec(),
            bastions: target.bastions.clone(),
            ..last.target.clone()
        },
        credentials: last.credentials.clone(),
    };
    let name = hop.target.name.clone();
    let begin = |served| begin(hop, served);
    let logins = target.via.iter().map(Way::login).collect();
    let bastion = target.bastions.get(logins, &name, begin);
    bastion.map_err(|why| RemoteError::Lost {
        host: target.name.clone(),
        why: format!("this machine cannot connect to its {name}: {why}"),
    })
}

fn begin(hop: Way, served: Served) -> io::Result<()> {
    let name = hop.target.name.clone();
    thread::Builder::new().name(name).spawn(move || {
        let Served { desk, bell, cancel } = served;
        match connect(&hop, &cancel) {
            Ok(wire) => {
                desk.set(BastionStage::Up);
                let mut copier = Copier::new(wire, desk.clone(), bell);
                let error = copier.serve();
                // Before its sockets are closed: then its hosts ask why.
                desk.set(BastionStage::Ended(error));
            }
            Err(error) => desk.set(BastionStage::Ended(error)),
        }
    })?;
    Ok(())
}

/// Verifies the host key and logs in, as with every host; but no shell is opened.
fn connect(hop: &Way, cancel: &Cancel) -> Result<Wire, RemoteError> {
    let mut wire = dial::dial(&hop.target, cancel, line)?;
    auth::log_in(&wire, &hop.target, &hop.credentials)?;
    wire.authenticated();
    Ok(wire)
}
