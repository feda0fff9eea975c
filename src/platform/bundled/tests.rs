use super::*;
use crate::answers::Answers;
use crate::bundle::Bundle;
use crate::bundle::tests::written;

const HOSTS: [&str; 5] = [
    "k3s-postgres",
    "k3s-server-1",
    "k3s-server-2",
    "k3s-nginx",
    "k3s-agent",
];

fn lab() -> Topology {
    let answers = include_str!("../../../tests/lab/answers.toml");
    Topology::of(&Answers::from_toml(answers).unwrap()).unwrap()
}

fn debian(version: &str, arch: &str) -> Facts {
    Facts {
        os_id: "debian".into(),
        os_version: version.into(),
        arch: arch.into(),
        ..Facts::default()
    }
}

fn needs(topology: &Topology, host: &str, facts: &Facts) -> Needs {
    Needs::of(topology, host, facts, Platform::of(facts).unwrap())
}

fn contents() -> Contents {
    let folder = tempfile::tempdir().unwrap();
    let (path, sum) = written(folder.path(), |_| {});
    Bundle::open(&path, &sum).unwrap().contents
}

fn look(text: &str) -> BundleLook {
    let lines: Vec<_> = text.lines().map(str::to_owned).collect();
    BundleLook::parse(&lines)
}

#[test]
fn each_host_needs_what_its_roles_install() {
    let topology = lab();
    let facts = debian("12", "x86_64");
    let all = HOSTS.map(|host| {
        let needs = needs(&topology, host, &facts);
        (needs.postgres, needs.packages.join(" "), needs.node)
    });
    let none = String::new;
    let amd64 = || Some("amd64".to_owned());
    let nginx = "nginx libnginx-mod-stream".to_owned();
    assert_eq!(
        all,
        [
            (true, none(), None),
            (false, none(), amd64()),
            (false, none(), amd64()),
            (false, nginx.clone(), None),
            (false, none(), amd64()),
        ]
    );
    let platform = Platform::of(&facts).unwrap();
    let together = packages_of(&topology, platform, None, Selinux::Off);
    assert_eq!(
        together,
        (true, nginx.split(' ').map(str::to_owned).collect()),
        "of a reference host"
    );

    let enforcing = Facts {
        selinux: Selinux::Enforcing,
        ..facts
    };
    let on = |host| needs(&topology, host, &enforcing).packages.join(" ");
    let tools = format!("{nginx} policycoreutils-python-utils");
    assert_eq!(
        [on("k3s-nginx"), on("k3s-agent")],
        [tools, "k3s-selinux".into()]
    );
}

#[test]
fn a_pair_and_a_virtual_address_need_more() {
    let mut topology = lab();
    let mut second = topology.datastore.members[0].clone();
    second.name = "k3s-postgres-2".into();
    topology.datastore.members.push(second);
    topology
        .datastore
        .monitors
        .push(topology.api.members[0].clone());
    let facts = debian("12", "x86_64");
    let postgres = needs(&topology, "k3s-postgres-2", &facts);
    let pair = "postgresql-15-auto-failover pg-auto-failover-cli";
    assert_eq!(
        (postgres.postgres, postgres.packages),
        (false, vec![pair.to_owned()])
    );
    let monitor = needs(&topology, "k3s-nginx", &facts).packages.join(" ");
    assert_eq!(monitor, format!("{pair} nginx libnginx-mod-stream"));
}

#[test]
fn what_a_bundle_lacks_is_said_of_the_host() {
    let (topology, contents) = (lab(), contents());
    let failed = |host, facts: &Facts, said: &str| {
        let sources = needs(&topology, host, facts).sources(&contents, &look(said));
        assert!(sources.bundled);
        [sources.packages, sources.download].map(|trial| match trial {
            SourceTrial::Failed(why) => why,
            _ => String::new(),
        })
    };
    let good = debian("12", "x86_64");
    let none = ["", ""].map(String::from);
    assert_eq!(
        failed("k3s-nginx", &good, "packages=bundle\nwant=packages/index"),
        none
    );
    assert_eq!(failed("k3s-agent", &good, "packages=here\nwant=k3s"), none);
    let [packages, _] = failed("k3s-nginx", &debian("13", "x86_64"), "packages=here");
    assert_eq!(
        packages,
        "the bundle has no packages for debian 13 (x86_64), only for debian 12 (x86_64)"
    );
    let [packages, download] = failed("k3s-agent", &debian("13", "aarch64"), "packages=here");
    assert_eq!(packages, "", "a node needs none");
    assert_eq!(
        download,
        "the bundle has K3s and its images for amd64, not for arm64"
    );
    let [packages, _] = failed(
        "k3s-nginx",
        &good,
        "packages=bundle\nwant=packages/other.deb",
    );
    assert_eq!(
        packages,
        "the bundle has no packages/other.deb for debian 12 (x86_64)"
    );
    let [packages, _] = failed("k3s-nginx", &good, "packages=E: unmet dependencies ");
    assert_eq!(packages, "E: unmet dependencies");
    let untrusted = look("packages=bundle\nuntrusted=aa\nuntrusted=bb\nwant=packages/index");
    assert_eq!(untrusted.packages, SourceTrial::Untrusted("aa, bb".into()));
}

#[test]
fn what_arrived_whole_is_not_sent_again() {
    let (topology, contents) = (lab(), contents());
    let facts = debian("12", "x86_64");
    let node = contents.node("amd64").unwrap();
    let sum = &node.program.sha256;
    let said = format!(
        "packages=here\nwant=k3s\nwant=images/images.tar.zst\nhave={sum} k3s\n\
         have=0 images/images.tar.zst\npart=12 abc\npart=x y"
    );
    let look = look(&said);
    let left = needs(&topology, "k3s-agent", &facts).consignments(&contents, &look);
    let left = left.unwrap();
    let names: Vec<_> = left.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["images/images.tar.zst"], "it is damaged there");
    assert_eq!(
        left[0].from,
        Origin::Bundle("k3s/amd64/images.tar.zst".into())
    );
    assert_eq!(look.parts, [("abc".to_owned(), 12)].into());
}

#[test]
fn a_host_that_lies_gets_only_what_is_its_own() {
    let (topology, contents) = (lab(), contents());
    let facts = debian("12", "x86_64");
    for name in [
        "../../etc/shadow",
        "k3s/install.sh",
        "images/k3s",
        "packages/",
        "",
        "k3s",
    ] {
        let look = look(&format!("want={name}"));
        let needs = needs(&topology, "k3s-nginx", &facts);
        assert!(needs.consignments(&contents, &look).is_err(), "{name}");
    }
}

#[test]
fn what_a_reference_host_says_is_checked() {
    let sum = "ab".repeat(32);
    let read = |text: String| {
        let lines: Vec<_> = text.lines().map(str::to_owned).collect();
        Collected::parse(&lines)
    };
    let good = read(format!(
        "lacks=keepalived\nfile=9 {sum} a_1_all.deb\nindex=SHA256: {sum}\nindex="
    ))
    .unwrap();
    assert_eq!(good.index, format!("SHA256: {sum}\n\n"));
    assert_eq!(good.files[0].size, 9);
    assert_eq!(good.lacks, ["keepalived"]);
    for bad in [
        format!("file=9 {sum} ../a\nindex=SHA256: {sum}"),
        format!("file=x {sum} a\nindex=SHA256: {sum}"),
        format!("file=9 {sum}\nindex=SHA256: {sum}"),
        format!("file=9 {sum} a\nindex=SHA256: {}", "cd".repeat(32)),
    ] {
        assert!(read(bad.clone()).is_err(), "{bad}");
    }
}
