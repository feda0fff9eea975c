//! What is downloaded in the place of the install script of K3s.

use super::*;

const SCRIPT: &str = "#!/bin/sh\n: \"${INSTALL_K3S_VERSION}\"";

/// How the step ends where the host downloads this.
fn fetched(text: &str, pinned: Option<&str>) -> String {
    let fetch = Step {
        work: Work::Task(Task::FetchInstaller {
            url: "https://get.k3s.io".into(),
            sha256: pinned.map(str::to_owned),
            proxy: None,
        }),
        ..step("k3s/installer", "h", &[])
    };
    let one = Scripted::new("h").on("URL='https://get.k3s.io'", Reply::exit(0).out(text));
    let one = around(one.answer(|script| answers(script, 0)));
    let (_, events) = World::new(vec![fetch]).on("h", vec![one]).run();
    ends(&events).join("\n")
}

#[test]
fn only_the_install_script_that_is_meant_is_taken() {
    assert_eq!(fetched(SCRIPT, None), "k3s/installer@h done");
    let other = fetched(SCRIPT, Some(&"0".repeat(64)));
    assert!(other.contains("but the answers pin 0000"), "{other}");
    for text in [
        "<html>Please log in</html>",
        "#!/bin/sh",
        "INSTALL_K3S_VERSION",
        "",
    ] {
        let said = fetched(text, None);
        assert!(
            said.contains("is not the install script of K3s"),
            "{text}: {said}"
        );
    }
}
