//! What hosts can reach, tested on all of them at once: package sources, downloads, and each other.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::control::Control;
use super::hosts::{self, ReachedHost, on_all};
use crate::address::Endpoint;
use crate::bundle::Contents;
use crate::platform::bundled::{BundleLook, Needs};
use crate::platform::network::{self, Contact};
use crate::platform::sources::SourceRequirements;
use crate::platform::{Facts, Platform, Sources};
use crate::remote::{RemoteError, Script};
use crate::topology::{Link, Topology};

/// How often, and after which time, a link is tried again that is refused where a process listened.
const RETRIES: u32 = 4;
const PAUSE: Duration = Duration::from_millis(if cfg!(test) { 1 } else { 2000 });

/// Whether the temporary listeners of a host were opened, and why not.
type PortsOpened = Result<(), String>;

/// Reads the facts of these hosts once more, and tests what they can reach. A host that is lost
/// meanwhile says so; the others are not kept waiting.
pub fn look_again(
    hosts: &mut [ReachedHost],
    which: &BTreeSet<String>,
    wanted: SourceRequirements<'_>,
    opens: bool,
    control: &Control,
) {
    let topology = Some(wanted.topology);
    on_all(hosts, |host| {
        if which.contains(&host.name) {
            hosts::look_again(host, topology, control);
        }
    });
    let lost = look_around_from(hosts, wanted, opens, &|name| which.contains(name));
    for error in lost.err().into_iter().flatten() {
        let host = hosts.iter_mut().find(|host| host.name == error.host());
        if let Some(host) = host {
            host.lost = Some(error.to_string());
        }
    }
}

/// Tests it, and stores the results with every host. `opens`: on ports without a process, a
/// temporary listener runs during the test; nothing else is changed.
pub fn look_around(
    hosts: &mut [ReachedHost],
    wanted: SourceRequirements<'_>,
    opens: bool,
) -> Result<(), Vec<RemoteError>> {
    look_around_from(hosts, wanted, opens, &|_| true)
}

/// The same from some hosts.
fn look_around_from(
    hosts: &mut [ReachedHost],
    wanted: SourceRequirements<'_>,
    opens: bool,
    from: &(dyn Fn(&str) -> bool + Sync),
) -> Result<(), Vec<RemoteError>> {
    let mut links = wanted.topology.links();
    links.retain(|link| from(&link.from));
    let missing = not_listening(hosts, &links);
    let opened = if opens {
        open(hosts, &missing)
    } else {
        BTreeMap::new()
    };
    let tried = on_all(hosts, |host| {
        if !from(&host.name) || host.lost.is_some() {
            return Ok(());
        }
        let own: Vec<_> = links
            .iter()
            .filter(|link| link.from == host.name)
            .cloned()
            .collect();
        try_from_here(host, wanted, own)
    });
    let asked: BTreeSet<_> = opened.keys().cloned().collect();
    on_all(hosts, |host| {
        if asked.contains(&host.name) {
            // It also ends by itself.
            let _ = host
                .connection
                .lines(&host.name, &Script::new(network::CLOSE));
        }
    });
    let listened = |link: &Link| !missing.contains(&(link.to.clone(), link.at.clone()));
    let looked = |host: &ReachedHost| from(&host.name) && host.lost.is_none();
    for _ in 0..RETRIES {
        let is_odd = |host: &ReachedHost| looked(host) && !odd(host, &listened).is_empty();
        if !hosts.iter().any(is_odd) {
            break;
        }
        std::thread::sleep(PAUSE);
        on_all(hosts, |host| {
            if looked(host) {
                try_odd_again(host, &listened);
            }
        });
    }
    for host in hosts.iter_mut().filter(|host| looked(host)) {
        for (link, contact) in &mut host.links {
            *contact = judged(contact.clone(), listened(link), opened.get(&link.to));
        }
    }
    let errors: Vec<_> = tried.into_iter().filter_map(Result::err).collect();
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors)
    }
}

