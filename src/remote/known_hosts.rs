//! Verifies host keys with files in the format of OpenSSH's `known_hosts`.
//!
//! libssh2 can read them too, but takes a revoked key for a good one, and drops what stands behind
//! a line that it cannot read (docs/ssh.md, "Host keys"); so this is our own. Keys that only a
//! certificate authority signs (`@cert-authority`) are unknown here.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use openssl::base64;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;

/// The lines of several files.
#[derive(Debug, Default)]
pub struct KnownHosts(Vec<KnownHostsLine>);

#[derive(Debug)]
struct KnownHostsLine {
    revoked: bool,
    /// Names, patterns or hashes, with commas between.
    hosts: String,
    /// `ssh-ed25519`, `ecdsa-sha2-nistp256`, `ssh-rsa` …
    kind: String,
    key: Vec<u8>,
    /// The file and the line.
    place: String,
}

/// The verdict on a key.
#[derive(Debug, PartialEq, Eq)]
pub enum KeyVerdict {
    Known,
    Unknown,
    Changed {
        /// The fingerprints of the keys that are known instead.
        known: String,
        /// Their places.
        place: String,
    },
    Revoked {
        place: String,
    },
}

impl KnownHosts {
    /// Adds a file. Lines that cannot be parsed are ignored.
    pub fn read(&mut self, path: &Path) -> io::Result<()> {
        let text = std::fs::read(path)?;
        self.add(&String::from_utf8_lossy(&text), path);
        Ok(())
    }

    pub(super) fn add(&mut self, text: &str, path: &Path) {
        let lines = text.lines().zip(1..).filter_map(|(line, number)| {
            KnownHostsLine::read(line, || format!("{}:{number}", path.display()))
        });
        self.0.extend(lines);
    }

    /// The kinds of a host's known keys, in the order of the files.
    pub fn kinds(&self, address: &str) -> Vec<&str> {
        let known = self.0.iter().filter(|line| !line.revoked);
        known
            .filter(|line| line.names(address))
            .map(|line| line.kind.as_str())
            .collect()
    }

    /// What is known about this key at this address.
    pub fn judge(&self, address: &str, key: &[u8]) -> KeyVerdict {
        let lines = || self.0.iter().filter(|line| line.names(address));
        if let Some(line) = lines().find(|line| line.revoked && line.key == key) {
            let place = line.place.clone();
            return KeyVerdict::Revoked { place };
        }
        let known: Vec<&KnownHostsLine> = lines().filter(|line| !line.revoked).collect();
        if known.iter().any(|line| line.key == key) {
            return KeyVerdict::Known;
        }
        if known.is_empty() {
            return KeyVerdict::Unknown;
        }
        let list = |text: &dyn Fn(&KnownHostsLine) -> String| {
            let texts: Vec<String> = known.iter().map(|line| text(line)).collect();
            texts.join(" and ")
        };
        KeyVerdict::Changed {
            known: list(&|line| fingerprint(&line.key)),
            place: list(&|line| line.place.clone()),
        }
    }
}

impl KnownHostsLine {
    fn read(line: &str, place: impl Fn() -> String) -> Option<Self> {
        let mut words = line.split_whitespace().peekable();
        let revoked = match *words.peek()? {
            "@revoked" => words.next().is_some(),
            // A comment, or a certificate authority.
            other if other.starts_with(['#', '@']) => return None,
            _ => false,
        };
        let (hosts, kind, key) = (words.next()?, words.next()?, words.next()?);
        let key = base64::decode_block(key).ok()?;
        // The key contains its kind: a length of four bytes, and the name.
        let named = key.get(4..4 + kind.len())? == kind.as_bytes();
        named.then(|| Self {
            revoked,
            hosts: hosts.to_owned(),
            kind: kind.to_owned(),
            key,
            place: place(),
        })
    }

    fn names(&self, address: &str) -> bool {
        let address = address.to_ascii_lowercase();
        if let Some(hash) = self.hosts.strip_prefix("|1|") {
            return hashes_to(&address, hash).unwrap_or(false);
        }
        let mut named = false;
        for pattern in self.hosts.split(',') {
            match pattern.strip_prefix('!') {
                Some(not) if matches(not, &address) => return false,
                Some(_) => {}
                None => named |= matches(pattern, &address),
            }
        }
        named
    }
}

