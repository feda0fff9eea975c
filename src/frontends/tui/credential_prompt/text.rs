//! What is said of hosts that were not reached, and of secrets that are asked for.

use crate::answers::{CredentialKind, CredentialRequest, Host};

/// What keys do, for the footer and the help.
pub mod key {
    pub const GIVE: &str = "give secret";
    pub const USE: &str = "use it";
    pub const FOR_ALL: &str = "for all";
    pub const SHOW: &str = "show";
    pub const OTHER: &str = "another secret instead";
    pub const BELIEVE: &str = "believe this host key";
    pub const NOT_NOW: &str = "not now";
}

pub const FOR_ALL: &str = "for all hosts that need one";
pub const KEPT_NOWHERE: &str = "Kept in memory until the wizard ends, and written nowhere.";
pub const WAS_WRONG: &str = "What was given so far is not right.";
pub const NOTHING_TYPED: &str = "Nothing is typed yet.";

/// What a host lacks, as a sentence in front of the field.
pub fn asks(host: &Host, what: &CredentialKind) -> String {
    let name = &host.name;
    match what {
        CredentialKind::Passphrase { key } => {
            format!("The passphrase of the key {}, for {name}.", key.display())
        }
        CredentialKind::Password { user, question } if question.is_empty() => {
            format!("The SSH password of {user} on {name}.")
        }
        CredentialKind::Password { user, question } => {
            format!("{name} asks {user}, who logs in over SSH: {question}")
        }
        CredentialKind::SudoPassword { of: Some(whose) } => {
            format!("sudo on {name} asks for the password of {whose}.")
        }
        CredentialKind::SudoPassword { of: None } => format!(
            "sudo on {name} wants a password: mostly that of the user, on SUSE that of root."
        ),
    }
}

/// The same in short, below the row of the host.
pub fn p_gives(wants: &[CredentialRequest]) -> String {
    let each: Vec<String> = wants.iter().map(|wanted| lacks(&wanted.what)).collect();
    format!("p gives {}.", each.join(", or "))
}

fn lacks(what: &CredentialKind) -> String {
    match what {
        CredentialKind::Passphrase { key } => format!("the passphrase of {}", key.display()),
        CredentialKind::Password { user, .. } => format!("the SSH password of {user}"),
        CredentialKind::SudoPassword { of: Some(whose) } => {
            format!("the password of {whose} for sudo")
        }
        CredentialKind::SudoPassword { of: None } => "the password for sudo".into(),
    }
}

/// Beside the number of the secret that is asked for, where another would do as well.
pub fn one_of(number: usize, of: usize) -> String {
    format!("{number} of {of} that would do; Down: another one")
}

pub fn believe(key: &str) -> String {
    format!("If {key} is what the host itself shows, b believes it.")
}
