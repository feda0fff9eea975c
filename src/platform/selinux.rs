//! The mode of `SELinux`.

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
