//! Asking K3s's API on a server, over the connection that is there.
//!
//! The questions go through a relay, as proofs do: a server to which none can be opened could not be
//! proven either, so there is no second way, such as `k3s kubectl`, which would hide it.

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use zeroize::Zeroizing;

use crate::address::Endpoint;
use crate::cluster::api::{Api, ApiError, HOST};
use crate::cluster::kubeconfig::Access;
use crate::events::Stream;
use crate::remote::{Relay, Remote, RemoteError, Script};
use crate::secrets::SecretText;
use crate::state::Folder;
use crate::topology::API;

/// What hangs longer is not there.
const LIMIT: Duration = Duration::from_secs(20);

const READ_KUBECONFIG: &str = "cat /etc/rancher/k3s/k3s.yaml";
/// How long that may be.
const LONGEST_KUBECONFIG: usize = 64 * 1024;

/// What the administrator asks with: the certificates of the kubeconfig that is kept here. Where there
/// is none, or a server refuses it, the server's own are read, and used from then on.
#[derive(Debug)]
pub struct Administrator(Mutex<Option<Arc<Access>>>);

/// The API of a server, on a connection through the server itself.
pub(super) type ServerApi<'a> = Api<Box<dyn Relay + 'a>>;

impl Administrator {
    /// Of the cluster whose state is in this folder.
    pub fn of(folder: &Folder) -> Self {
        let kept = std::fs::read_to_string(folder.kubeconfig()).map(Zeroizing::new);
        let access = kept.ok().and_then(|kept| Access::of(&kept).ok());
        Self(Mutex::new(access.map(Arc::new)))
    }

