//! What answers may say before it is built.

use super::*;

#[test]
fn a_role_may_stand_in_a_list() {
    let listed = smallest("").replace("role = \"postgres\"", "roles = [\"postgres\"]");
    assert_ne!(listed, smallest(""));
    assert_eq!(read(&listed), read(&smallest("")));
    // State folders of version 0.1.0 have one role a host.
    let json = serde_json::to_string(&read(LAB)).expect("JSON");
    let older = json.replace("\"roles\":[\"postgres\"]", "\"role\":\"postgres\"");
    assert_ne!(older, json);
    assert_eq!(
        serde_json::from_str::<Answers>(&older).expect("read"),
        read(LAB)
    );
}

#[test]
fn what_is_not_built_yet_is_read_and_refused() {
    let text = r#"[ssh]
[postgres]
endpoint = "db.example:5432"
[load_balancer]
endpoint = "lb.example:6443"
[[hosts]]
name = "db"
role = "postgres"
address = "10.0.0.5"
[[hosts]]
name = "s1"
role = "server"
address = "10.0.0.11"
site = "a"
[[hosts]]
name = "lb"
roles = ["load-balancer", "monitor"]
address = "10.0.0.10"
"#;
    insta::assert_snapshot!(problems(text), @r#"
    3:12: postgres.endpoint: an external Postgres is not supported yet
    5:12: load_balancer.endpoint: an external load balancer is not supported yet
    14:8: hosts[1].site: sites are not supported yet
    17:9: hosts[2].roles: several roles on one host are not supported yet
    17:9: hosts[2].roles: the role "monitor" is not supported yet
    "#);
}
