//! The desk between the thread that owns the connection to a bastion and the hosts behind it: one
//! connection to each bastion, whatever the number of hosts, because an sshd limits the logins at
//! once (docs/ssh.md, "Bastions"). The thread itself is in `ssh::through`.

use std::collections::VecDeque;
use std::io::{self, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::{Cancel, RemoteError};
use crate::secrets::SecretText;

/// How often a wait for a bastion looks whether it was cancelled.
const TICK: Duration = Duration::from_millis(50);

/// The connections to bastions of a session, by the logins that lead to them.
#[derive(Debug, Clone, Default)]
pub struct Bastions(Arc<Mutex<Vec<KnownBastion>>>);

#[derive(Debug)]
struct KnownBastion {
    logins: Vec<BastionLogin>,
    handle: Weak<BastionHandle>,
}

/// The login to a bastion. Hosts share a connection whose logins are the same, secrets included: a
/// host with a corrected secret does not wait for the wrong one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BastionLogin {
    pub user: String,
    pub address: String,
    pub port: u16,
    pub fingerprint: Option<String>,
    pub keys: Vec<PathBuf>,
    pub secrets: Vec<SecretText>,
}

/// A connection to a bastion. The thread behind it ends with the last host that uses it.
#[derive(Debug)]
pub struct BastionHandle {
    pub name: String,
    desk: Arc<Desk>,
    cancel: Cancel,
}

/// The side of the thread.
#[derive(Debug)]
pub struct Served {
    pub desk: Arc<Desk>,
    /// Readable when the thread is wanted.
    pub bell: UnixStream,
    pub cancel: Cancel,
}

/// What both sides share.
#[derive(Debug)]
pub struct Desk {
    state: Mutex<DeskState>,
    changed: Condvar,
    /// A byte wakes the thread.
    bell: UnixStream,
}

#[derive(Debug)]
struct DeskState {
    stage: BastionStage,
    requests: VecDeque<ChannelRequest>,
}

/// How far a connection is.
#[derive(Debug, Clone)]
pub enum BastionStage {
    Connecting,
    Up,
    /// A host behind it does not answer: sshd is asked for one channel after the other, so the
    /// next host takes another connection.
    Stuck,
    Ended(RemoteError),
}

/// A host's wish for a channel.
#[derive(Debug)]
pub struct ChannelRequest {
    pub address: String,
    pub port: u16,
    pub reply: SyncSender<ChannelReply>,
}

#[derive(Debug)]
pub enum ChannelReply {
    /// The host's end, and when the bastion last passed something to it.
    Opened(UnixStream, Heard),
    Failed(String),
    /// The bastion takes no more: a new connection is needed.
    Elsewhere,
}

/// When the other side was last heard.
#[derive(Debug, Clone)]
pub struct Heard(Arc<Mutex<Instant>>);

impl Heard {
    pub fn now() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    pub fn again(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    pub fn silence(&self) -> Duration {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.elapsed()
    }
}

impl Bastions {
    /// The connection with these logins that takes hosts, or a new one, which `serve` begins.
    pub(super) fn get(
        &self,
        logins: Vec<BastionLogin>,
        name: &str,
        serve: impl FnOnce(Served) -> io::Result<()>,
    ) -> io::Result<Arc<BastionHandle>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|known| known.handle.strong_count() > 0);
        let same = all.iter().filter(|known| known.logins == logins);
        let mut bastions = same.filter_map(|known| known.handle.upgrade());
        if let Some(bastion) = bastions.find(|bastion| bastion.takes_more()) {
            return Ok(bastion);
        }
        let (bastion, served) = BastionHandle::new(name)?;
        serve(served)?;
        let bastion = Arc::new(bastion);
        let handle = Arc::downgrade(&bastion);
        all.push(KnownBastion { logins, handle });
        Ok(bastion)
    }
}

impl BastionHandle {
    fn new(name: &str) -> io::Result<(Self, Served)> {
        let cancel = Cancel::new()?;
        let (ring, bell) = UnixStream::pair()?;
        ring.set_nonblocking(true)?;
        bell.set_nonblocking(true)?;
        let desk = Arc::new(Desk {
            state: Mutex::new(DeskState {
                stage: BastionStage::Connecting,
                requests: VecDeque::new(),
            }),
            changed: Condvar::new(),
            bell: ring,
        });
        let served = Served {
            desk: desk.clone(),
            bell,
            cancel: cancel.clone(),
        };
        let name = name.to_owned();
        Ok((Self { name, desk, cancel }, served))
    }

    fn takes_more(&self) -> bool {
        matches!(
            self.desk.lock().stage,
            BastionStage::Connecting | BastionStage::Up
        )
    }

    /// Why the connection ended, once it has.
    pub fn ended(&self) -> Option<RemoteError> {
        match &self.desk.lock().stage {
            BastionStage::Ended(error) => Some(error.clone()),
            _ => None,
        }
    }

    /// Waits until the bastion is connected.
    pub fn wait(&self, host: &str, cancel: &Cancel) -> Result<(), RemoteError> {
        let mut state = self.desk.lock();
        loop {
            match &state.stage {
                BastionStage::Up | BastionStage::Stuck => return Ok(()),
                BastionStage::Ended(error) => {
                    return Err(RemoteError::Bastion {
                        host: host.to_owned(),
                        error: Box::new(error.clone()),
                    });
                }
                BastionStage::Connecting if cancel.is_cancelled() => return Err(cancelled(host)),
                BastionStage::Connecting => {}
            }
            let changed = &self.desk.changed;
            state = changed
                .wait_timeout(state, TICK)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Asks for a channel to this address.
    pub fn ask(
        &self,
        host: &str,
        (address, port): (&str, u16),
        cancel: &Cancel,
    ) -> Result<ChannelReply, RemoteError> {
        let (reply, replied) = mpsc::sync_channel(1);
        let request = ChannelRequest {
            address: address.to_owned(),
            port,
            reply,
        };
        {
            let mut state = self.desk.lock();
            if !matches!(state.stage, BastionStage::Up) {
                return Ok(ChannelReply::Elsewhere);
            }
            state.requests.push_back(request);
        }
        self.desk.ring();
        loop {
            match replied.recv_timeout(TICK) {
                Ok(reply) => return Ok(reply),
                // Its thread ended; why is known when it is asked for again.
                Err(RecvTimeoutError::Disconnected) => return Ok(ChannelReply::Elsewhere),
                Err(RecvTimeoutError::Timeout) if cancel.is_cancelled() => {
                    return Err(cancelled(host));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

impl Drop for BastionHandle {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

fn cancelled(host: &str) -> RemoteError {
    let host = host.to_owned();
    RemoteError::Cancelled { host }
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, DeskState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn set(&self, next: BastionStage) {
        let mut state = self.lock();
        state.stage = next;
        // Dropped, they are asked elsewhere.
        if !matches!(state.stage, BastionStage::Up) {
            state.requests.clear();
        }
        self.changed.notify_all();
    }

    /// No further requests are taken.
    pub fn refuse_more(&self) {
        self.set(BastionStage::Stuck);
    }

    pub fn next_request(&self) -> Option<ChannelRequest> {
        self.lock().requests.pop_front()
    }

    fn ring(&self) {
        // A full buffer wakes the thread as well.
        let _ = (&self.bell).write(&[1]);
    }
}
