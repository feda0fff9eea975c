//! Roles in a list; pairs, and external parts.

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
fn a_monitor_is_for_two_postgres_hosts() {
    let text = r#"[ssh]
[[hosts]]
name = "db"
role = "postgres"
address = "10.0.0.5"
[[hosts]]
name = "s1"
role = "server"
address = "10.0.0.11"
[[hosts]]
name = "lb"
roles = ["load-balancer", "monitor"]
address = "10.0.0.10"
"#;
    insta::assert_snapshot!(problems(text), @r#"
    2:1: hosts: lb has the role "monitor", which is for two Postgres hosts: add a second one, or remove the role
    "#);
}

#[test]
fn two_postgres_hosts_need_a_name_and_one_monitor() {
    let pair = |name: &str, monitor: &str| {
        let host = |name: &str, roles: &str, last: u8| {
            format!(
                "[[hosts]]\nname = \"{name}\"\nroles = [{roles}]\naddress = \"10.0.0.{last}\"\n"
            )
        };
        [
            format!("[postgres]\n{name}\n"),
            host("db-1", "\"postgres\"", 1),
            host("db-2", "\"postgres\"", 2),
            host("s1", "\"server\"", 3),
            host("lb", monitor, 4),
        ]
        .concat()
    };
    let name = "name = \"pg.example\"";
    let good = read(&pair(name, "\"monitor\", \"load-balancer\""));
    assert_eq!(good.hosts[3].role(), Role::LoadBalancer);
    let topology = crate::topology::Topology::of(&good).unwrap();
    assert_eq!(topology.datastore.monitors[0].name, "lb");
    assert_eq!(topology.datastore.authority(), "pg.example:5432");
    assert!(
        topology
            .datastore
            .parameters()
            .contains("target_session_attrs=read-write")
    );
    let refused = |text: &str, why: &str| {
        let problems = problems(text);
        assert!(problems.contains(why), "{problems}");
    };
    refused(
        &pair("", "\"load-balancer\", \"monitor\""),
        "is missing: the servers use one DNS name",
    );
    refused(
        &pair(name, "\"load-balancer\""),
        "must have the role \"monitor\"",
    );
    let on_member =
        pair(name, "\"load-balancer\"").replacen("\"postgres\"", "\"postgres\", \"monitor\"", 1);
    refused(&on_member, "roles other than load-balancer and monitor");
}

#[test]
fn an_external_load_balancer_takes_the_place_of_hosts() {
    let with = |settings: &str, more: &str| {
        format!(
            "[load_balancer]\n{settings}\n[[hosts]]\nname = \"db\"\nrole = \"postgres\"\naddress = \"10.0.0.5\"\n\
             [[hosts]]\nname = \"s1\"\nrole = \"server\"\naddress = \"10.0.0.11\"\n{more}"
        )
    };
    for (endpoint, port) in [
        ("lb.example", 6443),
        ("lb.example:443", 443),
        ("[2001:db8::4]:443", 443),
    ] {
        let good = read(&with(&format!("endpoint = {endpoint:?}"), ""));
        let at = good.load_balancer.external().expect("an endpoint");
        assert_eq!(at.port, port);
        assert_eq!(read(&good.to_toml()), good);
    }
    let good = read(&with("endpoint = \"lb.example\"\nport = 443", ""));
    assert_eq!(
        good.load_balancer.external().expect("an endpoint").port,
        443
    );
    let balancer = "[[hosts]]\nname = \"lb\"\nrole = \"load-balancer\"\naddress = \"10.0.0.4\"\n";
    let both = "endpoint = \"lb.example:443\"\nport = 6444\nvirtual_ip = \"10.0.0.9\"";
    let bad = [
        problems(&with(both, balancer)),
        problems(&with("endpoint = \"https://lb.example\"", "")),
        problems(&with("endpoint = \"10.0.0.11:443\"", "")),
        problems(&with("endpoint = \"127.0.0.1\"", "")),
    ];
    insta::assert_snapshot!(bad.join("\n"));
}
