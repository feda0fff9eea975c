//! From a name to a connection with a verified host, before the login.

use std::net::{TcpStream, ToSocketAddrs as _};
use std::os::fd::AsFd as _;
use std::sync::{Arc, Condvar, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use ssh2::{ErrorCode, MethodType};

use super::line::Line;
use super::wire::{Until, Wire};
use super::{Cancel, RemoteError, Target};
use crate::answers::{HostKeys, paths};
use crate::remote::known_hosts::{self, KeyVerdict, KnownHosts};
use crate::remote::sys;

/// For the name and the TCP connection.
const CONNECT: Duration = Duration::from_secs(10);
/// For the key exchange.
const HANDSHAKE: Duration = Duration::from_secs(15);
/// An sshd that is asked by many at once turns some away: they come again (docs/ssh.md, "Limits of
/// sshd").
const ATTEMPTS: u32 = 6;
/// The maximum of connections being made at once, in the whole process.
const AT_ONCE: usize = 16;

/// The algorithms of each kind of host key. No certificates: they are not supported here.
const ALGORITHMS: [(&str, &str); 5] = [
    ("ssh-ed25519", "ssh-ed25519"),
    ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256"),
    ("ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384"),
    ("ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521"),
    ("ssh-rsa", "rsa-sha2-512,rsa-sha2-256"),
];

/// Held while connecting and logging in.
pub struct Permit(());

static MAKING: Mutex<usize> = Mutex::new(0);
static DONE: Condvar = Condvar::new();

impl Permit {
    pub fn get(host: &str, cancel: &Cancel) -> Result<Self, RemoteError> {
        let mut making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
        while *making >= AT_ONCE {
            if cancel.is_cancelled() {
                let host = host.to_owned();
                return Err(RemoteError::Cancelled { host });
            }
            let tick = Duration::from_millis(50);
            making = DONE
                .wait_timeout(making, tick)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        *making += 1;
        Ok(Self(()))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        *MAKING.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        DONE.notify_one();
    }
}

/// What makes a connection to a target.
type MakesLine = fn(&Target, &Cancel) -> Result<Line, RemoteError>;

/// Connects, and verifies the host key.
pub fn dial(target: &Target, cancel: &Cancel, line: MakesLine) -> Result<Wire, RemoteError> {
    let mut known = KnownHosts::default();
    read_known_hosts(target, &mut known)?;
    let address = known_hosts::name(&target.address, target.port);
    // The known kinds come first, or the host would present an unknown key.
    let kinds = known.kinds(&address);
    let mut ordered = ALGORITHMS;
    ordered.sort_by_key(|(kind, _)| {
        let at = kinds.iter().position(|known| known == kind);
        at.unwrap_or(usize::MAX)
    });
    let all = ordered.map(|(_, algorithms)| algorithms).join(",");

    let (wire, key) = greet(target, cancel, line, &all)?;
    let Some(wanted) = &target.fingerprint else {
        judge(target, &known, &address, &key)?;
        return Ok(wire);
    };
    // The fingerprint in the answers may be of another of its keys than the one it presents first.
    let mut shown = (wire, key);
    if known_hosts::fingerprint(&shown.1) != *wanted {
        let kind = known_hosts::kind(&shown.1).unwrap_or_default().to_owned();
        let others = ordered.iter().filter(|(other, _)| *other != kind);
        for (_, algorithms) in others {
            match greet(target, cancel, line, algorithms) {
                Ok(other) if known_hosts::fingerprint(&other.1) == *wanted => {
                    shown = other;
                    break;
                }
                Err(error @ RemoteError::Cancelled { .. }) => return Err(error),
                // It has no key of that kind, or a third one.
                _ => {}
            }
        }
    }
    let (wire, key) = shown;
    let fingerprint = known_hosts::fingerprint(&key);
    if fingerprint != *wanted {
        return Err(RemoteError::HostKeyChanged {
            host: target.name.clone(),
            address,
            fingerprint,
            known: wanted.clone(),
            place: "host_key in the answers".to_owned(),
        });
    }
    match known.judge(&address, &key) {
        KeyVerdict::Revoked { place } => Err(RemoteError::HostKeyRevoked {
            host: target.name.clone(),
            address,
            fingerprint,
            place,
        }),
        KeyVerdict::Unknown => {
            remember(target, &address, &key)?;
            Ok(wire)
        }
        // The answers take precedence over an old line elsewhere.
        KeyVerdict::Known | KeyVerdict::Changed { .. } => Ok(wire),
    }
}

fn read_known_hosts(target: &Target, known: &mut KnownHosts) -> Result<(), RemoteError> {
    let missing_is_fine = known_hosts::usual_files()
        .into_iter()
        .chain([target.own_known_hosts.clone()]);
    for path in missing_is_fine {
        match known.read(&path) {
            Err(why) if why.kind() != std::io::ErrorKind::NotFound => {
                return Err(local(target, &path, &why));
            }
            _ => {}
        }
    }
    for path in &target.known_hosts {
        let path = paths::expand(path);
        known
            .read(&path)
            .map_err(|why| local(target, &path, &why))?;
    }
    Ok(())
}

fn judge(
    target: &Target,
    known: &KnownHosts,
    address: &str,
    key: &[u8],
) -> Result<(), RemoteError> {
    let (host, address_) = (target.name.clone(), address.to_owned());
    let fingerprint = known_hosts::fingerprint(key);
    match known.judge(address, key) {
        KeyVerdict::Known => Ok(()),
        KeyVerdict::Unknown if target.policy == HostKeys::AcceptNew => {
            let first = target.accepted.first(address, key);
            if first == key {
                return remember(target, address, key);
            }
            Err(RemoteError::HostKeyChanged {
                host,
                address: address_,
                fingerprint,
                known: known_hosts::fingerprint(&first),
                place: "an earlier connection of this process, which ends with it".to_owned(),
            })
        }
        KeyVerdict::Unknown => Err(RemoteError::HostKeyUnknown {
            host,
            address: address_,
            fingerprint,
            kind: match known_hosts::kind(key) {
                Some("ssh-ed25519") => "ed25519",
                Some("ssh-rsa") => "rsa",
                _ => "ecdsa",
            }
            .to_owned(),
        }),
        KeyVerdict::Changed { known, place } => Err(RemoteError::HostKeyChanged {
            host,
            address: address_,
            fingerprint,
            known,
            place,
        }),
        KeyVerdict::Revoked { place } => Err(RemoteError::HostKeyRevoked {
            host,
            address: address_,
            fingerprint,
            place,
        }),
    }
}

fn remember(target: &Target, address: &str, key: &[u8]) -> Result<(), RemoteError> {
    let path = &target.own_known_hosts;
    known_hosts::remember(path, address, key).map_err(|why| local(target, path, &why))
}

fn local(target: &Target, path: &std::path::Path, why: &std::io::Error) -> RemoteError {
    RemoteError::Local {
        host: target.name.clone(),
        path: path.to_owned(),
        why: why.to_string(),
    }
}

pub fn unreachable(target: &Target, why: String) -> RemoteError {
    RemoteError::Unreachable {
        host: target.name.clone(),
        to: format!("{} port {}", target.address, target.port),
        why,
    }
}

const CIPHERS: &str = "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,\
                       aes128-gcm@openssh.com,aes256-ctr,aes192-ctr,aes128-ctr";
const MACS: &str = "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,\
                    hmac-sha2-512";
/// What a host may choose from: no SHA-1, no MD5, no CBC. Without these lists libssh2 offers all
/// that it has. What its build lacks is left out, and it adds strict key exchange itself.
const OFFERED: [(MethodType, &str); 5] = [
    (
        MethodType::Kex,
        "mlkem768x25519-sha256,curve25519-sha256,curve25519-sha256@libssh.org,\
         ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,diffie-hellman-group16-sha512,\
         diffie-hellman-group18-sha512,diffie-hellman-group-exchange-sha256,\
         diffie-hellman-group14-sha256",
    ),
    (MethodType::CryptCs, CIPHERS),
    (MethodType::CryptSc, CIPHERS),
    (MethodType::MacCs, MACS),
    (MethodType::MacSc, MACS),
];

/// A connection after the key exchange, and the host's key.
fn greet(
    target: &Target,
    cancel: &Cancel,
    line: MakesLine,
    algorithms: &str,
) -> Result<(Wire, Vec<u8>), RemoteError> {
    let mut attempt = 1;
    loop {
        let line = line(target, cancel)?;
        let mut wire = Wire::new(&target.name, line, cancel)?;
        let host_keys = [(MethodType::HostKey, algorithms)];
        for (kind, names) in OFFERED.into_iter().chain(host_keys) {
            wire.session()
                .method_pref(kind, names)
                .map_err(|why| unreachable(target, why.to_string()))?;
        }
        let error = match wire.handshake(&Until::after(HANDSHAKE)) {
            Ok(Ok(())) => {
                let key = wire.session().host_key().map(|(key, _)| key.to_owned());
                let key = key.ok_or_else(|| unreachable(target, "it has no host key".into()))?;
                return Ok((wire, key));
            }
            Ok(Err(error)) => error,
            Err(RemoteError::Timeout { limit, .. }) => {
                let seconds = limit.as_secs();
                let why = format!(
                    "the port is open, but no SSH server answered within {seconds} s. Check the port, and the load of the host"
                );
                return Err(unreachable(target, why));
            }
            Err(error) => return Err(error),
        };
        if !turned_away(&error) {
            return Err(unreachable(target, format!("no SSH handshake: {error}")));
        }
        if attempt == ATTEMPTS {
            let why = format!(
                "it closes the connection before the SSH banner ({error}). Check the port, and \
                 the load of the host"
            );
            return Err(unreachable(target, why));
        }
        Wire::pause(cancel, backoff(attempt));
        attempt += 1;
    }
}

/// Closed before the banner: `MaxStartups`, or an sshd that is being restarted.
fn turned_away(error: &ssh2::Error) -> bool {
    const BANNER_RECV: i32 = -2;
    const SOCKET_DISCONNECT: i32 = -13;
    const SOCKET_RECV: i32 = -43;
    matches!(
        error.code(),
        ErrorCode::Session(BANNER_RECV | SOCKET_DISCONNECT | SOCKET_RECV)
    )
}

/// Up to 0.2 s, 0.4 s, 0.8 s …: random, so that rejected connections do not retry together.
fn backoff(attempt: u32) -> Duration {
    let mut random = [0; 2];
    // Without randomness they retry together: slow, but correct.
    let _ = openssl::rand::rand_bytes(&mut random);
    let share = f64::from(u16::from_ne_bytes(random)) / f64::from(u16::MAX);
    Duration::from_millis(100 << attempt).mul_f64(0.25 + 0.75 * share)
}

/// A TCP connection. Name resolution and connecting run in a separate thread, because neither can
/// be interrupted; an abandoned one ends by itself.
pub fn connect(target: &Target, cancel: &Cancel) -> Result<TcpStream, RemoteError> {
    let (name, port) = (target.address.clone(), target.port);
    let failed = |why: std::io::Error| unreachable(target, why.to_string());
    let wake = Arc::new(sys::eventfd().map_err(failed)?);
    let (sender, receiver) = mpsc::channel();
    thread::Builder::new()
        .name(format!("dial {}", target.name))
        .spawn({
            let wake = wake.clone();
            move || {
                // The receiver is gone if it took too long.
                let _ = sender.send(open(&name, port));
                sys::wake(wake.as_fd());
            }
        })
        .map_err(failed)?;
    let until = Until::after(CONNECT + Duration::from_secs(1));
    loop {
        if cancel.is_cancelled() {
            let host = target.name.clone();
            return Err(RemoteError::Cancelled { host });
        }
        if let Ok(result) = receiver.try_recv() {
            return result.map_err(|why| unreachable(target, why));
        }
        if until.left().is_zero() {
            let seconds = until.limit.as_secs();
            let why = format!("the name was not resolved within {seconds} s: check the DNS");
            return Err(unreachable(target, why));
        }
        sys::wait(wake.as_fd(), false, cancel.wake(), until.left());
    }
}

fn open(name: &str, port: u16) -> Result<TcpStream, String> {
    let deadline = Instant::now() + CONNECT;
    let addresses: Vec<_> = (name, port)
        .to_socket_addrs()
        .map_err(|why| format!("the name cannot be resolved: {why}"))?
        .collect();
    let mut problem = "the name has no address".to_owned();
    for (at, address) in addresses.iter().enumerate() {
        let left = deadline.saturating_duration_since(Instant::now());
        // An address that does not answer must leave time for the next ones.
        let share = left / u32::try_from(addresses.len() - at).unwrap_or(1);
        if share.is_zero() {
            break;
        }
        match TcpStream::connect_timeout(address, share) {
            Ok(socket) => return Ok(socket),
            Err(why) => problem = explain(&why, port),
        }
    }
    Err(problem)
}

fn explain(why: &std::io::Error, port: u16) -> String {
    use std::io::ErrorKind;
    match why.kind() {
        ErrorKind::ConnectionRefused => {
            format!("connection refused: does sshd run there, on port {port}?")
        }
        ErrorKind::TimedOut => format!(
            "no answer within {} s: is the host up, and does a firewall allow port {port}?",
            CONNECT.as_secs()
        ),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => format!(
            "no route to it: check the address, and whether a bastion (jump) or a firewall is in \
             between ({why})"
        ),
        _ => why.to_string(),
    }
}
