use proptest::prelude::*;

use super::*;

fn redactor(secrets: &[&str]) -> Redactor {
    let secrets: Vec<SecretText> = secrets
        .iter()
        .map(|secret| (*secret).to_owned().into())
        .collect();
    Redactor::new(&secrets)
}

#[test]
fn text_without_secrets_is_not_copied() {
    let redactor = redactor(&["hunter2hunter2"]);
    assert!(matches!(redactor.text("nothing here"), Cow::Borrowed(_)));
    assert!(matches!(redactor.text(""), Cow::Borrowed(_)));
}

#[test]
fn secrets_go_wherever_they_stand() {
    let redactor = redactor(&["hunter2hunter2", "hunter2hunter2-agent", "tail-of-it"]);
    for (text, redacted) in [
        ("hunter2hunter2", "[secret]"),
        ("xhunter2hunter2y", "x[secret]y"),
        ("hunter2hunter2-agent!", "[secret]!"),
        (
            "µ hunter2hunter2 µ hunter2hunter2 µ",
            "µ [secret] µ [secret] µ",
        ),
        ("hunter2hunter2hunter2hunter2", "[secret]"),
        ("hunter2", "hunter2"),
    ] {
        assert_eq!(redactor.text(text), redacted);
    }
}

#[test]
fn secrets_that_overlap_leave_nothing() {
    let redactor = redactor(&["abcdef", "defghi"]);
    assert_eq!(redactor.text("(abcdefghi)"), "([secret])");
}

#[test]
fn secrets_go_in_every_form() {
    let secret = r#"p'a"s$w&r/d:é"#;
    let redactor = redactor(&[secret]);
    let inside =
        |before: &str| openssl::base64::encode_block(format!("{before}{secret}!").as_bytes());
    for form in [
        "p%27a%22s%24w%26r%2Fd%3A%C3%A9".to_owned(),
        "p%27a%22s%24w%26r%2fd%3a%c3%a9".to_owned(),
        "p%27a%22s$w&r%2Fd%3A%C3%A9".to_owned(),
        r#"'p'\''a"s$w&r/d:é'"#.to_owned(),
        r#"'p'"'"'a"s$w&r/d:é'"#.to_owned(),
        r#""p'a\"s\$w&r/d:é""#.to_owned(),
        r#"p\'a\"s\$w\&r/d:é"#.to_owned(),
        serde_json::to_string(secret).unwrap(),
        r#""p'a\"s$w\u0026r/d:é""#.to_owned(),
        inside(""),
        inside("x"),
        inside("xy"),
        inside("server:"),
    ] {
        let text = format!("it is {form} indeed");
        let redacted = redactor.text(&text).replace(['\'', '"'], "");
        assert_eq!(redacted, "it is [secret] indeed", "{form}");
    }
}

#[test]
fn short_secrets_go_only_where_they_stand_alone() {
    let redactor = redactor(&["abc", "", "µ"]);
    assert_eq!(
        redactor.text("password abc, not abcd, x-abc or µm: µ"),
        "password [secret], not abcd, x-abc or µm: [secret]"
    );
}

#[test]
fn private_keys_go_whoever_made_them() {
    let redactor = Redactor::default();
    let text = "key:\n-----BEGIN EC PRIVATE KEY-----\nMHcC\n-----END EC PRIVATE KEY-----\nend";
    assert_eq!(redactor.text(text), "key:\n[secret]\nend");
    let torn = "-----BEGIN PRIVATE KEY-----\nMHcC";
    assert_eq!(redactor.text(torn), MASK);
    let public = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----";
    assert_eq!(redactor.text(public), public);
}

#[test]
fn known_keys_go_line_by_line() {
    let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let redactor = redactor(&[&key]);
    let body = key.lines().filter(|line| !line.starts_with('-'));
    for line in body.filter(|line| line.len() >= LINE) {
        assert_eq!(redactor.text(&format!("> {line}")), "> [secret]");
    }
}

#[test]
fn tokens_and_passwords_in_urls_go_by_their_shape() {
    let redactor = Redactor::default();
    for (text, redacted) in [
        ("token: K10abcdef0123::server:s3cret\n", "token: [secret]\n"),
        ("\"K10ab::node:x\",", "\"[secret]\","),
        (
            "K10 is short, K10abc too: no",
            "K10 is short, K10abc too: no",
        ),
        (
            "postgres://k3s:p/w@d@10.0.0.1:5432/k3s?sslmode=verify-full",
            "postgres://k3s:[secret]@10.0.0.1:5432/k3s?sslmode=verify-full",
        ),
        (
            "postgresql://k3s:pw@db/k3s",
            "postgresql://k3s:[secret]@db/k3s",
        ),
        (
            "http://user:pw@proxy:3128/",
            "http://user:[secret]@proxy:3128/",
        ),
        ("https://10.0.0.1:6443/a@b", "https://10.0.0.1:6443/a@b"),
        ("postgres://k3s@db/k3s", "postgres://k3s@db/k3s"),
    ] {
        assert_eq!(redactor.text(text), redacted);
    }
}

proptest! {
    #[test]
    fn redacting_twice_changes_nothing_more(
        text in "[a-c\\[\\]]{0,40}", secret in "[a-c]{4,6}",
    ) {
        let redactor = redactor(&[&secret]);
        let once = redactor.text(&text).into_owned();
        prop_assert_eq!(redactor.text(&once), once.as_str());
    }
}

/// Programs break lines, and long lines come in pieces.
#[test]
fn a_secret_that_a_line_cuts_in_two_is_found_in_both() {
    let secret = "a-secret-of-some-length";
    let redactor = redactor(&[secret]);
    for at in PART..=secret.len() - PART {
        let (first, second) = secret.split_at(at);
        assert_eq!(redactor.text(&format!("x {first}")), "x [secret]");
        assert_eq!(redactor.text(&format!("  {second} y")), "  [secret] y");
    }
    assert_eq!(redactor.text("ret-of-som"), "[secret]", "the middle");
    let encoded = openssl::base64::encode_block(format!("user:{secret}:more of it").as_bytes());
    let core = &encoded.as_bytes()[7..(5 + secret.len()) * 8 / 6];
    for width in 16..24 {
        for line in encoded.as_bytes().chunks(width) {
            let shown = redactor
                .text(std::str::from_utf8(line).unwrap())
                .into_owned();
            let leaks = |part: &[u8]| shown.contains(std::str::from_utf8(part).unwrap());
            assert!(!core.windows(PART).any(leaks), "{width}: {shown}");
        }
    }
    // Too little to be taken for a part of it.
    assert_eq!(redactor.text("length of a line"), "length of a line");
}
