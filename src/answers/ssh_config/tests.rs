use std::fs;
use std::process::Command;

use proptest::prelude::*;

use super::*;

/// A home with `~/.ssh` and some files in it.
fn home(files: &[(&str, &str)]) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join(".ssh")).unwrap();
    for (name, text) in files {
        fs::write(home.path().join(".ssh").join(name), text).unwrap();
    }
    home
}

fn read(home: &Path) -> Result<SshConfig, SshConfigError> {
    SshConfig::load(&home.join(".ssh/config"), home)
}

fn said(config: &str, host: &str) -> Result<HostSettings, SshConfigError> {
    read(home(&[("config", config)]).path())?.of(host)
}

/// What is wrong, without the folder of the file.
fn refused(config: &str, host: &str) -> String {
    let error = said(config, host).expect_err("refused").to_string();
    let start = error.find("/.ssh/").expect("the file is named");
    error[start + 1..].to_owned()
}

#[test]
fn the_first_value_wins() {
    let config = "\
        # all hosts come last\n\
        User=first\n\
        Host db !db-2 server-?\n\
        \tHostName %h.example.com\n\
        \tPort = 2222\n\
        \tIdentityFile \"~/keys/of db\"\n\
        Host *\n\
        \tuser last\n\
        \tPort 22\n\
        \tIdentityFile /all\n\
        \tIdentitiesOnly yes\n";
    let db = said(config, "db").unwrap();
    assert_eq!(db.host_name.as_deref(), Some("db.example.com"));
    assert_eq!(
        (db.user.as_deref(), db.port, db.identities_only),
        (Some("first"), Some(2222), Some(true))
    );
    let keys: Vec<_> = db.identity_files.iter().map(|key| &*key.text).collect();
    assert_eq!(keys, ["~/keys/of db", "/all"]);
    assert_eq!(said(config, "db-2").unwrap().port, Some(22));
    assert_eq!(
        said(config, "server-1").unwrap().host_name.as_deref(),
        Some("server-1.example.com")
    );
}

#[test]
fn no_file_says_nothing() {
    let home = home(&[]);
    assert_eq!(
        read(home.path()).unwrap().of("h").unwrap(),
        HostSettings::default()
    );
}