/// The targets of links without a listening process.
fn not_listening(hosts: &[ReachedHost], links: &[Link]) -> BTreeSet<(String, Endpoint)> {
    let listens = |link: &&Link| {
        let host = hosts.iter().find(|host| host.name == link.to);
        let at = link.at.socket();
        host.zip(at)
            .is_some_and(|(host, at)| host.facts.listens_on(at))
    };
    let missing = links.iter().filter(|link| !listens(link));
    missing
        .map(|link| (link.to.clone(), link.at.clone()))
        .collect()
}

fn open(
    hosts: &mut [ReachedHost],
    missing: &BTreeSet<(String, Endpoint)>,
) -> BTreeMap<String, PortsOpened> {
    let opened = on_all(hosts, |host| {
        if !may_listen(&host.facts) {
            return None;
        }
        let mut here = missing.iter().filter(|(to, _)| *to == host.name);
        let ports: Vec<_> = here.clone().map(|(_, at)| at.port).collect();
        let ip = here.find_map(|(_, at)| at.name.ip())?;
        let script = network::listen_script(ip, &ports);
        let opened = match host.connection.lines(&host.name, &script) {
            Ok(lines) => network::not_opened(&lines).map_or(Ok(()), Err),
            Err(error) => Err(error.to_string()),
        };
        Some((host.name.clone(), opened))
    });
    opened.into_iter().flatten().collect()
}

/// Whether a temporary listener can run without conflicts: an installed service may start at any
/// moment.
fn may_listen(facts: &Facts) -> bool {
    let postgres = &facts.postgres;
    facts.systemd
        && facts.ports_seen
        && facts.k3s.units.is_empty()
        && (postgres.clusters.is_empty() || postgres.asked)
        && !facts.units.contains_key("k3s-lb.service")
}

/// All of a host in one round trip.
fn try_from_here(
    host: &mut ReachedHost,
    wanted: SourceRequirements<'_>,
    links: Vec<Link>,
) -> Result<(), RemoteError> {
    if let (Some(contents), Some(platform)) = (wanted.bundle, host.platform) {
        return try_from_bundle(host, wanted.topology, contents, platform, links);
    }
    let settled = Sources::are_settled(wanted.topology, &host.name, &host.facts);
    let platform = host.platform.filter(|_| !settled);
    let arch = &host.facts.arch;
    let sources = platform.map(|platform| Sources::script(wanted, &host.name, arch, platform));
    let reach = (!links.is_empty()).then(|| network::reach_script(&links));
    let script = match (sources, reach) {
        (None, None) => return Ok(()),
        (Some(one), None) | (None, Some(one)) => one,
        // In parallel: each may wait for a host that does not answer.
        (Some(sources), Some(reach)) => Script::new("(")
            .then(sources)
            .then(") &")
            .then(reach)
            .then("wait"),
    };
    let said = host.connection.lines(&host.name, &script)?;
    host.sources = Sources::parse(&said);
    let contacts = network::parse_contacts(&said, &links);
    host.links = links.into_iter().zip(contacts).collect();
    Ok(())
}

/// Links that are refused although a process listened a moment ago: a service that is restarted, as
/// after a loss of power, or a firewall.
fn odd(host: &ReachedHost, listened: &impl Fn(&Link) -> bool) -> Vec<Link> {
    let links = host.links.iter();
    let odd = links.filter(|(link, contact)| *contact == Contact::Refused && listened(link));
    odd.map(|(link, _)| link.clone()).collect()
}

fn try_odd_again(host: &mut ReachedHost, listened: &impl Fn(&Link) -> bool) {
    let links = odd(host, listened);
    if links.is_empty() {
        return;
    }
    let script = network::reach_script(&links);
    let Ok(said) = host.connection.lines(&host.name, &script) else {
        return;
    };
    for (link, contact) in links.iter().zip(network::parse_contacts(&said, &links)) {
        let known = host.links.iter_mut().find(|(known, _)| known == link);
        if let Some((_, known)) = known {
            *known = contact;
        }
    }
}

