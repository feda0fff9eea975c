//! The names of the pages, and the order of those before a run: the cluster with the SSH defaults of
//! its hosts, the hosts, a page of options for each phase, the review, the connections, the plan.

use super::text;
use crate::interview::section::Section;
use crate::interview::text::section;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    Welcome,
    Hosts,
    /// The form of a host.
    Host,
    /// Where an answers file is named: a line of text.
    Open,
    /// A form of options.
    Options(Section),
    Review,
    Connect,
    Preflight,
    Plan,
    /// The phase that waits for the operator.
    Phase,
    Run,
    Proofs,
    Failure,
    Cluster,
    /// What can be drilled.
    Drills,
    /// The drill that runs.
    Drill,
}

pub const ORDER: [Page; 10] = [
    Page::Options(Section::Cluster),
    Page::Hosts,
    Page::Options(Section::Postgres),
    Page::Options(Section::Certificates),
    Page::Options(Section::Servers),
    Page::Options(Section::LoadBalancer),
    Page::Options(Section::Agents),
    Page::Review,
    Page::Connect,
    Page::Plan,
];

/// How many of them are about the answers: the review shows these, and leads back to each.
pub const GROUPS: usize = 7;

impl Page {
    /// The page on which a key of the answers is set.
    pub fn of_key(key: &str) -> Self {
        Section::of_key(key).map_or(Self::Hosts, Self::Options)
    }

    /// Where it stands in the order; `None` for pages that are no part of it.
    pub fn place(self) -> Option<usize> {
        let page = match self {
            Self::Host => Self::Hosts,
            Self::Preflight => Self::Connect,
            page => page,
        };
        ORDER.iter().position(|other| *other == page)
    }

    pub fn after(self) -> Self {
        let next = self.place().and_then(|place| ORDER.get(place + 1));
        next.copied().unwrap_or(self)
    }

    pub fn before(self) -> Self {
        let place = self.place().and_then(|place| place.checked_sub(1));
        place.map_or(Self::Welcome, |place| ORDER[place])
    }

    pub fn is_of_a_run(self) -> bool {
        matches!(
            self,
            Self::Phase
                | Self::Run
                | Self::Proofs
                | Self::Failure
                | Self::Cluster
                | Self::Drills
                | Self::Drill
        )
    }

    /// What it is called before a run; during one, the phase is told instead.
    pub fn title(self) -> &'static str {
        match self {
            Self::Welcome => text::WELCOME,
            Self::Hosts => text::HOSTS,
            Self::Host => text::HOST,
            Self::Open => text::OPEN,
            Self::Options(section) => section::title(section),
            Self::Review => text::REVIEW,
            Self::Connect => text::CONNECT,
            Self::Preflight => text::CHECKS,
            Self::Plan => text::PLAN,
            Self::Drills => text::DRILLS,
            Self::Phase
            | Self::Run
            | Self::Proofs
            | Self::Failure
            | Self::Cluster
            | Self::Drill => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_lead_to_each_other() {
        for pair in ORDER.windows(2) {
            assert_eq!(pair[0].after(), pair[1]);
            assert_eq!(pair[1].before(), pair[0]);
        }
        assert_eq!(ORDER[0].before(), Page::Welcome);
        assert_eq!(Page::Host.after(), Page::Options(Section::Postgres));
        // The logins that hosts share are asked for before the hosts.
        let [cluster, rest @ ..] = Section::ALL.map(Page::Options);
        assert_eq!(ORDER[..2], [cluster, Page::Hosts]);
        assert_eq!(ORDER[2..GROUPS], rest);
    }
}
