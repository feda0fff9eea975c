//! How hosts are reached: logins, host keys, and who has proven a password already.

use crate::answers::{Answers, Host, Login, LoginSecrets, Role};
use crate::engine::hosts::Connector;
use crate::engine::watch::Place;
use crate::remote::{Credentials, Remote, Ssh, Target, Trials};
use crate::state::Folder;

use super::SessionError;

/// The hosts of a role, to be looked at: no lease is taken, and no other host needs to be known.
pub fn places(answers: &Answers, folder: &Folder, role: Role) -> Result<Vec<Place>, SessionError> {
    let ssh_config = answers.ssh_config()?;
    let trials = Trials::default();
    let hosts = answers.with_role(role);
    hosts
        .map(|host| {
            let login = answers.login(host, &ssh_config)?;
            let login = (login, answers.login_secrets(host)?);
            Ok(Place {
                host: host.name.clone(),
                connector: connector(answers, folder, host, &login, &trials),
            })
        })
        .collect()
}

pub(super) fn connector(
    answers: &Answers,
    folder: &Folder,
    host: &Host,
    (login, secrets): &(Login, LoginSecrets),
    trials: &Trials,
) -> Connector {
    let target = Target {
        name: host.name.clone(),
        address: login.address.clone(),
        port: login.port,
        user: login.user.clone(),
        keys: login.keys.clone(),
        only_these_keys: login.only_these_keys,
        known_hosts: answers.ssh_known_hosts(),
        own_known_hosts: folder.known_hosts(),
        policy: answers.ssh.host_keys,
        fingerprint: host.host_key.clone(),
    };
    let secrets = secrets.clone();
    let credentials = Credentials {
        passphrase: secrets.passphrase,
        password: secrets.password,
        sudo_password: secrets.sudo_password,
        trials: trials.clone(),
    };
    Box::new(move |cancel| {
        let ssh = Ssh::connect(&target, &credentials, cancel)?;
        Ok(Box::new(ssh) as Box<dyn Remote>)
    })
}
