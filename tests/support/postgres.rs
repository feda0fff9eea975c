//! A real Postgres of its own: in a folder that goes away with it, on a free port of 127.0.0.1.

// Each of the tests uses its part of it.
#![allow(dead_code)]

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use k3s_ha_wizard::pki::Identity;

pub struct Postgres {
    bin: PathBuf,
    folder: tempfile::TempDir,
    pub port: u16,
}

/// The user that a Postgres started by root runs as.
const USER: &str = "postgres";

impl Postgres {
    /// Starts it with TLS: its certificate, and the authority of the clients' certificates.
    pub fn start(server: &Identity, ca_pem: &str) -> Self {
        let bin = newest().expect("no Postgres here: apt-get install postgresql");
        let folder = tempfile::tempdir().expect("a folder");
        if let Some((uid, gid)) = owner() {
            chown(folder.path(), Some(uid), Some(gid)).expect("the folder is theirs");
        }
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.local_addr())
            .expect("a free port")
            .port();
        let postgres = Self { bin, folder, port };

        let superuser = ["--username", USER, "--auth", "trust", "--no-sync"];
        let mut initdb = postgres.command("initdb");
        done(initdb.args(superuser).arg("--pgdata").arg(postgres.data()));
        postgres.put("server.crt", &server.cert_pem);
        postgres.put("server.key", server.key_pem.expose());
        postgres.put("ca.crt", ca_pem);
        let settings = format!(
            "listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = '{}'\n\
             fsync = off\nssl = on\nssl_ca_file = 'ca.crt'\nlc_messages = 'C'\n",
            postgres.folder.path().display()
        );
        postgres.put("postgresql.conf", &settings);
        let mut start = postgres.command("pg_ctl");
        start.arg("--log").arg(postgres.folder.path().join("log"));
        start.arg("--pgdata").arg(postgres.data());
        done(
            start
                .args(["--wait", "--timeout", "120", "start"])
                .stdout(Stdio::null()),
        );
        postgres
    }

    /// Gives it these rules and settings (`ssl = off`) instead of any earlier ones, and waits until
    /// they count.
    pub fn set(&self, rules: &str, settings: &[&str]) {
        self.put("pg_hba.conf", &format!("local all {USER} trust\n{rules}\n"));
        let before = self.query("select pg_conf_load_time()");
        self.query("alter system reset all");
        for setting in settings {
            self.query(&format!("alter system set {setting}"));
        }
        self.query("select pg_reload_conf()");
        while self.query("select pg_conf_load_time()") == before {
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// As the superuser; what it prints.
    pub fn query(&self, sql: &str) -> String {
        let port = self.port.to_string();
        let mut psql = self.command("psql");
        psql.args([
            "-XAtq",
            "-v",
            "ON_ERROR_STOP=1",
            "-U",
            USER,
            "-p",
            &port,
            "-c",
            sql,
        ]);
        let output = done(psql.arg("-h").arg(self.folder.path()));
        String::from_utf8(output.stdout)
            .expect("UTF-8")
            .trim_end()
            .to_owned()
    }

    /// A connection for a proof: with a timeout.
    pub fn connect(&self) -> TcpStream {
        let stream =
            TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).expect("Postgres listens");
        let patience = Some(Duration::from_secs(60));
        stream.set_read_timeout(patience).expect("a timeout");
        stream
    }

    /// The folder of its socket.
    pub fn socket(&self) -> &Path {
        self.folder.path()
    }

    /// What receives its WAL through this slot, as a standby does.
    pub fn standby(&self, slot: &str) -> Standby {
        let port = self.port.to_string();
        let mut receive = self.command("pg_receivewal");
        receive.args(["-U", USER, "-p", &port, "-S", slot, "-h"]);
        receive.arg(self.socket()).arg("-D").arg(self.socket());
        let child = receive.spawn().expect("it runs");
        let active = format!("select active from pg_replication_slots where slot_name = '{slot}'");
        while self.query(&active) != "t" {
            std::thread::sleep(Duration::from_millis(10));
        }
        Standby(child)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn put(&self, name: &str, text: &str) {
        let path = self.data().join(name);
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("its mode");
        if let Some((uid, gid)) = owner() {
            chown(&path, Some(uid), Some(gid)).expect("the file is theirs");
        }
    }

    /// A program of Postgres, run as its own user where root runs the tests: Postgres refuses root.
    fn command(&self, program: &str) -> Command {
        let program = self.bin.join(program);
        let mut command = match owner() {
            None => Command::new(program),
            Some((uid, gid)) => {
                let mut command = Command::new("setpriv");
                command.args([format!("--reuid={uid}"), format!("--regid={gid}")]);
                command.args(["--clear-groups", "--"]).arg(program);
                command
            }
        };
        command.current_dir(self.folder.path()).env("LC_ALL", "C");
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let mut stop = self.command("pg_ctl");
        stop.args(["--mode", "immediate", "--wait", "stop", "--pgdata"])
            .arg(self.data());
        let _ = stop.stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

/// Until it is dropped.
pub struct Standby(Child);

impl Drop for Standby {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The programs of the newest Postgres that Debian has installed here.
fn newest() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let bin = |path: PathBuf| {
        let version: u32 = path.file_name()?.to_str()?.parse().ok()?;
        let bin = path.join("bin");
        bin.join("initdb").exists().then_some((version, bin))
    };
    let found = versions.filter_map(|entry| bin(entry.ok()?.path()));
    Some(found.max_by_key(|(version, _)| *version)?.1)
}

/// The user and the group of Postgres, if they are not those of the tests.
fn owner() -> Option<(u32, u32)> {
    let root = fs::metadata(Path::new("/proc/self")).is_ok_and(|us| {
        use std::os::unix::fs::MetadataExt as _;
        us.uid() == 0
    });
    let passwd = fs::read_to_string("/etc/passwd").ok().filter(|_| root)?;
    let line = passwd
        .lines()
        .find(|line| line.starts_with(&format!("{USER}:")))?;
    let mut numbers = line.split(':').skip(2).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

fn done(command: &mut Command) -> Output {
    let output = command.output().expect("it runs");
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}
