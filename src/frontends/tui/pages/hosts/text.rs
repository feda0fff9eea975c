//! The texts of the hosts page.

use crate::answers::{Host, SshSettings};
pub use crate::frontends::tui::text::{HOSTS_WHY, pasted};

/// What keys do, for the footer and the help.
pub mod key {
    pub const TRY: &str = "retry";
    pub const ADD: &str = "add";
    pub const EDIT: &str = "edit";
    pub const REMOVE: &str = "remove";
    pub const MOVE_UP: &str = "move the host up";
    pub const MOVE_DOWN: &str = "move the host down";
}

pub const NO_HOSTS: &str = "No hosts yet. a: add one.";
pub const HEADS: [&str; 4] = ["  NAME", "ROLE", "ADDRESS", "CONNECTION"];
pub const NODE_IP: &str = "NODE IP";
pub const CONNECTING: &str = "connecting";
pub const KEY_UNKNOWN: &str = "host key unknown";
pub const SECRET_WANTED: &str = "password needed";
pub const NOT_REACHED: &str = "not reached";

pub fn remove(host: &str) -> String {
    format!("Remove {host} from the list?")
}

/// User, address and port as for ssh, and the bastions: `admin@10.0.0.11:2222 via gate`. Defaults are
/// left out.
pub fn address(host: &Host, ssh: &SshSettings) -> String {
    let user = host.user.as_ref().or(ssh.user.as_ref());
    let user = user.map_or_else(String::new, |user| format!("{user}@"));
    let jump = host.jump.as_ref().or(ssh.jump.as_ref());
    let jump = jump.filter(|jump| !jump.eq_ignore_ascii_case("none"));
    let via = jump.map_or_else(String::new, |jump| format!(" via {jump}"));
    let place = match host.port.or(ssh.port) {
        None | Some(22) => format!("{user}{}", host.address),
        Some(port) if host.address.contains(':') => format!("{user}[{}]:{port}", host.address),
        Some(port) => format!("{user}{}:{port}", host.address),
    };
    place + &via
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::Role;

    #[test]
    fn addresses_are_told_as_to_ssh() {
        let mut host = Host::new("h", Role::Agent, "fd00::1");
        let mut ssh = SshSettings::default();
        assert_eq!(address(&host, &ssh), "fd00::1");
        ssh.user = Some("admin".into());
        host.port = Some(2222);
        assert_eq!(address(&host, &ssh), "admin@[fd00::1]:2222");
        ssh.jump = Some("gate".into());
        assert_eq!(address(&host, &ssh), "admin@[fd00::1]:2222 via gate");
        host.jump = Some("none".into());
        assert_eq!(address(&host, &ssh), "admin@[fd00::1]:2222");
    }
}
