//! What the stand-in says that it is.

/// The version of K3s that it stands in for. A build can say another, to try an upgrade.
pub const VERSION: &str = match option_env!("K3S_STAND_IN_VERSION") {
    Some(version) => version,
    None => "v1.36.2+k3s1",
};

/// The container runtime that this version of K3s brings, as nodes report it.
pub const RUNTIME: &str = "containerd://2.3.2-k3s2";

/// Second line of `--version`, and of every journal.
pub const NOTE: &str = "this is the stand-in of the test lab, not K3s";
