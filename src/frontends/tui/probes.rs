//! The hosts page tries its hosts in the background: which one is due, which is under way, and what
//! came of it.

use crate::answers::{Answers, Bastion, CredentialKind, Host, SshSettings};

use super::effect::{Effect, ProbeOrder};
use super::message::Unreached;

/// For so many milliseconds a host stays as it is before it is tried: while the operator
/// is still typing an address, no other machine is to be connected to.
const STILL: u64 = 1000;
/// So many at once.
const AT_ONCE: usize = 4;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProbeState {
    /// Unchanged for so many milliseconds.
    Waits(u64),
    Trying,
    Is(String),
    Failed(Unreached),
}

#[derive(Debug)]
struct Probe {
    way: ProbeTarget,
    /// Names the attempt: what comes of an earlier one is dropped.
    id: u64,
    state: ProbeState,
}

/// What a connection is made with. A host that is renamed or gets another role is not tried again.
#[derive(Debug, Clone, PartialEq)]
struct ProbeTarget {
    host: Host,
    ssh: SshSettings,
    bastions: Vec<Bastion>,
}

impl ProbeTarget {
    fn of(host: &Host, answers: &Answers) -> Self {
        let mut host = host.clone();
        host.name.clear();
        host.roles = vec![crate::answers::Role::Agent];
        host.node_ip = None;
        host.overrides.clear();
        Self {
            host,
            ssh: answers.ssh.clone(),
            bastions: answers.bastions.clone(),
        }
    }
}

#[derive(Debug, Default)]
pub struct Probes {
    list: Vec<Probe>,
    last: u64,
}

impl Probes {
    /// What came of a host so far.
    pub fn of(&self, host: &Host, answers: &Answers) -> Option<&ProbeState> {
        let way = ProbeTarget::of(host, answers);
        let found = self.list.iter().find(|one| one.way == way);
        found.map(|one| &one.state)
    }

    pub fn failed(&self, host: &Host, answers: &Answers) -> Option<&Unreached> {
        match self.of(host, answers)? {
            ProbeState::Failed(failed) => Some(failed),
            _ => None,
        }
    }

    /// Whether something is under way or will be.
    pub fn moves(&self, answers: &Answers, held: Option<usize>) -> bool {
        let fresh = |host: &&Host| {
            let state = self.of(host, answers);
            matches!(
                state,
                None | Some(ProbeState::Waits(_) | ProbeState::Trying)
            )
        };
        due(answers, held).any(|host| fresh(&host))
    }

    /// Some milliseconds have passed: lets go of what is not wanted any more, and begins what is due.
    /// The host at the place `held` is being edited.
    pub fn tick(&mut self, passed: u64, answers: &Answers, held: Option<usize>) -> Vec<Effect> {
        let mut effects = Vec::new();
        let ways: Vec<ProbeTarget> = answers
            .hosts
            .iter()
            .map(|host| ProbeTarget::of(host, answers))
            .collect();
        self.list.retain(|one| {
            let wanted = ways.contains(&one.way);
            if !wanted && one.state == ProbeState::Trying {
                effects.push(Effect::StopProbe(one.id));
            }
            wanted
        });
        let mut room = AT_ONCE.saturating_sub(self.trying());
        for host in due(answers, held) {
            let way = ProbeTarget::of(host, answers);
            let Some(one) = self.list.iter_mut().find(|one| one.way == way) else {
                self.list.push(Probe {
                    way,
                    id: 0,
                    state: ProbeState::Waits(0),
                });
                continue;
            };
            let ProbeState::Waits(still) = &mut one.state else {
                continue;
            };
            *still = still.saturating_add(passed);
            if *still < STILL || room == 0 {
                continue;
            }
            room -= 1;
            self.last += 1;
            one.id = self.last;
            one.state = ProbeState::Trying;
            effects.push(Effect::Probe(Box::new(ProbeOrder {
                id: one.id,
                host: host.clone(),
                answers: answers.clone(),
            })));
        }
        effects
    }

    fn trying(&self) -> usize {
        let trying = self
            .list
            .iter()
            .filter(|one| one.state == ProbeState::Trying);
        trying.count()
    }

    /// The host is tried at once, whatever came of it before.
    pub fn again(&mut self, host: &Host, answers: &Answers) -> Vec<Effect> {
        let way = ProbeTarget::of(host, answers);
        let mut effects = Vec::new();
        self.list.retain(|one| {
            if one.way == way && one.state == ProbeState::Trying {
                effects.push(Effect::StopProbe(one.id));
            }
            one.way != way
        });
        self.list.push(Probe {
            way,
            id: 0,
            state: ProbeState::Waits(STILL),
        });
        effects
    }

    /// A secret like this one was given for all: hosts that lack it are tried again.
    pub fn again_where_lacking(&mut self, what: &CredentialKind) {
        for one in &mut self.list {
            if let ProbeState::Failed(failed) = &one.state
                && failed.lacks(what)
            {
                one.state = ProbeState::Waits(STILL);
            }
        }
    }

