//! A private key file on this machine, and its properties that libssh2 does not report.

use std::io;
use std::path::{Path, PathBuf};

use openssl::base64;
use zeroize::Zeroizing;

use crate::remote::known_hosts;

pub struct KeyFile {
    pub path: PathBuf,
    text: Zeroizing<String>,
}

impl KeyFile {
    pub fn read(path: &Path) -> io::Result<Self> {
        let bytes = Zeroizing::new(std::fs::read(path)?);
        Ok(Self {
            path: path.to_owned(),
            text: Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned()),
        })
    }

    /// Whether it is only the public half; the private one may be in an agent.
    pub fn is_public(&self) -> bool {
        public_line(&self.text).is_some()
    }

    /// Whether it needs a passphrase.
    pub fn is_encrypted(&self) -> bool {
        match openssh_body(&self.text) {
            // The name of the cipher, after its length.
            Some(body) => !body.starts_with(b"\0\0\0\x04none"),
            None => self.text.contains("ENCRYPTED"),
        }
    }

    /// The certificate next to it.
    pub fn certificate(&self) -> Option<PathBuf> {
        Some(self.beside("-cert.pub")).filter(|path| path.exists())
    }

    /// Its identities in an agent: the public half, and the certificate.
    pub fn public(&self) -> Vec<Vec<u8>> {
        let read = |path: PathBuf| public_line(&std::fs::read_to_string(path).ok()?);
        let public = public_line(&self.text)
            .or_else(|| read(self.beside(".pub")))
            .or_else(|| public_inside(&openssh_body(&self.text)?));
        let certificate = self.certificate().and_then(read);
        public.into_iter().chain(certificate).collect()
    }

    /// The content of the file.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The public half as a line of a `.pub` file, from an encrypted private key: it can be offered
    /// without decrypting the key.
    pub fn offer(&self) -> Option<String> {
        let key = public_inside(&openssh_body(&self.text)?)?;
        let kind = known_hosts::kind(&key)?;
        let offered = format!("{kind} {}", base64::encode_block(&key));
        self.is_encrypted().then_some(offered)
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut path = self.path.as_os_str().to_owned();
        path.push(ending);
        path.into()
    }
}

/// A line of a `.pub` file: kind, key, comment.
fn public_line(text: &str) -> Option<Vec<u8>> {
    let mut words = text.split_whitespace();
    let kind = words.next()?;
    let key = base64::decode_block(words.next()?).ok()?;
    let named = key.get(4..4 + kind.len())? == kind.as_bytes();
    named.then_some(key)
}

/// The content after the magic bytes of OpenSSH's own format.
fn openssh_body(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let (_, rest) = text.split_once("-----BEGIN OPENSSH PRIVATE KEY-----")?;
    let lines = rest.lines().take_while(|line| !line.starts_with('-'));
    let body = Zeroizing::new(lines.collect::<String>());
    let key = Zeroizing::new(base64::decode_block(body.trim()).ok()?);
    Some(Zeroizing::new(
        key.strip_prefix(b"openssh-key-v1\0")?.to_vec(),
    ))
}

/// The public half, which is never encrypted: after the cipher, the two fields of the key
/// derivation, and the number of keys.
fn public_inside(body: &[u8]) -> Option<Vec<u8>> {
    fn text<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
        let (length, behind) = rest.split_at_checked(4)?;
        let length = u32::from_be_bytes(length.try_into().ok()?);
        let (text, behind) = behind.split_at_checked(usize::try_from(length).ok()?)?;
        *rest = behind;
        Some(text)
    }
    let mut rest = body;
    for _ in 0..3 {
        text(&mut rest)?;
    }
    rest = rest.get(4..)?;
    text(&mut rest).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn make(folder: &Path, name: &str, more: &[&str]) -> KeyFile {
        let path = folder.join(name);
        let status = Command::new("ssh-keygen")
            .args(["-q", "-C", "a comment", "-f"])
            .arg(&path)
            .args(more)
            .status()
            .expect("ssh-keygen is needed: apt-get install openssh-client");
        assert!(status.success());
        KeyFile::read(&path).unwrap()
    }

    #[test]
    fn keys_of_every_kind_tell_their_public_half_and_whether_they_are_encrypted() {
        let folder = tempfile::tempdir().unwrap();
        let mut number = 0;
        for kind in ["ed25519", "ecdsa", "rsa"] {
            for (phrase, format) in [
                ("", None),
                ("open sesame", None),
                ("", Some("PEM")),
                ("open sesame", Some("PEM")),
            ] {
                if kind == "ed25519" && format.is_some() {
                    continue;
                }
                number += 1;
                let mut more = vec!["-t", kind, "-N", phrase];
                more.extend(format.iter().flat_map(|format| ["-m", *format]));
                let key = make(folder.path(), &format!("{number}"), &more);
                assert_eq!(key.is_encrypted(), !phrase.is_empty(), "{more:?}");
                assert!(!key.is_public());
                let beside = key.public();
                assert_eq!(beside.len(), 1, "{more:?}");
                let public = key.beside(".pub");
                let half = KeyFile::read(&public).unwrap();
                assert!(half.is_public() && !half.is_encrypted());
                assert_eq!(half.public(), beside);
                let offered = key.offer();
                assert_eq!(
                    offered.is_some(),
                    !phrase.is_empty() && format.is_none(),
                    "{more:?}"
                );
                assert!(offered.is_none_or(|line| half.text().starts_with(&line)));
                std::fs::remove_file(public).unwrap();
                let inside = if format.is_none() { beside } else { Vec::new() };
                assert_eq!(key.public(), inside, "{more:?}");
            }
        }
    }

    #[test]
    fn a_certificate_beside_it_counts() {
        let folder = tempfile::tempdir().unwrap();
        make(folder.path(), "ca", &["-t", "ed25519", "-N", ""]);
        let key = make(folder.path(), "user", &["-t", "ed25519", "-N", ""]);
        assert_eq!(key.certificate(), None);
        let signed = Command::new("ssh-keygen")
            .args(["-q", "-s", "ca", "-I", "me", "-n", "root", "user.pub"])
            .current_dir(folder.path())
            .status();
        assert!(signed.unwrap().success());
        assert_eq!(key.certificate(), Some(folder.path().join("user-cert.pub")));
        assert_eq!(key.public().len(), 2);
    }

    #[test]
    fn what_is_no_key_is_nothing() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for text in [
            "",
            "ssh-ed25519 ????",
            "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
            "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n",
        ] {
            std::fs::write(file.path(), text).unwrap();
            let key = KeyFile::read(file.path()).unwrap();
            assert!(key.public().is_empty() && !key.is_public(), "{text}");
        }
    }
}
