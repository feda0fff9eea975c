//! The questions before a run, and the answers that result. The screens and the plain frontend both
//! use it; it knows no terminal.
//!
//! * [`offers`]: where to start; [`planned`]: what a run will do
//! * [`section`]: the parts of the options; [`form`]: questions; [`binding`]: converts between
//!   forms and answers; `invalid_input`: typed texts that cannot be parsed
//! * [`drafts`]: saves typed answers; [`save`]: writes an answers file
//! * [`text`]: the texts of both frontends

pub mod binding;
pub mod drafts;
pub mod form;
mod invalid_input;
pub mod offers;
pub mod planned;
pub mod save;
pub mod section;
#[cfg(test)]
pub mod shared;
pub mod text;

use std::net::Ipv4Addr;

use crate::answers::{Answers, Host, Problem, Role};
use binding::ParseError;
use form::{Field, Form};
use invalid_input::InvalidInput;
use offers::{Found, Offer};
use section::Section;

/// The answers while the operator enters them.
#[derive(Debug)]
pub struct Interview {
    pub answers: Answers,
    pub found: Found,
    invalid: InvalidInput,
}

/// What was typed until some moment.
#[derive(Debug, Clone)]
pub struct Typed {
    answers: Answers,
    invalid: InvalidInput,
}

impl Interview {
    pub fn typed(&self) -> Typed {
        Typed {
            answers: self.answers.clone(),
            invalid: self.invalid.clone(),
        }
    }

    /// What was typed since then is discarded.
    pub fn return_to(&mut self, typed: Typed) {
        let Typed { answers, invalid } = typed;
        self.answers = answers;
        self.invalid = invalid;
    }

    pub fn new(found: Found) -> Self {
        Self {
            answers: Answers::default(),
            found,
            invalid: InvalidInput::default(),
        }
    }

    /// Starts from an offer. A file must be opened first.
    pub fn begin(&mut self, offer: &Offer) {
        let answers = match offer {
            Offer::Cluster(place) => self.found.clusters[*place].answers.clone(),
            Offer::Draft => self.found.draft.clone().unwrap_or_default(),
            Offer::New => {
                self.found.draft = None;
                Answers::default()
            }
            Offer::Open => return,
        };
        self.replace(answers);
    }

    /// Replaces everything typed by other answers.
    pub fn replace(&mut self, answers: Answers) {
        self.answers = answers;
        self.invalid = InvalidInput::default();
    }

