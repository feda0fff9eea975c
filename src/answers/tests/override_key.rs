//! The key `override`, and its old name.

use super::*;

/// The old name of the key at a host, and these lines after the hosts.
fn with_old_key_at_s1(more: &str) -> String {
    let s1 = "address = \"10.0.0.11\"";
    smallest(more).replace(s1, &format!("{s1}, overrule = [\"disk\"]"))
}

#[test]
fn the_old_name_of_override_is_read_with_one_notice() {
    let old = with_old_key_at_s1("[cluster]\noverrule = [\"memory\"]");
    let answers = read(&old);
    assert_eq!(answers.cluster.overrides, [Check::Memory]);
    assert_eq!(answers.hosts[1].overrides, [Check::Disk]);
    let about = |warning: &&String| warning.contains("overrule");
    let warnings = answers.warnings();
    assert_eq!(
        warnings.iter().filter(about).collect::<Vec<_>>(),
        ["line 3: the key overrule is now called override: rename it"]
    );
    // Written again, it has the new name and no notice.
    let again = read(&answers.to_toml());
    assert_eq!(again.cluster.overrides, [Check::Memory]);
    assert_eq!(again.hosts, answers.hosts);
    assert!(again.warnings().iter().all(|warning| !about(&warning)));
}

#[test]
fn problems_below_the_old_name_have_their_place() {
    assert_eq!(
        problem("[cluster]\noverrule = [\"cpu\", \"os\"]"),
        "9:20: cluster.override[1]: cannot be overridden: the wizard cannot install on an \
         unknown system"
    );
}

#[test]
fn both_names_of_override_at_once_are_a_problem() {
    assert_eq!(
        problem("[cluster]\noverrule = [\"cpu\"]\noverride = [\"disk\"]"),
        "9:1: cluster.overrule: is the old name of override: keep one of the two keys"
    );
}

#[test]
fn a_state_folder_with_the_old_name_is_read() {
    let answers = read(&with_old_key_at_s1(""));
    let json = serde_json::to_string(&answers).expect("JSON");
    assert!(json.contains("\"override\":[\"disk\"]"), "{json}");
    let older = json.replace("\"override\":", "\"overrule\":");
    let older: Answers = serde_json::from_str(&older).expect("read");
    assert_eq!(older.hosts, answers.hosts);
}
