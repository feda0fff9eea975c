//! SSH against a real sshd: host keys, logging in, scripts in the root shell. Needs to be run
//! by root.

mod ends;
mod host_keys;
mod logins;
mod scripts;

use std::time::Duration;

use k3s_ha_wizard::events::Stream;
use k3s_ha_wizard::remote::{Remote, RemoteError, Ssh, Target};
use support::sshd::{self, Sshd, connect};

const LIMIT: Duration = Duration::from_secs(60);

/// An sshd and a connection with it. What lives of an ended sshd is the connection's own process.
fn start() -> Ssh {
    Sshd::start().connect()
}

/// A script's status and its two outputs.
fn run(ssh: &mut Ssh, script: &str) -> (Result<i32, RemoteError>, String, String) {
    let (mut out, mut err) = (String::new(), String::new());
    let status = ssh.run(&sshd::script(script), LIMIT, &mut |stream, line| {
        let text = match stream {
            Stream::Out => &mut out,
            Stream::Err => &mut err,
        };
        *text += line;
        *text += "\n";
    });
    (status, out, err)
}

fn error(target: &Target) -> RemoteError {
    match connect(target) {
        Ok(_) => panic!("it connected"),
        Err(error) => error,
    }
}
