//! Secrets where they would not stay secret.

use super::problem;

#[test]
fn a_secret_in_a_url_or_among_the_settings_is_refused() {
    let url = problem("[k3s]\nartifact_url = \"https://me:secret@mirror.example.com/k3s\"");
    assert!(
        url.starts_with("9:16: k3s.artifact_url: must not contain a user"),
        "{url}"
    );
    let setting = problem("[k3s.agent_config]\nvpn-auth = \"name=tailscale,joinKey=secret\"");
    assert!(setting.contains("use vpn-auth-file"), "{setting}");
    assert!(!url.contains("secret@") && !setting.contains("joinKey"));
}
