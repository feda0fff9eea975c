//! Every sentence about hosts that are tried, and about secrets that are asked for.

use crate::answers::{CredentialKind, CredentialRequest, Host, Ssh};
use crate::platform::Facts;

/// What keys do, for the footer and the help.
pub mod key {
    pub const TRY: &str = "try again";
    pub const GIVE: &str = "give secret";
    pub const USE: &str = "use it";
    pub const FOR_ALL: &str = "for all";
    pub const SHOW: &str = "show";
    pub const OTHER: &str = "another secret instead";
    pub const NOT_NOW: &str = "not now";
}

pub const HEADS: [&str; 4] = ["  NAME", "ROLE", "ADDRESS", "CONNECTION"];
pub const NODE_IP: &str = "NODE IP";
pub const CONNECTING: &str = "connecting";
pub const KEY_UNKNOWN: &str = "host key unknown";
pub const SECRET_WANTED: &str = "a secret is missing";
pub const NOT_REACHED: &str = "not reached";
pub const GIVEN: &str = "given; tried again in a moment";
pub const FOR_ALL: &str = "for all hosts that need one";
pub const KEPT_NOWHERE: &str = "Kept in memory until the wizard ends, and written nowhere.";
pub const WAS_WRONG: &str = "What was given so far is not right.";
pub const NOTHING_TYPED: &str = "Nothing is typed yet.";

/// `Debian 12, amd64, 2048 MiB`
pub fn what_it_is(facts: &Facts) -> String {
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

/// How SSH would be told: `admin@10.0.0.11:2222`, without what goes without saying.
pub fn address(host: &Host, ssh: &Ssh) -> String {
    let user = host.user.as_ref().or(ssh.user.as_ref());
    let user = user.map_or_else(String::new, |user| format!("{user}@"));
    match host.port.or(ssh.port) {
        None | Some(22) => format!("{user}{}", host.address),
        Some(port) if host.address.contains(':') => format!("{user}[{}]:{port}", host.address),
        Some(port) => format!("{user}{}:{port}", host.address),
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::Role;

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

    #[test]
    fn addresses_are_told_as_to_ssh() {
        let mut host = Host::new("h", Role::Agent, "fd00::1");
        let mut ssh = Ssh::default();
        assert_eq!(address(&host, &ssh), "fd00::1");
        ssh.user = Some("admin".into());
        host.port = Some(2222);
        assert_eq!(address(&host, &ssh), "admin@[fd00::1]:2222");
    }
}
