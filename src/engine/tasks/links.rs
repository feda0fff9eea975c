//! The links of a host to others, tried from it.

use std::time::Duration;

use super::{Site, Trouble};
use crate::engine::hosts::output;
use crate::events::Outcome;
use crate::platform::network::{Contact, PATIENCE, parse_contacts, reach_script};
use crate::topology::Link;

/// All are tried at once.
const LOOK: Duration = Duration::from_secs(30);

/// Every link works; one that could not be tried is no proof, and no failure either.
pub(super) fn prove(site: &mut Site<'_, '_>, links: &[Link]) -> Result<Outcome, Trouble> {
    let (_, said, _) = output(site.remote, &reach_script(links), LOOK)?;
    let (mut broken, mut untried) = (Vec::new(), None);
    for (link, contact) in links.iter().zip(parse_contacts(&said, links)) {
        let there = format!("{} port {}", link.to, link.at.port);
        let got = match contact {
            Contact::Reached => "answers".to_owned(),
            Contact::Untried(why) => {
                untried = Some(why);
                continue;
            }
            Contact::Refused | Contact::Later => "refused".to_owned(),
            Contact::Silent => format!("no answer within {PATIENCE} s"),
            Contact::NoWay(why) => why,
        };
        let holds = got == "answers";
        if !holds {
            broken.push(format!("{} does not reach {there}: {got}", link.from));
        }
        site.proved(&there, "answers", got, holds)?;
    }
    match (broken.first(), untried) {
        (Some(first), _) => Err(Trouble::because(format!(
            "{first}. A firewall that the wizard does not manage may be in between"
        ))
        .with_lines(broken)),
        (None, Some(why)) => Ok(Outcome::Warned {
            why: format!("not tested: {why}"),
        }),
        (None, None) => Ok(Outcome::Unchanged),
    }
}