    /// A secret was given for a bastion: the hosts behind it are tried again.
    pub fn again_behind(&mut self, bastion: &str) {
        for one in &mut self.list {
            if let ProbeState::Failed(failed) = &one.state
                && failed.bastion.as_deref() == Some(bastion)
            {
                one.state = ProbeState::Waits(STILL);
            }
        }
    }

    /// The connections' own page does it all again.
    pub fn stop(&mut self) -> Vec<Effect> {
        let trying = self.list.iter_mut();
        trying
            .filter(|one| one.state == ProbeState::Trying)
            .map(|one| {
                one.state = ProbeState::Waits(0);
                Effect::StopProbe(one.id)
            })
            .collect()
    }

    pub fn told(&mut self, id: u64, what: Result<String, Unreached>) {
        let trying = |one: &&mut Probe| one.id == id && one.state == ProbeState::Trying;
        if let Some(one) = self.list.iter_mut().find(trying) {
            one.state = match what {
                Ok(what) => ProbeState::Is(what),
                Err(why) => ProbeState::Failed(why),
            };
        }
    }
}

/// The hosts that are complete, and not being edited.
fn due(answers: &Answers, held: Option<usize>) -> impl Iterator<Item = &Host> {
    let problems = answers.problems();
    answers
        .hosts
        .iter()
        .enumerate()
        .filter(move |(place, _)| {
            let prefix = format!("hosts[{place}].");
            let own = problems.iter().any(|one| one.key.starts_with(&prefix));
            !own && Some(*place) != held
        })
        .map(|(_, host)| host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::Role;

    fn answers(hosts: usize) -> Answers {
        let mut answers = Answers::default();
        for number in 1..=hosts {
            let name = format!("agent-{number}");
            let address = format!("10.0.0.{number}");
            answers.hosts.push(Host::new(name, Role::Agent, address));
        }
        answers
    }

    fn ids(effects: &[Effect]) -> Vec<i64> {
        let id = |effect: &Effect| match effect {
            Effect::Probe(order) => i64::try_from(order.id).unwrap(),
            Effect::StopProbe(id) => -i64::try_from(*id).unwrap(),
            other => panic!("{other:?}"),
        };
        effects.iter().map(id).collect()
    }

    #[test]
    fn a_host_is_tried_once_it_stays_as_it_is_and_a_few_at_once() {
        let mut probes = Probes::default();
        let mut answers = answers(6);
        answers.hosts[5].address.clear();
        assert!(probes.moves(&answers, None));
        assert_eq!(probes.tick(100, &answers, None), []);
        assert_eq!(probes.tick(STILL - 1, &answers, None), []);
        let begun = probes.tick(1, &answers, None);
        assert_eq!(ids(&begun), [1, 2, 3, 4]);
        assert_eq!(probes.tick(1, &answers, None), []);
        probes.told(2, Ok("Debian".into()));
        assert_eq!(ids(&probes.tick(1, &answers, None)), [5]);
        for id in [1, 3, 4, 5] {
            probes.told(id, Ok("Debian".into()));
        }
        assert!(
            !probes.moves(&answers, None),
            "the last one is not complete"
        );
    }

    #[test]
    fn a_host_that_is_changed_is_let_go_and_what_came_of_it_is_dropped() {
        let mut probes = Probes::default();
        let mut answers = answers(2);
        probes.tick(0, &answers, None);
        assert_eq!(ids(&probes.tick(STILL, &answers, None)), [1, 2]);
        // A new name is no new host.
        answers.hosts[1].name = "other".into();
        assert_eq!(probes.tick(100, &answers, None), []);
        answers.hosts[0].address = "10.0.0.9".into();
        assert_eq!(ids(&probes.tick(100, &answers, Some(0))), [-1]);
        probes.told(1, Ok("Debian".into()));
        assert_eq!(probes.of(&answers.hosts[0], &answers), None);
        // Not while it is being edited.
        assert_eq!(probes.tick(9 * STILL, &answers, Some(0)), []);
        probes.tick(0, &answers, None);
        assert_eq!(ids(&probes.tick(STILL, &answers, None)), [3]);
        probes.told(2, Ok("Debian".into()));
        let is = ProbeState::Is("Debian".into());
        assert_eq!(probes.of(&answers.hosts[1], &answers), Some(&is));
    }

    #[test]
    fn what_has_failed_is_tried_again_when_the_operator_asks_for_it() {
        let mut probes = Probes::default();
        let answers = answers(1);
        probes.tick(0, &answers, None);
        probes.tick(STILL, &answers, None);
        let why = Unreached {
            host: "agent-1".into(),
            why: "off".into(),
            host_key: None,
            wants: Vec::new(),
            bastion: None,
        };
        probes.told(1, Err(why));
        assert_eq!(probes.tick(9 * STILL, &answers, None), []);
        assert_eq!(probes.again(&answers.hosts[0], &answers), []);
        assert_eq!(ids(&probes.tick(0, &answers, None)), [2]);
        assert_eq!(ids(&probes.again(&answers.hosts[0], &answers)), [-2]);
        assert_eq!(ids(&probes.tick(0, &answers, None)), [3]);
        assert_eq!(ids(&probes.stop()), [-3]);
    }
}