/// The same where everything comes from a bundle: nothing outside is tried.
fn try_from_bundle(
    host: &mut ReachedHost,
    topology: &Topology,
    contents: &Contents,
    platform: Platform,
    links: Vec<Link>,
) -> Result<(), RemoteError> {
    let needs = Needs::of(topology, &host.name, &host.facts, platform);
    let script = Script::new("(").then(needs.script(contents)).then(")");
    let script = script.then(network::reach_script(&links));
    let said = host.connection.lines(&host.name, &script)?;
    host.sources = needs.sources(contents, &BundleLook::parse(&said));
    let contacts = network::parse_contacts(&said, &links);
    host.links = links.into_iter().zip(contacts).collect();
    Ok(())
}

/// A refusal only means something if a process listens.
fn judged(contact: Contact, listened: bool, opened: Option<&PortsOpened>) -> Contact {
    match (contact, opened) {
        (Contact::Refused, _) if listened => Contact::Refused,
        (Contact::Refused, Some(Ok(()))) => Contact::Refused,
        (Contact::Refused, Some(Err(why))) => Contact::Untried(why.clone()),
        (Contact::Refused, None) => Contact::Later,
        (contact, _) => contact,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::PostgresCluster;
    use crate::remote::Scripted;
    use crate::remote::scripted::Reply;

    fn cluster() -> PostgresCluster {
        PostgresCluster {
            port: Some(5432),
            name: "15/main".into(),
        }
    }

    #[test]
    fn no_port_is_taken_from_a_service_that_may_start() {
        let bare = Facts {
            systemd: true,
            ports_seen: true,
            ..Facts::default()
        };
        assert!(may_listen(&bare));
        let changed = |change: fn(&mut Facts)| {
            let mut facts = bare.clone();
            change(&mut facts);
            may_listen(&facts)
        };
        assert!(!changed(|facts| facts.k3s.units.push("k3s".into())));
        assert!(!changed(|facts| facts.systemd = false));
        let stopped: fn(&mut Facts) = |facts| facts.postgres.clusters.push(cluster());
        assert!(!changed(stopped));
        assert!(changed(|facts| {
            facts.postgres.clusters.push(cluster());
            facts.postgres.asked = true;
        }));
    }

    #[test]
    fn a_service_that_was_being_restarted_is_no_firewall() {
        let link = Link {
            from: "agent".into(),
            to: "server".into(),
            at: Endpoint::parse("10.0.0.12", 6443).unwrap(),
        };
        let answers = ["Connection refused", "reached"];
        let remote = Scripted::new("agent").on("ready", Reply::exit(0));
        let remote = answers.into_iter().fold(remote, |remote, answer| {
            let said = format!("reach=\nreach.link=0 {answer}");
            remote.once("LINKS=", Reply::exit(0).out(&said))
        });
        let mut remote = Some(Box::new(remote) as Box<dyn crate::remote::Remote>);
        let connector = Box::new(move |_: &crate::remote::Cancel| Ok(remote.take().unwrap()));
        let mut host = hosts::reach("agent", None, connector, None, &Control::default()).unwrap();
        host.links = vec![(link, Contact::Refused)];
        for expected in [Contact::Refused, Contact::Reached] {
            try_odd_again(&mut host, &|_| true);
            assert_eq!(host.links[0].1, expected);
        }
        // It is not asked again, and would have no answer.
        try_odd_again(&mut host, &|_| true);
        assert_eq!(host.links[0].1, Contact::Reached);
    }

    #[test]
    fn a_refusal_says_something_only_where_somebody_listens() {
        let why = || "no listener".to_owned();
        let refused =
            |listened, opened: Option<&PortsOpened>| judged(Contact::Refused, listened, opened);
        assert_eq!(refused(true, None), Contact::Refused);
        assert_eq!(refused(false, Some(&Ok(()))), Contact::Refused);
        assert_eq!(refused(false, None), Contact::Later);
        assert_eq!(refused(false, Some(&Err(why()))), Contact::Untried(why()));
        for contact in [Contact::Reached, Contact::Silent] {
            assert_eq!(judged(contact.clone(), false, None), contact);
        }
    }
}
