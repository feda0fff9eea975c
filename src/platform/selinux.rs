//! The mode of `SELinux`.

/// The package of semanage, the same on all families.
pub const SELINUX_TOOLS: &str = "policycoreutils-python-utils";
/// The package with the policy of K3s.
pub const K3S_POLICY: &str = "k3s-selinux";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Selinux {
    #[default]
    Off,
    /// It only logs.
    Permissive,
    Enforcing,
}

impl Selinux {
    /// From the kernel's file `enforce`.
    pub(super) fn parse(value: &str) -> Self {
        match value {
            "1" => Self::Enforcing,
            _ => Self::Permissive,
        }
    }
}