/// Whether `SALT|HASH`, both base64, matches the address: HMAC-SHA1, as `ssh-keygen -H` writes.
fn hashes_to(address: &str, hash: &str) -> Option<bool> {
    let (salt, hash) = hash.split_once('|')?;
    let salt = PKey::hmac(&base64::decode_block(salt).ok()?).ok()?;
    let mut signer = Signer::new(MessageDigest::sha1(), &salt).ok()?;
    let made = signer.sign_oneshot_to_vec(address.as_bytes()).ok()?;
    Some(made == base64::decode_block(hash).ok()?)
}

/// `*` matches anything, `?` one character. The address is in lower case.
fn matches(pattern: &str, address: &str) -> bool {
    let pattern: Vec<char> = pattern.to_ascii_lowercase().chars().collect();
    let address: Vec<char> = address.chars().collect();
    let (mut p, mut a) = (0, 0);
    // The last star, and the end of its match in the address.
    let mut star: Option<(usize, usize)> = None;
    while a < address.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, a));
                p += 1;
            }
            Some(c) if *c == '?' || *c == address[a] => {
                p += 1;
                a += 1;
            }
            _ => {
                let Some((at, end)) = star else { return false };
                star = Some((at, end + 1));
                p = at + 1;
                a = end + 1;
            }
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// The name of a host in these files: `host`, or `[host]:port` when the port is not 22.
pub fn name(address: &str, port: u16) -> String {
    match port {
        22 => address.to_owned(),
        port => format!("[{address}]:{port}"),
    }
}

/// `SHA256:…` of a public key, as `ssh-keygen -l` prints it.
pub fn fingerprint(key: &[u8]) -> String {
    let sum = base64::encode_block(&openssl::sha::sha256(key));
    format!("SHA256:{}", sum.trim_end_matches('='))
}

/// The kind of a public key.
pub fn kind(key: &[u8]) -> Option<&str> {
    let length = u32::from_be_bytes(key.get(..4)?.try_into().ok()?);
    let end = usize::try_from(length).ok()?.checked_add(4)?;
    std::str::from_utf8(key.get(4..end)?).ok()
}

/// Appends a key to a file that only its owner can read. In one write: several hosts may be added
/// at the same time.
pub fn remember(path: &Path, address: &str, key: &[u8]) -> io::Result<()> {
    let kind = kind(key).ok_or_else(|| io::Error::other("the host key has no kind"))?;
    let line = format!("{address} {kind} {}\n", base64::encode_block(key));
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)?
        .write_all(line.as_bytes())
}