    /// The problems of these answers, and the typed texts that cannot be parsed.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = self.invalid.problems();
        problems.extend(self.answers.problems());
        problems
    }

    /// A problem for people. A host is named as the operator named it, or by its place in the list.
    pub fn told(&self, problem: &Problem) -> String {
        let of_host = || {
            let (place, field) = problem.key.strip_prefix("hosts[")?.split_once("].")?;
            let place: usize = place.parse().ok()?;
            let host = self.answers.hosts.get(place)?;
            Some(text::of_host(&host.name, place, field, &problem.message))
        };
        match of_host() {
            Some(told) => told,
            None if problem.key == "hosts" => problem.message.clone(),
            None => problem.to_string(),
        }
    }

    /// The problems of the host at this index.
    pub fn host_problems(&self, place: usize) -> Vec<Problem> {
        let prefix = key_of(Some(place), "");
        let mut problems = self.problems();
        problems.retain(|problem| problem.key.starts_with(&prefix));
        problems
    }

    /// The form for a part of the options.
    pub fn section_form(&self, section: Section) -> Form {
        let name = &self.answers.cluster.name;
        let mut clusters = self.found.clusters.iter();
        let is_known = clusters.any(|cluster| cluster.name == *name);
        let mut form = binding::of_section(section, &self.answers, is_known);
        self.invalid.put_back(None, &mut form);
        form
    }

    /// The form for the host at this index, or for a new one after the last.
    pub fn host_form(&self, place: usize) -> Form {
        let mut form = binding::of_host(&self.host(place));
        binding::show_defaults(&mut form, &self.answers.ssh);
        self.invalid.put_back(Some(place), &mut form);
        form
    }

    /// The beginning of the address of a further host: the network of the last one, where that is
    /// known.
    pub fn network(&self) -> &str {
        let last = self.answers.hosts.last();
        let last = last.filter(|host| host.address.parse::<Ipv4Addr>().is_ok());
        let dot = last.and_then(|host| Some((host, host.address.rfind('.')?)));
        dot.map_or("", |(host, dot)| &host.address[..=dot])
    }

    /// Puts a form of options into the answers; returns what cannot be parsed.
    pub fn take_section(&mut self, section: Section, form: &mut Form) -> Vec<ParseError> {
        let errors = binding::to_section(section, form, &mut self.answers);
        binding::refresh(section, form, &self.answers);
        self.invalid.replace(None, form, &errors);
        errors
    }

    /// The same for the host at this index. A new host is added as soon as it has a name or an
    /// address.
    pub fn take_host(&mut self, place: usize, form: &Form) -> Vec<ParseError> {
        let (host, errors) = binding::to_host(form, &self.host(place));
        let hosts = &mut self.answers.hosts;
        if let Some(there) = hosts.get_mut(place) {
            *there = host;
        } else if !host.name.is_empty() || !host.address.is_empty() {
            hosts.push(host);
        }
        let there_is = place < hosts.len();
        let kept: &[_] = if there_is { &errors } else { &[] };
        self.invalid.replace(Some(place), form, kept);
        errors
    }

    pub fn remove_host(&mut self, place: usize) {
        self.answers.hosts.remove(place);
        self.invalid.remove_host(place);
    }

    pub fn swap_hosts(&mut self, one: usize, other: usize) {
        self.answers.hosts.swap(one, other);
        self.invalid.swap_hosts(one, other);
    }

    fn host(&self, place: usize) -> Host {
        let there = self.answers.hosts.get(place).cloned();
        there.unwrap_or_else(|| Host {
            roles: self.next_roles(),
            ..Host::new("", Role::Agent, "")
        })
    }

    /// The roles that are likely to be added next.
    fn next_roles(&self) -> Vec<Role> {
        let has = |role| self.answers.with_role(role).count();
        let needs_balancer =
            self.answers.load_balancer.endpoint.is_none() && has(Role::LoadBalancer) == 0;
        let needs_monitor = self.answers.is_pair() && has(Role::Monitor) == 0;
        // Who enters other hosts first may have an external Postgres.
        if self.answers.hosts.is_empty() {
            vec![Role::Postgres]
        } else if has(Role::Server) < 2 {
            vec![Role::Server]
        } else if needs_balancer && needs_monitor {
            vec![Role::LoadBalancer, Role::Monitor]
        } else if needs_balancer {
            vec![Role::LoadBalancer]
        } else if needs_monitor {
            vec![Role::Monitor]
        } else {
            vec![Role::Agent]
        }
    }
}

/// The key of a field in problems, of this host or of the options.
pub fn key_of(host: Option<usize>, key: &str) -> String {
    match host {
        Some(place) => format!("hosts[{place}].{key}"),
        None => key.to_owned(),
    }
}

/// What follows in a problem's key, if the problem is of the field with this key. The roles of a host
/// are one field, whatever the answers call them.
pub fn part_of<'a>(problem: &'a Problem, key: &str) -> Option<&'a str> {
    let rest = problem.key.strip_prefix(key)?;
    let is_role = key.strip_suffix("role").is_some();
    let of_several = rest.strip_prefix('s').filter(|_| is_role);
    of_several.or(Some(rest))
}

