//! A real sshd for a test: on a free port of the loopback interface, in a folder of its own, ended
//! with the value.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use k3s_ha_wizard::answers::HostKeys;
use k3s_ha_wizard::remote::{
    AcceptedKeys, Bastions, Cancel, Credentials, RemoteError, Script, Ssh, Target,
};

/// A script of a test, which may be made at run time.
pub fn script(text: &str) -> Script {
    Script::new(text.to_owned().leak())
}

pub struct Sshd {
    pub port: u16,
    folder: tempfile::TempDir,
    child: Child,
}

impl Sshd {
    pub fn start() -> Self {
        Self::with("")
    }

    /// With further lines of configuration, which win.
    pub fn with(further: &str) -> Self {
        let sshd = Path::new("/usr/sbin/sshd");
        assert!(
            sshd.exists(),
            "sshd is needed: apt-get install openssh-server"
        );
        // The chroot before the login; the service creates it.
        fs::create_dir_all("/run/sshd").ok();
        let folder = tempfile::tempdir().unwrap();
        // Other users' keys are read as those users.
        let open = fs::Permissions::from_mode(0o755);
        fs::set_permissions(folder.path(), open).unwrap();
        let path = |name: &str| folder.path().join(name);
        for kind in ["ed25519", "ecdsa", "rsa"] {
            make_key(&path(kind), kind, "");
        }
        make_key(&path("user"), "ed25519", "");
        make_key(&path("locked"), "ed25519", "open sesame");
        let mut authorized = fs::read_to_string(path("user.pub")).unwrap();
        authorized += &fs::read_to_string(path("locked.pub")).unwrap();
        fs::write(path("authorized_keys"), authorized).unwrap();

        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let at = folder.path().display();
        let config = format!(
            "{further}\nListenAddress 127.0.0.1:{port}\nPidFile none\nStrictModes no\nUsePAM no\n\
             HostKey {at}/ed25519\nHostKey {at}/ecdsa\nHostKey {at}/rsa\n\
             AuthorizedKeysFile {at}/authorized_keys\nPasswordAuthentication no\n\
             PermitRootLogin yes\nMaxStartups 100\n"
        );
        fs::write(path("sshd_config"), config).unwrap();
        let log = fs::File::create(path("log")).unwrap();
        let mut child = Command::new(sshd)
            .args(["-D", "-e", "-f"])
            .arg(path("sshd_config"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            let ended = child.try_wait().unwrap();
            let log = fs::read_to_string(path("log")).unwrap();
            assert!(ended.is_none(), "sshd ended: {log}");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self {
            port,
            folder,
            child,
        }
    }

    /// A file in its folder: `user` and `locked` are private keys that let one in, `ed25519`,
    /// `ecdsa` and `rsa` the host's.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// How `known_hosts` names it.
    pub fn address(&self) -> String {
        format!("[127.0.0.1]:{}", self.port)
    }

    /// A public key of the folder as `known_hosts` wants it: kind and base64.
    pub fn public_key(&self, name: &str) -> String {
        let text = fs::read_to_string(self.path(&format!("{name}.pub"))).unwrap();
        let words: Vec<&str> = text.split_whitespace().take(2).collect();
        words.join(" ")
    }

    /// What `ssh-keygen -l` says about a key of the folder.
    pub fn fingerprint(&self, name: &str) -> String {
        let output = Command::new("ssh-keygen")
            .arg("-lf")
            .arg(self.path(&format!("{name}.pub")))
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.split_whitespace().nth(1).unwrap().to_owned()
    }

    /// The user who runs the tests, with the key; the host key is trusted on first use.
    pub fn target(&self) -> Target {
        let user = Command::new("id").arg("-un").output().unwrap().stdout;
        Target {
            name: "k3s-test".into(),
            address: "127.0.0.1".into(),
            port: self.port,
            user: String::from_utf8(user).unwrap().trim().to_owned(),
            keys: vec![self.path("user")],
            only_these_keys: false,
            known_hosts: Vec::new(),
            own_known_hosts: self.path("own_known_hosts"),
            policy: HostKeys::AcceptNew,
            accepted: AcceptedKeys::default(),
            fingerprint: None,
            via: Vec::new(),
            bastions: Bastions::default(),
        }
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap()
    }

    /// Ends the connections that it has; it goes on listening.
    pub fn cut(&self) {
        let parent = self.child.id().to_string();
        let mut cut = Command::new("pkill");
        let cut = cut.args(["-KILL", "-P", &parent]).status().unwrap();
        assert!(cut.success());
    }

    pub fn connect(&self) -> Ssh {
        connect(&self.target()).unwrap()
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn connect(target: &Target) -> Result<Ssh, RemoteError> {
    Ssh::connect(target, &Credentials::default(), &Cancel::new().unwrap())
}

pub fn make_key(path: &Path, kind: &str, passphrase: &str) {
    let status = Command::new("ssh-keygen")
        .args(["-q", "-t", kind, "-N", passphrase, "-C", "", "-f"])
        .arg(path)
        .status()
        .expect("ssh-keygen is needed: apt-get install openssh-client");
    assert!(status.success());
}