    /// Asks the API of a server.
    pub(super) fn ask<T>(
        &self,
        server: &mut dyn Remote,
        question: impl Fn(&mut ServerApi<'_>) -> Result<T, ApiError>,
    ) -> Result<T, RemoteError> {
        let (access, is_new) = match self.kept() {
            Some(access) => (access, false),
            None => (self.read_at(server)?, true),
        };
        match once(server, &access, &question)? {
            Err(ApiError::Refused(_)) if !is_new => {
                let access = self.read_at(server)?;
                once(server, &access, &question)?
            }
            said => said,
        }
        .map_err(|error| unanswered(server, &error))
    }

    /// Reads at a server what the administrator asks with, unless it is known and still good.
    pub(super) fn learn(&self, server: &mut dyn Remote, is_old: bool) -> Result<(), RemoteError> {
        if is_old || self.kept().is_none() {
            self.read_at(server)?;
        }
        Ok(())
    }

    pub(super) fn kept(&self) -> Option<Arc<Access>> {
        let access = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        access.clone()
    }

    fn read_at(&self, server: &mut dyn Remote) -> Result<Arc<Access>, RemoteError> {
        let text = kubeconfig(server)?;
        let access = Access::of(text.expose()).map_err(|error| unanswered(server, &error))?;
        let access = Arc::new(access);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some(access.clone());
        Ok(access)
    }
}

/// The kubeconfig that K3s wrote on a server.
pub(super) fn kubeconfig(server: &mut dyn Remote) -> Result<SecretText, RemoteError> {
    // Room for all of it at once: a text that grows leaves copies of its secrets.
    let mut out = Zeroizing::new(Vec::with_capacity(LONGEST_KUBECONFIG));
    let mut err = Vec::new();
    let script = Script::new(READ_KUBECONFIG);
    let status = server.stream(&script, LIMIT, &mut |stream, bytes| {
        let text = match stream {
            Stream::Out => &mut *out,
            Stream::Err => &mut err,
        };
        if bytes.len() > LONGEST_KUBECONFIG - text.len() {
            return ControlFlow::Break("its kubeconfig is too long".into());
        }
        text.extend_from_slice(bytes);
        ControlFlow::Continue(())
    })?;
    if status != 0 {
        let why = String::from_utf8_lossy(&err).trim_end().to_owned();
        return Err(unanswered(
            server,
            &format!("`{READ_KUBECONFIG}` ended with status {status}: {why}"),
        ));
    }
    match std::str::from_utf8(&out) {
        Ok(text) => Ok(text.into()),
        _ => Err(unanswered(
            server,
            &"/etc/rancher/k3s/k3s.yaml is not as K3s writes it",
        )),
    }
}

/// Asks a server itself.
fn once<T>(
    server: &mut dyn Remote,
    access: &Access,
    question: impl Fn(&mut ServerApi<'_>) -> Result<T, ApiError>,
) -> Result<Result<T, ApiError>, RemoteError> {
    let at = SocketAddr::from((Ipv4Addr::LOCALHOST, API));
    ask(server, &at.into(), HOST, access, LIMIT, question)
}

/// Asks the API over the network of a host, on a connection of its own; its certificate must be valid
/// for the name. The outer error is that of the SSH connection.
pub(super) fn ask<T>(
    remote: &mut dyn Remote,
    at: &Endpoint,
    name: &str,
    access: &Access,
    limit: Duration,
    question: impl FnOnce(&mut ServerApi<'_>) -> Result<T, ApiError>,
) -> Result<Result<T, ApiError>, RemoteError> {
    let relay = remote.relay(at, limit)?;
    let said = Api::connect_as(relay, name, access).and_then(|mut api| question(&mut api));
    if said.is_err() {
        // The relay may have ended because the connection did.
        remote.keep_alive()?;
    }
    Ok(said)
}

fn unanswered(server: &mut dyn Remote, why: &dyn std::fmt::Display) -> RemoteError {
    RemoteError::Unanswered {
        host: server.host().to_owned(),
        why: why.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::api::tests::{impostor, kubeconfig, server};
    use crate::cluster::kubeconfig::for_operator;
    use crate::remote::Scripted;
    use crate::remote::scripted::Reply;

    const NODES: &str = include_str!("../../tests/fixtures/real/nodes-ready.json");

    /// How many nodes a server lists, and how often its kubeconfig was read for that.
    fn asked(administrator: &Administrator, server: &mut Scripted) -> (usize, usize) {
        let nodes = administrator.ask(server, |api| Ok(api.nodes()?.pod_networks().len()));
        (nodes.unwrap(), server.told().count("k3s.yaml"))
    }

    #[test]
    fn what_the_administrator_asks_with_is_read_where_it_is_missing_or_refused() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::open(Some(root.path().to_owned()), "lab").unwrap();
        let new = || server(Scripted::new("one"), NODES, r#"{"items": []}"#);
        let mut one = new();
        let administrator = Administrator::of(&folder);
        assert_eq!(asked(&administrator, &mut one), (3, 1), "there is none yet");
        assert_eq!(asked(&administrator, &mut one), (3, 1));

        // The cluster was recreated since it was kept.
        let old = for_operator(&kubeconfig(), "https://198.51.100.14:6443", "lab").unwrap();
        folder.save_kubeconfig(old.expose()).unwrap();
        let administrator = Administrator::of(&folder);
        let mut one = new();
        assert_eq!(asked(&administrator, &mut one), (3, 1));
        assert_eq!(
            asked(&administrator, &mut one),
            (3, 1),
            "the new one is used from then on"
        );
    }

    #[test]
    fn an_impostor_is_asked_for_nothing() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::open(Some(root.path().to_owned()), "lab").unwrap();
        let mut one = impostor(Scripted::new("one"));
        let administrator = Administrator::of(&folder);
        let asked = administrator.ask(&mut one, |api| Ok(api.nodes()?.pod_networks().len()));
        let error = asked.unwrap_err().to_string();
        assert!(
            error.contains("the certificate of 127.0.0.1 is not valid for it"),
            "{error}"
        );
    }

    #[test]
    fn a_server_that_does_not_answer_is_told_and_its_connection_stays() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::open(Some(root.path().to_owned()), "lab").unwrap();
        let administrator = Administrator::of(&folder);
        let mut one = server(Scripted::new("one"), NODES, r#"{"items": []}"#)
            .relays(|_| Ok(Box::new(std::io::Cursor::new(Vec::new())) as Box<dyn Relay>));
        let error = administrator
            .ask(&mut one, |api| Ok(api.unready()?.is_none()))
            .unwrap_err();
        assert!(!error.ends_connection(), "{error}");
        assert!(matches!(error, RemoteError::Unanswered { .. }), "{error:?}");
        let mut none = Scripted::new("two").on("k3s.yaml", Reply::exit(1).err("No such file"));
        let error = administrator
            .ask(&mut none, |api| Ok(api.unready()?.is_none()))
            .unwrap_err();
        assert!(
            matches!(error, RemoteError::Unreachable { .. }),
            "{error:?}"
        );
        let other = Administrator::of(&folder);
        let error = other
            .ask(&mut none, |api| Ok(api.unready()?.is_none()))
            .unwrap_err();
        assert!(error.to_string().contains("No such file"), "{error}");
    }
}