/// The files that OpenSSH itself reads on this machine.
pub fn usual_files() -> Vec<PathBuf> {
    let home = directories::BaseDirs::new();
    let own = home.map(|dirs| dirs.home_dir().join(".ssh/known_hosts"));
    let system = PathBuf::from("/etc/ssh/ssh_known_hosts");
    own.into_iter().chain([system]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A public key in the format of the protocol.
    fn key(kind: &str, rest: &str) -> Vec<u8> {
        let length = u32::try_from(kind.len()).unwrap().to_be_bytes();
        [&length[..], kind.as_bytes(), rest.as_bytes()].concat()
    }

    fn ed25519(rest: &str) -> Vec<u8> {
        key("ssh-ed25519", rest)
    }

    /// A `known_hosts` with these lines, where `{a}`, `{b}` and `{r}` are replaced by two keys and
    /// an RSA one.
    fn known(lines: &[&str]) -> KnownHosts {
        let written = |key: &[u8]| format!("{} {}", kind(key).unwrap(), base64::encode_block(key));
        let text = lines.join("\n");
        let text = text.replace("{a}", &written(&ed25519("a")));
        let text = text.replace("{b}", &written(&ed25519("b")));
        let text = text.replace("{r}", &written(&key("ssh-rsa", "r")));
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let mut known = KnownHosts::default();
        known.read(file.path()).unwrap();
        known
    }

    #[test]
    fn hosts_are_known_by_name_pattern_and_port() {
        let list = known(&[
            "# comment",
            "",
            "host,10.0.0.1 {a} a comment",
            "[host]:2222 {b}",
            "*.example.org,!bad.example.org {a}",
            "10.1.?.* {a}",
        ]);
        let is =
            |address: &str, rest: &str| list.judge(address, &ed25519(rest)) == KeyVerdict::Known;
        assert!(is("host", "a") && is("HOST", "a") && is("10.0.0.1", "a"));
        assert!(!is("host", "b"));
        assert!(is("[host]:2222", "b"));
        assert!(
            !is("[host]:2222", "a"),
            "another port is another host, as for OpenSSH"
        );
        assert!(is("good.example.org", "a") && !is("bad.example.org", "a"));
        assert!(is("10.1.2.33", "a") && !is("10.1.22.3", "a"));
        assert_eq!(list.judge("hos", &ed25519("a")), KeyVerdict::Unknown);
    }

    #[test]
    fn hashed_names_are_recognised() {
        let salt = b"0123456789abcdefghij";
        let hmac = PKey::hmac(salt).unwrap();
        let mut signer = Signer::new(MessageDigest::sha1(), &hmac).unwrap();
        let hash = signer.sign_oneshot_to_vec(b"[host]:2222").unwrap();
        let (salt, hash) = (base64::encode_block(salt), base64::encode_block(&hash));
        let list = known(&[&format!("|1|{salt}|{hash} {{a}}")]);
        assert_eq!(list.judge("[host]:2222", &ed25519("a")), KeyVerdict::Known);
        assert_eq!(list.judge("host", &ed25519("a")), KeyVerdict::Unknown);
    }

    #[test]
    fn a_changed_key_says_where_the_old_one_stands() {
        let list = known(&["other {a}", "host {a}"]);
        let KeyVerdict::Changed { known, place } = list.judge("host", &ed25519("b")) else {
            panic!("not changed");
        };
        assert_eq!(known, fingerprint(&ed25519("a")));
        assert!(place.ends_with(":2"), "{place}");
    }

    #[test]
    fn a_known_host_with_a_key_of_another_kind_is_not_a_first_contact() {
        let list = known(&["host {r}"]);
        assert_eq!(list.kinds("host"), ["ssh-rsa"]);
        let verdict = list.judge("host", &ed25519("a"));
        assert!(matches!(verdict, KeyVerdict::Changed { .. }), "{verdict:?}");
    }

    #[test]
    fn a_revoked_key_is_no_good_even_where_it_is_known() {
        let list = known(&["host {a}", "@revoked * {a}", "host {b}"]);
        let verdict = list.judge("host", &ed25519("a"));
        assert!(matches!(verdict, KeyVerdict::Revoked { .. }), "{verdict:?}");
        assert_eq!(list.judge("host", &ed25519("b")), KeyVerdict::Known);
        assert_eq!(list.kinds("host").len(), 2);
    }

    #[test]
    fn lines_that_cannot_be_read_hide_no_others() {
        let list = known(&[
            "host",
            "host ssh-ed25519",
            "host ssh-ed25519 !!!",
            "host ssh-rsa AAAAC3NzaC1lZDI1NTE5",
            "@cert-authority host {b}",
            "\u{fffd}",
            "host {a}",
        ]);
        assert_eq!(list.judge("host", &ed25519("a")), KeyVerdict::Known);
        assert_eq!(list.kinds("host").len(), 1);
    }

    #[test]
    fn what_is_remembered_is_known_afterwards() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("known_hosts");
        remember(&path, "[10.0.0.1]:2222", &ed25519("a")).unwrap();
        remember(&path, "host", &key("ssh-rsa", "r")).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let mut list = KnownHosts::default();
        list.read(&path).unwrap();
        let verdict = list.judge("[10.0.0.1]:2222", &ed25519("a"));
        assert_eq!(verdict, KeyVerdict::Known);
        assert_eq!(list.kinds("host"), ["ssh-rsa"]);
    }
}
