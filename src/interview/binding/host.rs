//! The form of a host.

use super::reader::{ParseError, Reader, checks, optional, path, proxy_text, secret};
use crate::answers::{Host, Role, SshSettings};
use crate::interview::form::{Field, Form, Kind};
use crate::interview::text;
use crate::interview::text::field as say;

/// What a host can be, one role or several.
const ROLES: &[&str] = &[
    "postgres",
    "monitor",
    "server",
    "load-balancer",
    "load-balancer+monitor",
    "agent",
];
const LOGIN: Kind = Kind::Secret { generates: false };

pub fn of_host(host: &Host) -> Form {
    let fields = vec![
        Field::new("name", say::HOST_NAME, Kind::Text, host.name.as_str()),
        Field::new("role", say::ROLE, Kind::Choice(ROLES), host.roles_text()),
        Field::new("address", say::ADDRESS, Kind::Text, host.address.as_str()),
        Field::new("node_ip", say::NODE_IP, Kind::Text, optional(host.node_ip)),
        Field::new(
            "user",
            say::HOST_USER,
            Kind::Text,
            optional(host.user.as_ref()),
        ),
        Field::new("port", say::HOST_PORT, Kind::Number, optional(host.port)),
        Field::new(
            "jump",
            say::HOST_JUMP,
            Kind::Text,
            optional(host.jump.as_ref()),
        ),
        Field::new(
            "key",
            say::HOST_SSH_KEY,
            Kind::Text,
            path(host.key.as_ref()),
        ),
        Field::new(
            "passphrase",
            say::PASSPHRASE,
            LOGIN,
            secret(host.passphrase.as_ref()),
        ),
        Field::new(
            "password",
            say::PASSWORD,
            LOGIN,
            secret(host.password.as_ref()),
        ),
        Field::new(
            "sudo_password",
            say::SUDO_PASSWORD,
            LOGIN,
            secret(host.sudo_password.as_ref()),
        ),
        Field::new(
            "host_key",
            say::HOST_KEY,
            Kind::Text,
            optional(host.host_key.as_ref()),
        ),
        Field::new(
            "proxy",
            say::HOST_PROXY,
            Kind::Text,
            proxy_text(host.proxy.as_ref()),
        ),
        Field::new("site", say::SITE, Kind::Text, optional(host.site.as_ref())),
        Field::new(
            "override",
            say::HOST_OVERRIDE,
            Kind::Text,
            checks(&host.overrides),
        ),
    ];
    Form::new(text::HOST, text::HOST_WHY, fields)
}

/// In empty fields, what all hosts have.
pub fn show_defaults(form: &mut Form, ssh: &SshSettings) {
    for field in &mut form.fields {
        let default = match field.key {
            "user" => ssh.user.clone(),
            "port" => ssh.port.map(|port| port.to_string()),
            "jump" => ssh.jump.clone(),
            "key" => ssh.key.as_ref().map(|key| key.display().to_string()),
            "passphrase" => ssh.passphrase.as_ref().map(|_| String::new()),
            "password" => ssh.password.as_ref().map(|_| String::new()),
            "sudo_password" => ssh.sudo_password.as_ref().map(|_| String::new()),
            _ => None,
        };
        field.when_empty = match default {
            None => continue,
            // A secret is not shown.
            Some(default) if default.is_empty() => say::AS_FOR_ALL.to_owned(),
            Some(default) => format!("{default}, {}", say::AS_FOR_ALL),
        };
    }
}

/// The host that a form describes. What cannot be parsed changes nothing.
pub fn to_host(form: &Form, before: &Host) -> (Host, Vec<ParseError>) {
    let mut read = Reader::new(form);
    let said = form.value("role");
    let roles = roles_named(said).filter(|_| said != before.roles_text());
    let mut host = Host {
        name: read.word("name"),
        roles: roles.unwrap_or_else(|| before.roles.clone()),
        address: read.word("address"),
        user: read.text("user"),
        jump: read.text("jump"),
        key: read.path("key"),
        host_key: read.text("host_key"),
        site: read.text("site"),
        ..before.clone()
    };
    read.address("node_ip", &mut host.node_ip);
    read.port("port", &mut host.port);
    read.secret("passphrase", &mut host.passphrase);
    read.secret("password", &mut host.password);
    read.secret("sudo_password", &mut host.sudo_password);
    read.proxy("proxy", &mut host.proxy);
    read.checks("override", &mut host.overrides);
    (host, read.errors)
}

/// One role, or several as in `load-balancer+monitor`.
pub fn roles_named(text: &str) -> Option<Vec<Role>> {
    text.split('+').map(Role::named).collect()
}
