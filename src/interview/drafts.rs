//! Typed answers are saved from the first letter on, by a separate thread: disks may be slow, and
//! the screens must not wait.

use std::io;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender, unbounded};

use crate::answers::Answers;
use crate::state;
use crate::state::files::{self, Existing};

use super::text;

/// Next to the clusters' folders: 0600, because it may contain a token or the database's password.
/// Secrets for SSH and sudo are not in it.
const NAME: &str = "draft.toml";

/// The folder of drafts and clusters, if there is one.
pub fn state_root() -> Option<PathBuf> {
    state::root(None).ok()
}

enum DraftOrder {
    Keep(Box<Answers>),
    Drop,
}

pub struct Keeper {
    orders: Option<Sender<DraftOrder>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// `complain` is called once, if a draft cannot be saved.
    pub fn start(complain: impl Fn(String) + Send + 'static) -> io::Result<Self> {
        let (orders, inbox) = unbounded();
        let thread = thread::Builder::new()
            .name("drafts".into())
            .spawn(move || work(&inbox, &complain))?;
        Ok(Self {
            orders: Some(orders),
            thread: Some(thread),
        })
    }

    pub fn keep(&self, answers: Answers) {
        self.order(DraftOrder::Keep(Box::new(answers)));
    }

    /// The run stores the answers now.
    pub fn drop_draft(&self) {
        self.order(DraftOrder::Drop);
    }

    fn order(&self, order: DraftOrder) {
        if let Some(orders) = &self.orders {
            let _ = orders.send(order);
        }
    }

    /// Waits until everything is written.
    pub fn finish(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn work(inbox: &Receiver<DraftOrder>, complain: &impl Fn(String)) {
    let mut told = false;
    while let Ok(order) = inbox.recv() {
        // Only the latest counts.
        let order = inbox.try_iter().last().unwrap_or(order);
        let Some(root) = state_root() else {
            return;
        };
        let done = match order {
            DraftOrder::Keep(answers) => keep(&root, &answers),
            DraftOrder::Drop => remove(&root),
        };
        if let Err(error) = done
            && !told
        {
            told = true;
            let path = root.join(NAME).display().to_string();
            complain(text::not_saved(&path, &error.to_string()));
        }
    }
}

pub fn keep(root: &Path, answers: &Answers) -> io::Result<()> {
    if !root.is_dir() {
        files::private_dir(root)?;
    }
    files::write(
        &path(root),
        answers.without_login_secrets().to_toml().as_bytes(),
        Existing::IsReplaced,
    )
}

pub fn remove(root: &Path) -> io::Result<()> {
    match std::fs::remove_file(path(root)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn path(root: &Path) -> PathBuf {
    root.join(NAME)
}

/// The draft, if there is a readable one. It need not be valid.
pub fn load(root: &Path) -> Option<Answers> {
    let text = std::fs::read_to_string(path(root)).ok()?;
    toml::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::answers::{Host, Role, Secret};

    #[test]
    fn a_draft_need_not_be_valid_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("state");
        assert_eq!(load(&root), None);
        let mut answers = Answers::default();
        answers.cluster.name = "Not a name".into();
        answers.hosts.push(Host::new("", Role::Agent, "10.0.0."));
        answers.postgres.password = Some(Secret::Inline("half a pass".to_owned().into()));
        keep(&root, &answers).unwrap();
        assert_eq!(load(&root), Some(answers));
        let mode = path(&root).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        remove(&root).unwrap();
        remove(&root).unwrap();
        assert_eq!(load(&root), None);
    }

    #[test]
    fn what_hosts_are_logged_in_to_with_is_in_no_draft() {
        let folder = tempfile::tempdir().unwrap();
        let typed = || Some(Secret::Inline("hunter2hunter2".to_owned().into()));
        let mut answers = Answers::default();
        let mut host = Host::new("s1", Role::Server, "10.0.0.11");
        host.sudo_password = typed();
        host.password = Some(Secret::Env("S1_PASSWORD".into()));
        answers.hosts.push(host);
        answers.ssh.password = typed();
        answers.ssh.passphrase = typed();
        keep(folder.path(), &answers).unwrap();
        let written = std::fs::read_to_string(path(folder.path())).unwrap();
        assert!(!written.contains("hunter2"), "{written}");
        assert_eq!(load(folder.path()), Some(answers.without_login_secrets()));
        assert!(written.contains("S1_PASSWORD"), "{written}");
    }
}
