//! A user of this machine for a test, taken away with the value. Only root can make one.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

pub const PASSWORD: &str = "it's a $ecret \"\\";

pub struct User {
    pub name: String,
}

impl User {
    /// With these lines in sudoers, where `USER` is replaced by the name.
    pub fn new(sudoers: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("k3sw-{}-{count}", std::process::id());
        let user = Self { name };
        let made = Command::new("useradd")
            .args(["--create-home", "--shell", "/bin/bash", &user.name])
            .status()
            .unwrap();
        assert!(made.success(), "making a user: is this root?");
        let mut chpasswd = Command::new("chpasswd")
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let line = format!("{}:{PASSWORD}\n", user.name);
        let mut stdin = chpasswd.stdin.take().unwrap();
        stdin.write_all(line.as_bytes()).unwrap();
        drop(stdin);
        assert!(chpasswd.wait().unwrap().success());
        assert!(
            PathBuf::from("/etc/sudoers.d").exists(),
            "sudo is needed: apt-get install sudo"
        );
        fs::write(user.sudoers(), sudoers.replace("USER", &user.name) + "\n").unwrap();
        user
    }

    pub fn home(&self) -> PathBuf {
        PathBuf::from("/home").join(&self.name)
    }

    fn sudoers(&self) -> PathBuf {
        PathBuf::from("/etc/sudoers.d").join(&self.name)
    }
}

impl Drop for User {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.sudoers());
        let _ = Command::new("userdel")
            .args(["--force", "--remove", &self.name])
            .stderr(Stdio::null())
            .status();
    }
}