#[test]
fn what_cannot_be_done_names_its_line() {
    let found: Vec<_> = [
        "Host db\n  ProxyJump bastion,%h",
        "Host db\n  ProxyJump a b",
        "Match exec \"true\"\n  User a",
        "Match host db\n  User a",
        "Host *\n  CanonicalizeHostname always",
        "IdentityAgent ~/.1password/agent.sock",
        "AddressFamily inet6",
        "Colour blue",
        "Port ssh-alt",
        "Host db\n  User",
        "User \"a",
        "User a b",
        "HostName %n.example.com",
        "Include \"\"",
        "Include ~other/config",
    ]
    .into_iter()
    .map(|config| refused(config, "db"))
    .collect();
    insta::assert_snapshot!(found.join("\n"), @r#"
    .ssh/config:2: ProxyJump bastion,%h, which the wizard does not support. If db can be reached without it, set config under [ssh] to another file, or to "none"
    .ssh/config:2: ProxyJump: must be [user@]name[:port], several separated by commas
    .ssh/config:1: Match exec true, which the wizard does not support. If db can be reached without it, set config under [ssh] to another file, or to "none"
    .ssh/config:1: Match host db, which the wizard does not support. If db can be reached without it, set config under [ssh] to another file, or to "none"
    .ssh/config:2: CanonicalizeHostname always, which the wizard does not support. If db can be reached without it, set config under [ssh] to another file, or to "none"
    .ssh/config:1: IdentityAgent ~/.1password/agent.sock, which the wizard does not support. If db can be reached without it, set config under [ssh] to another file, or to "none"
    .ssh/config:1: AddressFamily inet6, which the wizard does not support. If db can be reached without it, set config under [ssh] to another file, or to "none"
    .ssh/config:1: Colour, which the wizard does not support. If db can be reached without it, set config under [ssh] to another file, or to "none"
    .ssh/config:1: Port: the port is not a number between 1 and 65535
    .ssh/config:2: User: the value is missing
    .ssh/config:1: User: a quote is not closed
    .ssh/config:1: User: there is more than one value
    .ssh/config:1: HostName: only %h and %% are allowed here
    .ssh/config:1: Include: a path is empty
    .ssh/config:1: Include: the wizard does not look up other users' homes
    "#);
}

#[test]
fn what_is_not_for_the_host_is_no_matter() {
    for config in [
        "Host other\n  ProxyJump bastion",
        "Host * !db\n  ProxyCommand nc %h %p",
        "ProxyJump none\nProxyCommand nc %h %p",
        "Host db\n  ProxyCommand none\nHost *\n  ProxyJump bastion",
        "CanonicalizeHostname no\nAddressFamily any\nIdentityAgent SSH_AUTH_SOCK",
        "Host other\n  Include proxies",
        "ForwardAgent yes\nServerAliveInterval 5\nStrictHostKeyChecking no",
        "IgnoreUnknown colour,use*\nColour blue\nUseKeychain yes",
    ] {
        let home = home(&[
            ("config", config),
            (
                "proxies",
                "Host *\n  ProxyJump bastion\nMatch exec true\n  User a",
            ),
        ]);
        assert_eq!(
            read(home.path()).unwrap().of("db"),
            Ok(HostSettings::default()),
            "{config}"
        );
    }
}

#[test]
fn a_file_that_others_may_write_is_not_taken() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = home(&[("config", "User a")]);
    let file = home.path().join(".ssh/config");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o664)).unwrap();
    let error = read(home.path()).expect_err("not taken").to_string();
    assert!(error.contains("chmod go-w"), "{error}");
}

#[test]
fn an_include_of_itself_ends() {
    let home = home(&[("config", "Include config")]);
    let error = read(home.path()).expect_err("for ever").to_string();
    assert!(error.contains("16 files deep"), "{error}");
}

#[test]
fn paths_are_filled_in() {
    let home = home(&[]);
    let config = read(home.path()).unwrap();
    let path = |text: &str| {
        let written = Written {
            text: text.to_owned(),
            file: "config".into(),
            line: 7,
        };
        let token = |letter| match letter {
            '%' => Some("%".to_owned()),
            'h' => Some("10.0.0.1".to_owned()),
            _ => None,
        };
        let path = config.path(&written, token);
        path.map(|path| path.display().to_string())
            .map_err(|error| error.to_string())
    };
    let home = home.path().display();
    assert_eq!(path("~/.ssh/id"), Ok(format!("{home}/.ssh/id")));
    assert_eq!(path("/k/%h%%h.$x"), Ok("/k/10.0.0.1%h.$x".to_owned()));
    let package = "/k/${CARGO_PKG_NAME}/x";
    assert_eq!(path(package), Ok("/k/k3s-ha-wizard/x".to_owned()));
    for (text, error) in [
        ("/%x", "config:7: the token %x is not supported"),
        ("/%", "config:7: the token %  is not supported"),
        (
            "/${K3S_HA_WIZARD_UNSET}",
            "config:7: the environment variable K3S_HA_WIZARD_UNSET is not set",
        ),
    ] {
        assert_eq!(path(text), Err(error.to_owned()));
    }
    assert!(path("~kay/id").is_err_and(|error| error.contains("another user's home")));
}

