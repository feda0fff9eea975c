//! The order of the pages before a run: hosts, a screen of options for each phase, the review, the
//! connections, the plan.

use super::model::Page;
use crate::interview::section::Section;

pub const ORDER: [Page; 10] = [
    Page::Hosts,
    Page::Options(Section::Cluster),
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

/// Where a page stands in the order; nothing for pages that are no part of it.
pub fn place(page: Page) -> Option<usize> {
    let page = match page {
        Page::Host => Page::Hosts,
        Page::Checks => Page::Connect,
        page => page,
    };
    ORDER.iter().position(|other| *other == page)
}

pub fn after(page: Page) -> Page {
    let next = place(page).and_then(|place| ORDER.get(place + 1));
    next.copied().unwrap_or(page)
}

pub fn before(page: Page) -> Page {
    let place = place(page).and_then(|place| place.checked_sub(1));
    place.map_or(Page::Welcome, |place| ORDER[place])
}

/// The page on which a key of the answers is set.
pub fn page_of(key: &str) -> Page {
    Section::of_key(key).map_or(Page::Hosts, Page::Options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_lead_to_each_other() {
        for pair in ORDER.windows(2) {
            assert_eq!(after(pair[0]), pair[1]);
            assert_eq!(before(pair[1]), pair[0]);
        }
        assert_eq!(before(Page::Hosts), Page::Welcome);
        assert_eq!(after(Page::Host), Page::Options(Section::Cluster));
        let options = Section::ALL.map(Page::Options);
        assert_eq!(ORDER[1..GROUPS], options);
    }
}
