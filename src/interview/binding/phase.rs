//! The hosts of a phase, and what the run does on them.

use crate::answers::{Answers, Failover, Host, Role};
use crate::interview::section::Section;
use crate::interview::text::section as say;
use crate::topology::{UNDER_LOAD, max_connections};

/// `None` for the part that comes before the hosts.
pub fn hosts(section: Section, answers: &Answers) -> Option<Vec<String>> {
    let roles: &[Role] = match section {
        Section::Cluster => return None,
        Section::Postgres => &[Role::Postgres, Role::Monitor],
        Section::Certificates => &[Role::Postgres, Role::Server],
        Section::Servers => &[Role::Server],
        Section::LoadBalancer => &[Role::LoadBalancer],
        Section::Agents => &[Role::Agent],
    };
    let of_role = |role: &Role| answers.with_role(*role);
    let mut hosts: Vec<_> = roles.iter().flat_map(of_role).map(name).collect();
    if section == Section::LoadBalancer
        && let Some(at) = answers.load_balancer.external()
    {
        hosts.push(say::external(&at));
    }
    Some(hosts)
}

pub fn does(section: Section, answers: &Answers) -> Vec<String> {
    match section {
        Section::Cluster => Vec::new(),
        Section::Postgres if answers.postgres.is_external() => external(answers),
        Section::Postgres if answers.is_pair() => pair(answers),
        Section::Postgres => {
            let connections =
                say::connections(max_connections(answers.with_role(Role::Server).count()));
            vec![connections, say::POSTGRES_VERSION.into()]
        }
        Section::Certificates => certificates(answers),
        Section::Servers => {
            let mut servers = answers.with_role(Role::Server);
            let first = servers.next().map(|host| say::first_server(&host.name));
            first
                .into_iter()
                .chain([say::SERVER_FILES.into()])
                .collect()
        }
        Section::LoadBalancer if answers.load_balancer.external().is_some() => {
            let servers = joined(answers.with_role(Role::Server).map(name));
            let leads = say::external_leads(&servers);
            let leads = (!servers.is_empty()).then_some(leads);
            let rest = [
                say::EXTERNAL_RECIPE,
                say::BALANCER_NAMES,
                say::EXTERNAL_BALANCER_PROOF,
                say::EXTERNAL_UNSEEN,
            ];
            leads.into_iter().chain(rest.map(str::to_owned)).collect()
        }
        Section::LoadBalancer => {
            let servers = joined(answers.with_role(Role::Server).map(name));
            let leads = say::balances(answers.load_balancer.port, &servers);
            let leads = (!servers.is_empty()).then_some(leads);
            let balancers = joined(answers.with_role(Role::LoadBalancer).map(name));
            let survives = match answers.load_balancer.virtual_ip {
                Some(ip) => say::balancers_share(&ip.to_string(), &balancers),
                None => say::ONE_BALANCER.into(),
            };
            let rest = [
                survives,
                say::BALANCER_NAMES.into(),
                say::BALANCER_PROOF.into(),
            ];
            leads.into_iter().chain(rest).collect()
        }
        Section::Agents if answers.with_role(Role::Agent).next().is_none() => {
            vec![say::NO_AGENTS.into()]
        }
        Section::Agents => {
            let balancer = &answers.load_balancer;
            let at = |address: String| format!("{address}:{}", balancer.port);
            let balancers = answers.with_role(Role::LoadBalancer).map(address);
            let shared = balancer.virtual_ip.map(|ip| at(ip.to_string()));
            let external = balancer.external().map(|at| at.to_string());
            let joined_at: Vec<_> = match external.or(shared) {
                Some(at) => vec![at],
                None => balancers.map(at).collect(),
            };
            joined_at
                .iter()
                .map(|at| say::agents_join(at))
                .chain([say::AGENTS_NEED.into()])
                .collect()
        }
    }
}

/// What two Postgres hosts are, and what differs from one.
fn pair(answers: &Answers) -> Vec<String> {
    let members = joined(answers.with_role(Role::Postgres).map(name));
    let monitor = joined(answers.with_role(Role::Monitor).map(name));
    let monitors = (!monitor.is_empty()).then(|| say::pair_monitor(&monitor));
    let addresses = joined(answers.with_role(Role::Postgres).map(address));
    let named = answers.postgres.name.as_ref();
    let named = named.map(|name| say::pair_name(name, &addresses));
    let failover = match answers.postgres.failover {
        Failover::Steady => say::FAILOVER_STEADY,
        Failover::Fast => say::FAILOVER_FAST,
    };
    let rest = [failover, say::PAIR_TRUST, say::PAIR_RETRIES].map(str::to_owned);
    let first = [say::pair_commits(&members)].into_iter();
    first.chain(monitors).chain(named).chain(rest).collect()
}

/// What is done to a Postgres that others run.
fn external(answers: &Answers) -> Vec<String> {
    let servers = answers.with_role(Role::Server).count();
    let role = match answers.postgres.admin {
        Some(_) => say::EXTERNAL_ADMIN,
        None => say::EXTERNAL_SQL,
    };
    vec![
        role.into(),
        say::external_checks(UNDER_LOAD * servers),
        say::EXTERNAL_RETRIES.into(),
        say::EXTERNAL_OPERATOR.into(),
    ]
}

fn certificates(answers: &Answers) -> Vec<String> {
    let wanted = &answers.postgres;
    if wanted.is_external() {
        let does = if wanted.cert_file.is_some() {
            [say::EXTERNAL_CLIENT, say::EXTERNAL_CLIENT_PROOF]
        } else {
            [say::EXTERNAL_CA, say::EXTERNAL_CA_PROOF]
        };
        return does.map(str::to_owned).into();
    }
    let mut does = vec![say::AUTHORITY.to_owned()];
    for host in answers.with_role(Role::Postgres) {
        let names = wanted.name.iter().cloned().chain([address(host)]);
        does.push(say::server_certificate(&host.name, &joined(names)));
    }
    let servers = joined(answers.with_role(Role::Server).map(name));
    if !servers.is_empty() {
        does.push(say::client_certificates(&servers, &wanted.user));
    }
    let monitors = joined(answers.with_role(Role::Monitor).map(name));
    if answers.is_pair() && !monitors.is_empty() {
        does.push(say::pair_certificates(&monitors));
    }
    does.push(say::RENEWED.into());
    if !servers.is_empty() {
        let from = joined(answers.with_role(Role::Server).map(address));
        does.push(say::access(&wanted.user, &wanted.database, &from));
    }
    let addresses = joined(answers.with_role(Role::Postgres).map(address));
    if let Some(name) = wanted.name.as_ref().filter(|_| !addresses.is_empty()) {
        does.push(say::name_leads(name, &addresses));
    }
    does.push(say::DATASTORE_PROOF.into());
    does
}

fn name(host: &Host) -> String {
    host.name.clone()
}

/// The address that the other hosts use.
fn address(host: &Host) -> String {
    let ip = host.cluster_ip().map(|ip| ip.to_string());
    ip.unwrap_or_else(|| host.address.clone())
}

fn joined(names: impl Iterator<Item = String>) -> String {
    names.collect::<Vec<_>>().join(", ")
}
