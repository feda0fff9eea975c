//! What the machine says about itself.

use std::fs;
use std::io;
use std::net::{IpAddr, UdpSocket};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::PathBuf;

/// Where settings and passwords lie: `/etc/rancher`, unless a test says another place.
pub fn etc() -> PathBuf {
    std::env::var_os("K3S_STAND_IN_ETC")
        .map_or_else(|| PathBuf::from("/etc/rancher"), PathBuf::from)
}

/// Whether the machine is this node's alone. Tests run several nodes on one, as they run several
/// `/etc/rancher`: there can be only one network and one kubelet's port.
pub fn is_ours_alone() -> bool {
    std::env::var_os("K3S_STAND_IN_ETC").is_none()
}

/// Whether the process runs as root.
pub fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

/// The host's name, in lower case as nodes are named.
pub fn name() -> String {
    read("/proc/sys/kernel/hostname").to_lowercase()
}

/// The address of the interface that the default route leaves by.
pub fn address() -> Option<IpAddr> {
    // Connecting a datagram socket sends nothing; it only chooses the way.
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}

/// A file's text without the white space around it; empty when it cannot be read.
pub fn read(path: &str) -> String {
    fs::read_to_string(path)
        .unwrap_or_default()
        .trim()
        .to_owned()
}

/// `PRETTY_NAME` of os-release.
pub fn system() -> String {
    let text = read("/etc/os-release");
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="));
    line.unwrap_or("Linux").trim_matches('"').to_owned()
}

/// The memory in kibibytes.
pub fn memory() -> u64 {
    let text = read("/proc/meminfo");
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or_default()
}

/// The architecture as Go names it.
pub fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// Tells systemd something, `READY=1` above all; without systemd it tells nobody.
pub fn notify(message: &str) -> io::Result<()> {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else {
        return Ok(());
    };
    let socket = UnixDatagram::unbound()?;
    match path.as_bytes().strip_prefix(b"@") {
        Some(name) => {
            use std::os::linux::net::SocketAddrExt as _;
            socket.connect_addr(&SocketAddr::from_abstract_name(name)?)?;
        }
        None => socket.connect(&path)?,
    }
    socket.send(message.as_bytes()).map(|_| ())
}
