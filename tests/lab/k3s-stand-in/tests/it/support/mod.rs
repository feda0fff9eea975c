//! A private Postgres with mutual TLS, and stand-ins on this machine's loopback: each with its own
//! folders and port.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
};
use tempfile::TempDir;
use time::OffsetDateTime;

/// How long anything may take before a test gives up on it.
const PATIENCE: Duration = Duration::from_secs(90);

pub fn root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// A port that is free now.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// Waits until something holds.
pub fn until<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "in vain: {what}");
        thread::sleep(Duration::from_millis(100));
    }
}

/// Certificates for a datastore: who signs them, for whom, until when.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name = named(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// Writes `<name>.crt` and `<name>.key`.
    pub fn sign(
        &self,
        folder: &Path,
        name: &str,
        common_name: &str,
        names: &[&str],
        expired: bool,
    ) {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let client = names.is_empty();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name = named(common_name);
        params.extended_key_usages = vec![if client {
            ExtendedKeyUsagePurpose::ClientAuth
        } else {
            ExtendedKeyUsagePurpose::ServerAuth
        }];
        let now = OffsetDateTime::now_utc();
        params.not_before = now - time::Duration::days(2);
        params.not_after = now + time::Duration::days(if expired { -1 } else { 1 });
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        fs::write(folder.join(format!("{name}.crt")), certificate.pem()).unwrap();
        let path = folder.join(format!("{name}.key"));
        fs::write(&path, key.serialize_pem()).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

/// A Postgres of the test's own: role and database `k3s` behind mutual TLS, role `r2` without.
pub struct Postgres {
    folder: TempDir,
    pub port: u16,
}

impl Postgres {
    pub fn start() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("pg")
            .tempdir_in("/tmp")
            .unwrap();
        let postgres = Self {
            folder,
            port: free_port(),
        };
        let tls = postgres.tls();
        fs::create_dir(&tls).unwrap();
        let (own, foreign) = (Authority::new("lab CA"), Authority::new("foreign CA"));
        fs::write(tls.join("ca.crt"), own.pem()).unwrap();
        fs::write(tls.join("foreign-ca.crt"), foreign.pem()).unwrap();
        own.sign(&tls, "pg", "pg", &["127.0.0.1", "k3s-pg"], false);
        own.sign(&tls, "nameless", "pg", &["k3s-pg"], false);
        own.sign(&tls, "c1", "k3s", &[], false);
        own.sign(&tls, "expired", "k3s", &[], true);
        own.sign(&tls, "bob", "bob", &[], false);
        foreign.sign(&tls, "foreign", "k3s", &[], false);
        postgres.own_everything();
        postgres.run(
            "initdb",
            &["-D", &postgres.data(), "-A", "trust", "--no-sync"],
        );
        let path = |name: &str| tls.join(name).display().to_string();
        let hba = "local all all trust\n\
                   hostssl k3s k3s 127.0.0.1/32 scram-sha-256 clientcert=verify-full\n\
                   hostssl other k3s 127.0.0.1/32 scram-sha-256 clientcert=verify-full\n\
                   host all k3s 0.0.0.0/0 reject\n\
                   hostssl all r2 127.0.0.1/32 scram-sha-256\n";
        fs::write(postgres.folder.path().join("data/pg_hba.conf"), hba).unwrap();
        let settings = format!(
            "ssl = on\nssl_cert_file = '{}'\nssl_key_file = '{}'\nssl_ca_file = '{}'\nfsync = off\n",
            path("pg.crt"),
            path("pg.key"),
            path("ca.crt")
        );
        fs::write(
            postgres.folder.path().join("data/postgresql.auto.conf"),
            settings,
        )
        .unwrap();
        postgres.own_everything();
        postgres.up();
        for statement in [
            "CREATE ROLE k3s LOGIN PASSWORD 'pw'",
            "CREATE ROLE r2 LOGIN PASSWORD 'pw'",
            "CREATE DATABASE k3s OWNER k3s",
            "CREATE DATABASE other OWNER k3s",
            "CREATE DATABASE d2",
        ] {
            postgres.sql("postgres", statement);
        }
        postgres
    }

    pub fn tls(&self) -> PathBuf {
        self.folder.path().join("tls")
    }

    fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    pub fn up(&self) {
        let options = format!(
            "-p {} -k {} -c listen_addresses=127.0.0.1",
            self.port,
            self.folder.path().display()
        );
        let log = self.folder.path().join("log").display().to_string();
        self.run(
            "pg_ctl",
            &[
                "-D",
                &self.data(),
                "-w",
                "-o",
                &options,
                "-l",
                &log,
                "start",
            ],
        );
    }

    pub fn down(&self) {
        self.run(
            "pg_ctl",
            &["-D", &self.data(), "-w", "-m", "immediate", "stop"],
        );
    }

    /// What a statement gives, one value a line.
    pub fn sql(&self, database: &str, statement: &str) -> String {
        let (host, port) = (
            self.folder.path().display().to_string(),
            self.port.to_string(),
        );
        let user = if root() {
            "postgres".to_owned()
        } else {
            String::from_utf8(Command::new("id").arg("-un").output().unwrap().stdout).unwrap()
        };
        let arguments = [
            "-h",
            &host,
            "-p",
            &port,
            "-U",
            user.trim(),
            "-d",
            database,
            "-XAtqc",
            statement,
        ];
        self.run("psql", &arguments).trim().to_owned()
    }

    fn own_everything(&self) {
        if root() {
            let status = Command::new("chown")
                .args(["-R", "postgres:"])
                .arg(self.folder.path())
                .status();
            assert!(status.unwrap().success());
        }
    }

    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let versions = fs::read_dir("/usr/lib/postgresql").expect("apt install postgresql");
        let bin = versions
            .flatten()
            .map(|entry| entry.path().join("bin"))
            .max()
            .unwrap();
        let mut command = if root() {
            let mut command = Command::new("runuser");
            command
                .args(["-u", "postgres", "--"])
                .arg(bin.join(program));
            command
        } else {
            Command::new(bin.join(program))
        };
        // pg_ctl leaves its server behind: it must not hold a pipe of ours.
        let log = self.folder.path().join(format!("{program}.out"));
        let out = fs::File::create(&log).unwrap();
        let both = out.try_clone().unwrap();
        let mut child = command
            .args(arguments)
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(both)
            .spawn()
            .unwrap();
        let status = child.wait().unwrap();
        let text = fs::read_to_string(&log).unwrap();
        assert!(status.success(), "{program} {arguments:?}: {text}");
        text
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if Path::new(&self.data()).join("postmaster.pid").exists() {
            self.down();
        }
    }
}

