//! A host that was not reached, and what it lacks.

use crate::answers::{CredentialKind, CredentialRequest};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreached {
    pub host: String,
    pub why: String,
    /// The fingerprint of a host key that is not known yet: the operator may accept it.
    pub host_key: Option<String>,
    /// The secrets with which it might go on.
    pub wants: Vec<CredentialRequest>,
    /// The bastion in front of it that was not reached: key and secrets are the bastion's.
    pub bastion: Option<String>,
}

impl Unreached {
    /// The host's name stands beside it, so it is not said again.
    pub fn new(host: &str, why: &str) -> Self {
        let name = format!("{host}: ");
        Self {
            host: host.to_owned(),
            why: why.strip_prefix(&name).unwrap_or(why).to_owned(),
            host_key: None,
            wants: Vec::new(),
            bastion: None,
        }
    }

    /// The host or the bastion that was not reached.
    pub fn place(&self) -> &str {
        self.bastion.as_ref().unwrap_or(&self.host)
    }

    /// Whether it lacks a secret of this kind.
    pub fn lacks(&self, what: &CredentialKind) -> bool {
        let kind = std::mem::discriminant(what);
        let mut wants = self.wants.iter();
        wants.any(|wanted| std::mem::discriminant(&wanted.what) == kind)
    }
}