/// The problem of a field with this key. A problem of a part of it names the part.
pub fn problem_of(field: &Field, key: &str, found: &[Problem]) -> Option<String> {
    found.iter().find_map(|problem| {
        let rest = part_of(problem, key)?;
        if rest.is_empty() {
            return Some(problem.message.clone());
        }
        if let Some(setting) = rest.strip_prefix('.') {
            return Some(text::field::of_part(setting, &problem.message));
        }
        let place: usize = rest.strip_prefix('[')?.strip_suffix(']')?.parse().ok()?;
        let words = field.value().split([' ', ',']);
        let word = words.filter(|word| !word.is_empty()).nth(place);
        Some(text::field::of_part(
            word.unwrap_or_default(),
            &problem.message,
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(form: &mut Form, key: &str, text: &str) {
        let mut fields = form.fields.iter_mut();
        let field = fields.find(|field| field.key == key).expect("a field");
        field.set(text);
    }

    /// An interview with two hosts; the port of the first is no port.
    fn with_a_wrong_port() -> Interview {
        let mut interview = Interview::new(Found::default());
        for (place, name) in ["one", "two"].into_iter().enumerate() {
            let mut form = interview.host_form(place);
            typed(&mut form, "name", name);
            assert_eq!(interview.take_host(place, &form), []);
        }
        let mut form = interview.host_form(0);
        typed(&mut form, "port", "99999");
        assert_eq!(interview.take_host(0, &form).len(), 1);
        interview
    }

    fn wrong_ports(interview: &Interview) -> Vec<String> {
        let keys = interview.problems().into_iter().map(|problem| problem.key);
        keys.filter(|key| key.contains("].port")).collect()
    }

    #[test]
    fn what_cannot_be_understood_waits_in_its_field_and_moves_with_its_host() {
        let mut interview = with_a_wrong_port();
        assert_eq!(interview.answers.hosts[0].port, None);
        assert_eq!(wrong_ports(&interview), ["hosts[0].port"]);
        interview.swap_hosts(0, 1);
        assert_eq!(wrong_ports(&interview), ["hosts[1].port"]);
        assert_eq!(interview.host_form(1).value("port"), "99999");
        interview.remove_host(0);
        assert_eq!(wrong_ports(&interview), ["hosts[0].port"]);
        interview.remove_host(0);
        assert_eq!(wrong_ports(&interview), [""; 0]);
    }

    #[test]
    fn other_answers_leave_nothing_of_what_was_typed_before() {
        for offer in [Offer::Draft, Offer::New] {
            let mut interview = with_a_wrong_port();
            interview.begin(&offer);
            assert_eq!(interview.answers, Answers::default());
            assert_eq!(wrong_ports(&interview), [""; 0]);
        }
    }

    #[test]
    fn a_new_host_is_added_once_it_says_something_and_stays_where_it_is() {
        let mut interview = Interview::new(Found::default());
        let mut form = interview.host_form(0);
        interview.take_host(0, &form);
        assert_eq!(interview.answers.hosts, []);
        typed(&mut form, "address", "10.0.0.5");
        interview.take_host(0, &form);
        typed(&mut form, "name", "db");
        interview.take_host(0, &form);
        let expected = Host::new("db", Role::Postgres, "10.0.0.5");
        assert_eq!(interview.answers.hosts, [expected]);
        assert_eq!(interview.host_form(1).value("role"), "server");
    }

    #[test]
    fn a_second_postgres_host_asks_for_a_monitor() {
        let mut interview = Interview::new(Found::default());
        for (place, role) in [Role::Postgres, Role::Postgres, Role::Server, Role::Server]
            .into_iter()
            .enumerate()
        {
            let name = format!("h{place}");
            interview.answers.hosts.push(Host::new(name, role, "h"));
        }
        let proposed = |interview: &Interview| {
            let form = interview.host_form(interview.answers.hosts.len());
            form.value("role").to_owned()
        };
        assert_eq!(proposed(&interview), "load-balancer+monitor");
        interview.answers.load_balancer.endpoint = Some("lb.example".into());
        assert_eq!(proposed(&interview), "monitor");
        interview.answers.load_balancer.endpoint = None;
        let balancer = Host::new("lb", Role::LoadBalancer, "lb");
        interview.answers.hosts.push(balancer);
        assert_eq!(proposed(&interview), "monitor");
        // A choice is taken whole, and what was written in another order stays as it is.
        let mut form = interview.host_form(4);
        typed(&mut form, "role", "load-balancer+monitor");
        interview.take_host(4, &form);
        let both = [Role::LoadBalancer, Role::Monitor];
        assert_eq!(interview.answers.hosts[4].roles, both);
        interview.answers.hosts[4].roles.reverse();
        let form = interview.host_form(4);
        assert_eq!(form.value("role"), "load-balancer+monitor");
        interview.take_host(4, &form);
        assert_eq!(interview.answers.hosts[4].roles, [both[1], both[0]]);
        assert_eq!(proposed(&interview), "agent");
        // The problem of several roles shows at the field, too.
        interview.answers.hosts[3].roles.push(Role::Agent);
        let form = interview.host_form(3);
        let field = form.fields.iter().find(|field| field.key == "role");
        let problems = interview.problems();
        let found = problem_of(field.unwrap(), "hosts[3].role", &problems);
        assert!(found.is_some_and(|said| said.starts_with("roles other than")));
    }
}