/// One host's stand-in: its folders, its port, and its process while it runs.
pub struct Host {
    folder: TempDir,
    pub port: u16,
    pub lb_port: u16,
    notified: UnixDatagram,
    child: Option<Child>,
}

impl Host {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let notified = UnixDatagram::bind(folder.path().join("notify")).unwrap();
        notified.set_nonblocking(true).unwrap();
        fs::create_dir_all(folder.path().join("etc/k3s")).unwrap();
        Self {
            folder,
            port: free_port(),
            lb_port: free_port(),
            notified,
            child: None,
        }
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    /// The configuration of a server on this datastore.
    pub fn server_config(&self, postgres: &Postgres, identity: &str, ca: &str, more: &str) {
        let tls = postgres.tls();
        let path = |name: String| tls.join(name).display().to_string();
        self.config(&format!(
            "datastore-endpoint: \"postgres://k3s:pw@127.0.0.1:{}/k3s\"\n\
             datastore-cafile: \"{}\"\ndatastore-certfile: \"{}\"\ndatastore-keyfile: \"{}\"\n\
             token: \"secret\"\nagent-token: \"agents\"\n{}{more}",
            postgres.port,
            path(ca.to_owned()),
            path(format!("{identity}.crt")),
            path(format!("{identity}.key")),
            self.own_config()
        ));
    }

