use super::*;
use crate::bundle::tests::written;

fn file(name: &str, size: u64) -> Consignment {
    Consignment {
        name: name.to_owned(),
        size,
        sha256: sha256(name.as_bytes()),
        from: Origin::Text(name.to_owned()),
    }
}

#[test]
fn small_files_share_a_parcel_and_large_ones_have_their_own() {
    let files = vec![
        file("a", 1),
        file("b", SMALL - 1),
        file("large", SMALL),
        file("c", 1),
    ];
    let parcels = parcels(files);
    let listed: Vec<_> = parcels.iter().map(Parcel::listed).collect();
    assert_eq!(listed, ["large", "a, b", "c"]);
    assert_eq!(parcels[1].size, SMALL);
    assert_ne!(parcels[1].name, parcels[2].name);
    assert_eq!(super::parcels(Vec::new()), []);
}

/// Files of a bundle and a text, read as one from any place.
#[test]
fn a_parcel_is_read_from_any_place() {
    let folder = tempfile::tempdir().unwrap();
    let (path, sum) = written(folder.path(), |_| {});
    let bundle = Bundle::open(&path, &sum).unwrap();
    let node = bundle.contents.node("amd64").unwrap();
    let program = Consignment {
        name: "k3s".into(),
        size: 4,
        sha256: node.program.sha256.clone(),
        from: Origin::Bundle("k3s/amd64/k3s".into()),
    };
    let parcel = Parcel::of(vec![file("index", 5), program, file("end", 3)]);
    let whole = b"index\x00\x01\x02\xffend";
    for offset in 0..=whole.len() {
        let mut reader = ParcelReader {
            parcel: &parcel,
            bundle: &bundle,
            offset: offset as u64,
        };
        let mut read = Vec::new();
        reader.read_to_end(&mut read).unwrap();
        assert_eq!(read, whole[offset..], "{offset}");
    }
}