/// What `ssh -G` says of a host.
fn ssh_says(home: &Path, host: &str) -> Vec<(String, String)> {
    let output = Command::new("ssh")
        .args(["-G", "-F"])
        .arg(home.join(".ssh/config"))
        .arg(host)
        .env("HOME", home)
        .output()
        .expect("the OpenSSH client is installed");
    let text = String::from_utf8(output.stdout).unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    text.lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// The same, of what is read here; `usual` is what ssh says of an empty configuration.
fn we_say(said: &HostSettings, host: &str, usual: &[(String, String)]) -> Vec<(String, String)> {
    let mut ours: Vec<(String, String)> = usual
        .iter()
        .filter(|(key, _)| key != "identityfile" || said.identity_files.is_empty())
        .cloned()
        .collect();
    let files = said.identity_files.iter();
    ours.extend(files.map(|file| ("identityfile".to_owned(), file.text.clone())));
    for (key, value) in &mut ours {
        let new = match &**key {
            "hostname" => Some(said.host_name.clone().unwrap_or_else(|| host.to_owned())),
            "user" => said.user.clone(),
            "port" => said.port.map(|port| port.to_string()),
            "identitiesonly" => said
                .identities_only
                .map(|only| if only { "yes" } else { "no" }.to_owned()),
            _ => None,
        };
        if let Some(new) = new {
            *value = new;
        }
    }
    ours
}

fn known(mut says: Vec<(String, String)>) -> Vec<(String, String)> {
    const KEYS: [&str; 5] = ["hostname", "user", "port", "identityfile", "identitiesonly"];
    says.retain(|(key, _)| KEYS.contains(&&**key));
    // The order of keys counts, that of keywords does not.
    says.sort_by(|(one, _), (other, _)| one.cmp(other));
    says
}

const HOSTS: [&str; 4] = ["db", "db-2", "server-1", "10.0.0.7"];

fn any_line() -> impl Strategy<Value = String> {
    let pattern = prop::sample::select(vec![
        "db", "!db", "db*", "!db-?", "*", "server-?", "10.0.*", "DB", "'db'", "nobody", "*-1",
    ]);
    let between = prop::sample::select(vec![" ", "=", " = ", "\t", "  "]);
    let setting = prop::sample::select(vec![
        ("HostName", "%h.example.com"),
        ("hostname", "10.0.0.9"),
        ("HostName", "100%%h.example.com"),
        ("User", "kay"),
        ("USER", "\"lee\""),
        ("Port", "2222"),
        ("port", "22"),
        ("IdentityFile", "~/.ssh/one"),
        ("IdentityFile", "'/k/a b'"),
        ("IdentityFile", "none"),
        ("IdentityFile", "~/.ssh/%h-%u"),
        ("IdentitiesOnly", "yes"),
        ("IdentitiesOnly", "False"),
        ("Compression", "yes"),
        ("ServerAliveInterval", "30 # seconds"),
    ]);
    prop_oneof![
        3 => (between.clone(), prop::collection::vec(pattern, 1..4))
            .prop_map(|(gap, patterns)| format!("Host{gap}{}", patterns.join(" "))),
        6 => (between, setting).prop_map(|(gap, (key, value))| format!("  {key}{gap}{value}  ")),
        1 => Just("Match all".to_owned()),
        1 => Just("# a comment\n\n".to_owned()),
        1 => prop::sample::select(vec!["Include part-1", "  Include part-*", "Include ~/.ssh/part-2 nothing"])
            .prop_map(str::to_owned),
    ]
}

fn any_file() -> impl Strategy<Value = String> {
    prop::collection::vec(any_line(), 0..12).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn it_is_read_as_ssh_reads_it(
        config in any_file(),
        // Files that include each other would never end.
        part_1 in any_file().prop_map(|text| text.replace("Include", "# Include")),
        part_2 in any_file().prop_map(|text| text.replace("Include", "# Include")),
    ) {
        let empty = home(&[("config", "")]);
        let home = home(&[("config", &config), ("part-1", &part_1), ("part-2", &part_2)]);
        let ours = read(home.path()).unwrap();
        for host in HOSTS {
            let usual = ssh_says(empty.path(), host);
            let said = ours.of(host).unwrap();
            prop_assert_eq!(
                known(we_say(&said, host, &usual)),
                known(ssh_says(home.path(), host)),
                "{}:\n{}\n--- part-1\n{}\n--- part-2\n{}", host, config, part_1, part_2
            );
        }
    }
}