    /// What every server here needs: its own folders, port and address.
    pub fn own_config(&self) -> String {
        format!(
            "data-dir: \"{}\"\nhttps-listen-port: {}\nbind-address: \"127.0.0.1\"\nnode-ip: \"127.0.0.1\"\n",
            self.path("data").display(),
            self.port
        )
    }

    /// The configuration of an agent that joins at a port of this machine.
    pub fn agent_config(&self, server: u16, token: &str, name: &str) {
        self.config(&format!(
            "server: \"https://127.0.0.1:{server}\"\ntoken: \"{token}\"\nnode-name: \"{name}\"\n\
             lb-server-port: {}\ndata-dir: \"{}\"\nnode-ip: \"127.0.0.1\"\n",
            self.lb_port,
            self.path("data").display()
        ));
    }

    pub fn config(&self, text: &str) {
        fs::write(self.path("etc/k3s/config.yaml"), text).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let binary = env!("CARGO_BIN_EXE_k3s-stand-in");
        let mut command = if root() {
            Command::new(binary)
        } else {
            let mut command = Command::new("unshare");
            command.args(["--map-root-user", binary]);
            command
        };
        command
            .args(arguments)
            .env("K3S_STAND_IN_ETC", self.path("etc"))
            .env("NOTIFY_SOCKET", self.path("notify"))
            .stdin(Stdio::null());
        command
    }

    /// Starts `k3s server` or `k3s agent`; what it prints is in [`Host::log`].
    pub fn start(&mut self, command: &str) {
        let log = fs::File::create(self.path("log")).unwrap();
        let both = log.try_clone().unwrap();
        self.child = Some(
            self.command(&[command])
                .stdout(log)
                .stderr(both)
                .spawn()
                .unwrap(),
        );
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// The log's lines when there are so many, or when the process has ended.
    pub fn lines(&mut self, count: usize) -> Vec<String> {
        until(&format!("{count} lines, only: {}", self.log()), || {
            let ended = self.ended().is_some();
            let lines: Vec<String> = self.log().lines().map(ToOwned::to_owned).collect();
            (ended || lines.len() >= count).then_some(lines)
        })
    }

    /// Waits for a text in the log.
    pub fn says(&self, text: &str) {
        until(&format!("{text:?} in {}", self.log()), || {
            self.log().contains(text).then_some(())
        });
    }

    /// Whether systemd was told that it is ready.
    pub fn ready(&self) -> bool {
        let mut buffer = [0; 64];
        self.notified
            .recv(&mut buffer)
            .is_ok_and(|length| &buffer[..length] == b"READY=1")
    }

    pub fn wait_ready(&self) {
        until(&format!("READY=1 from {}", self.log()), || {
            self.ready().then_some(())
        });
    }

    /// The exit code, once it has ended.
    pub fn ended(&mut self) -> Option<i32> {
        let status = self.child.as_mut()?.try_wait().unwrap()?;
        Some(status.code().unwrap_or(-1))
    }

    pub fn wait_ended(&mut self) -> i32 {
        until("the end of a process", || self.ended())
    }

    pub fn signal(&self, name: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", name, &id])
                .status()
                .unwrap()
                .success()
        );
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    pub fn kubectl(&self, arguments: &[&str]) -> Output {
        let mut all = vec!["kubectl"];
        all.extend(arguments);
        self.command(&all).output().unwrap()
    }

    /// What kubectl prints, when it succeeds.
    pub fn get(&self, arguments: &[&str]) -> Option<String> {
        let output = self.kubectl(arguments);
        output
            .status
            .success()
            .then(|| String::from_utf8(output.stdout).unwrap())
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.kill();
    }
}
