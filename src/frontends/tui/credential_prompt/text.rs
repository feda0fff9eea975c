//! The texts about hosts that were not reached, and those of the prompt for secrets.

use crate::answers::{CredentialKind, CredentialRequest, Host};

/// What keys do, for the footer and the help.
pub mod key {
    pub const GIVE: &str = "enter secret";
    pub const USE: &str = "use it";
    pub const FOR_ALL: &str = "for all";
    pub const SHOW: &str = "show";
    pub const OTHER: &str = "another secret";
    pub const SAME: &str = "use the SSH password";
    pub const TRUST: &str = "trust this host key";
    pub const TRUST_ALL: &str = "compare all unknown host keys, and trust them";
    pub const NOT_NOW: &str = "not now";
}

pub const FOR_ALL: &str = "for all hosts that need one";
pub const KEPT_NOWHERE: &str = "Kept in memory until the wizard ends; never written to a file.";
pub const MAY_BE_SAME: &str = "Ctrl-P: use the SSH password of this host";
pub const WAS_WRONG: &str = "The previous one was refused.";
pub const NOTHING_TYPED: &str = "Enter the secret first.";

/// The secret that a host needs, above the field.
pub fn asks(host: &Host, what: &CredentialKind) -> String {
    let name = &host.name;
    match what {
        CredentialKind::Passphrase { key } if key.as_os_str().is_empty() => {
            format!("Passphrase of the key for {name}:")
        }
        CredentialKind::Password { user, question } if user.is_empty() && question.is_empty() => {
            format!("SSH password for {name}:")
        }
        CredentialKind::Passphrase { key } => {
            format!("Passphrase of the key {}, for {name}:", key.display())
        }
        CredentialKind::Password { user, question } if question.is_empty() => {
            format!("SSH password of {user} on {name}:")
        }
        CredentialKind::Password { user, question } => {
            format!("{name} asks {user} at the SSH login: {question}")
        }
        CredentialKind::SudoPassword { of: Some(whose) } => {
            format!("sudo on {name} asks for the password of {whose}:")
        }
        CredentialKind::SudoPassword { of: None } => {
            format!("sudo on {name} asks for a password (the user's; on SUSE usually root's):")
        }
    }
}

/// The secrets that a host needs, below its row.
pub fn p_gives(wants: &[CredentialRequest]) -> String {
    format!("p: enter {}.", needs(wants))
}

/// The secrets, one of which a host needs.
pub fn needs(wants: &[CredentialRequest]) -> String {
    let each: Vec<String> = wants.iter().map(|wanted| lacks(&wanted.what)).collect();
    each.join(", or ")
}

fn lacks(what: &CredentialKind) -> String {
    match what {
        CredentialKind::Passphrase { key } if key.as_os_str().is_empty() => {
            "the passphrase of the key".into()
        }
        CredentialKind::Passphrase { key } => format!("the passphrase of {}", key.display()),
        CredentialKind::Password { user, .. } if user.is_empty() => "the SSH password".into(),
        CredentialKind::Password { user, .. } => format!("the SSH password of {user}"),
        CredentialKind::SudoPassword { of: Some(whose) } => {
            format!("the password of {whose} for sudo")
        }
        CredentialKind::SudoPassword { of: None } => "the password for sudo".into(),
    }
}

/// The place of this secret where any of several is enough.
pub fn one_of(number: usize, of: usize) -> String {
    format!("Secret {number} of {of}; one of them is enough. Down: the next one")
}

pub const COMPARE_TITLE: &str = "Unknown host keys";
pub const COMPARE: &str =
    "Compare each with what its host prints, on its console or from another machine:";
pub const COMPARE_COMMAND: &str =
    "for key in /etc/ssh/ssh_host_*.pub; do ssh-keygen -lf $key; done";

pub fn trust_all(hosts: usize) -> String {
    format!(
        "Have you compared them? Trust {}?",
        super::super::text::counted(hosts, "host key")
    )
}

pub fn trust(key: &str) -> String {
    format!("b: trust this key, {key}")
}
