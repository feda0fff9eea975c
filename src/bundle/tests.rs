use std::io::{Seek as _, SeekFrom, Write as _};

use super::*;

pub(crate) fn system() -> System {
    System {
        id: "debian".into(),
        release: "12".into(),
        arch: "x86_64".into(),
    }
}

/// A small bundle, with its SHA-256.
pub(crate) fn written(folder: &Path, change: impl FnOnce(&mut Contents)) -> (PathBuf, String) {
    let path = folder.join("lab.bundle");
    let mut draft = BundleDraft::new(&path).unwrap();
    let mut add = |name: &str, text: &[u8]| {
        let mut file = draft.begin(1 << 20).unwrap();
        file.write(text).unwrap();
        draft.take(name, file).unwrap()
    };
    let mut contents = Contents {
        format: FORMAT,
        k3s: "v1.36.2+k3s1".into(),
        installer: add("install.sh", b"#!/bin/sh\n"),
        nodes: vec![NodeFiles {
            arch: "amd64".into(),
            program: add("k3s", &[0, 1, 2, 255]),
            images: add("images.tar.zst", &vec![7; 100_000]),
        }],
        systems: vec![SystemPackages {
            system: system(),
            index: "Package: nginx\nVersion: 1\n\n".into(),
            files: vec![add("nginx_1_amd64.deb", b"a package")],
        }],
    };
    change(&mut contents);
    let (sum, _) = draft.write(&contents).unwrap();
    (path, sum)
}

#[test]
fn what_is_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let (path, sum) = written(folder.path(), |_| {});
    assert_eq!(crate::hash::sha256(&std::fs::read(&path).unwrap()), sum);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let bundle = Bundle::open(&path, &sum).unwrap();
    assert_eq!(bundle.installer().unwrap(), b"#!/bin/sh\n");
    let node = bundle.contents.node("amd64").unwrap();
    let mut program = [0; 3];
    let program_path = node_path("amd64", &node.program);
    bundle.read_at(&program_path, 1, &mut program).unwrap();
    assert_eq!(program, [1, 2, 255]);
    let packages = bundle.contents.packages(&system()).unwrap();
    let mut package = [0; 9];
    let package_path = package_path(&system(), &packages.files[0]);
    bundle.read_at(&package_path, 0, &mut package).unwrap();
    assert_eq!(&package, b"a package");
    assert!(bundle.for_version("v1.30.0+k3s1").is_err());

    // As any other tar.
    let listed = std::process::Command::new("tar")
        .args(["-tf", path.to_str().unwrap()])
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert_eq!(
        listed,
        "bundle.json\nk3s/install.sh\nk3s/amd64/k3s\nk3s/amd64/images.tar.zst\n\
         packages/debian-12-x86_64/nginx_1_amd64.deb\n"
    );
}

#[test]
fn one_byte_that_differs_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let (path, sum) = written(folder.path(), |_| {});
    let size = std::fs::metadata(&path).unwrap().len();
    for at in [0, 300, 600, size / 2, size - 1] {
        let mut bytes = std::fs::read(&path).unwrap();
        let place = usize::try_from(at).unwrap();
        bytes[place] ^= 1;
        let other = folder.path().join("other");
        std::fs::write(&other, &bytes).unwrap();
        let error = Bundle::open(&other, &sum).unwrap_err();
        assert!(
            matches!(error, BundleError::OtherSum { .. }),
            "{at}: {error}"
        );
    }
    let mut longer = std::fs::File::options().write(true).open(&path).unwrap();
    longer.seek(SeekFrom::End(0)).unwrap();
    longer.write_all(b"more").unwrap();
    assert!(Bundle::open(&path, &sum).is_err());
}

#[test]
fn a_hostile_bundle_is_refused_although_its_sum_fits() {
    type Change = fn(&mut Contents);
    let folder = tempfile::tempdir().unwrap();
    let changes: [(Change, &str); 4] = [
        (
            |contents| contents.nodes[0].program.size += 1,
            "is not where it should be",
        ),
        (
            |contents| contents.systems.clear(),
            "more files than it lists",
        ),
        (
            |contents| contents.nodes[0].arch = "arm64".into(),
            "is not where it should be",
        ),
        (|contents| contents.format = 2, "its format is 2"),
    ];
    for (change, why) in changes {
        // What a draft refuses to write is written by hand.
        let (path, _) = written(folder.path(), |_| {});
        let bytes = std::fs::read(&path).unwrap();
        let old = {
            let sum = crate::hash::sha256(&bytes);
            Bundle::open(&path, &sum).unwrap().contents
        };
        let mut new = old.clone();
        change(&mut new);
        let other = rewritten(&bytes, &new);
        let path = folder.path().join("other");
        std::fs::write(&path, &other).unwrap();
        let sum = crate::hash::sha256(&other);
        let error = Bundle::open(&path, &sum).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    let no_tar = vec![1; 4096];
    let path = folder.path().join("other");
    std::fs::write(&path, &no_tar).unwrap();
    assert!(Bundle::open(&path, &crate::hash::sha256(&no_tar)).is_err());
}

/// The same tar with other contents.
fn rewritten(bytes: &[u8], contents: &Contents) -> Vec<u8> {
    let mut out = tar::Builder::new(Vec::new());
    let mut archive = Archive::new(bytes);
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut header = entry.header().clone();
        let mut data = Vec::new();
        entry.read_to_end(&mut data).unwrap();
        if entry.path_bytes() == CONTENTS.as_bytes() {
            data = serde_json::to_vec(contents).unwrap();
            header.set_size(data.len() as u64);
            header.set_cksum();
        }
        out.append(&header, &data[..]).unwrap();
    }
    out.into_inner().unwrap()
}

#[test]
fn names_are_plain() {
    for name in ["k3s", "libc6_2.36-9+deb12u9_amd64.deb", "a%3a1:2~rc1^x.rpm"] {
        assert!(is_name(name), "{name}");
    }
    for name in [
        "", ".", "..", "../x", "a/b", "a b", "-rf", "~root", "a\n", "$(x)", "é",
    ] {
        assert!(!is_name(name), "{name}");
    }
}
