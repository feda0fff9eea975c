//! Where to begin.

mod text;
mod view;

use ratatui::Frame;

use super::Screen;
use crate::frontends::tui::action::Action;
use crate::frontends::tui::common::Common;
use crate::frontends::tui::effect::Effect;
use crate::frontends::tui::keys::{self, ENTER, NEXT, SCROLL, Scope, char, shown};
use crate::frontends::tui::page::{self, Page};
use crate::interview::offers::{Found, Offer};

const WELCOME: Scope = Scope::new(
    "welcome",
    &[shown(ENTER, Action::Continue, text::key::CHOOSE)],
);

/// The chosen cluster is installed, and its last run was not finished: Enter resumes that.
const LOOK: Scope = Scope::new(
    "look",
    &[shown(char('l'), Action::ShowCluster, text::key::LOOK)],
);

/// The chosen cluster is installed: Enter looks at it.
const AGAIN: Scope = Scope::new(
    "another run",
    &[shown(char('r'), Action::RunAgain, text::key::RUN_AGAIN)],
);

/// What Enter does with an offer. Looking at a cluster changes nothing, so it comes before another
/// run, but after one that was not finished.
enum WelcomeChoice {
    Begin(Offer),
    /// Look at a cluster that was installed: its place among those that were found.
    Watch(usize),
}

/// What Enter does, and what another key does.
fn choice(found: &Found, offer: Offer) -> (WelcomeChoice, Option<WelcomeChoice>) {
    let Offer::Cluster(place) = offer else {
        return (WelcomeChoice::Begin(offer), None);
    };
    let (begin, watch) = (WelcomeChoice::Begin(offer), WelcomeChoice::Watch(place));
    let cluster = &found.clusters[place];
    match (cluster.is_installed, cluster.unfinished) {
        (false, _) => (begin, None),
        (true, true) => (begin, Some(watch)),
        (true, false) => (watch, Some(begin)),
    }
}

#[derive(Debug, Default)]
pub struct WelcomePage {
    /// Which of the offers.
    chosen: usize,
    /// There is a draft, and only one is kept: the operator is asked first.
    asks_to_start_anew: bool,
}

impl Screen for WelcomePage {
    fn entered(&mut self, _: &mut Common, _: Page, _: Page) {
        *self = Self::default();
    }

    fn scopes(&self, common: &Common) -> Vec<Scope> {
        if self.asks_to_start_anew {
            return vec![keys::ASK];
        }
        let other = self.chosen(common).and_then(|(_, other)| other);
        let other = other.map(|other| match other {
            WelcomeChoice::Watch(_) => LOOK,
            WelcomeChoice::Begin(_) => AGAIN,
        });
        let all = [Some(WELCOME), other, Some(NEXT), Some(SCROLL)];
        all.into_iter().flatten().collect()
    }

    fn act(&mut self, common: &mut Common, action: Action) -> Vec<Effect> {
        let chosen = self.chosen(common);
        let Some(wizard) = common.mode.wizard_mut() else {
            return Vec::new();
        };
        if std::mem::take(&mut self.asks_to_start_anew) {
            if action != Action::Confirm {
                return Vec::new();
            }
            wizard.begin(&Offer::New);
            wizard.reached = 0;
            return vec![Effect::Go(page::ORDER[0])];
        }
        let choice = chosen.and_then(|(enter, other)| match action {
            Action::Continue | Action::Forward => Some(enter),
            Action::ShowCluster | Action::RunAgain => other,
            _ => None,
        });
        let offer = match choice {
            Some(WelcomeChoice::Begin(offer)) => offer,
            Some(WelcomeChoice::Watch(place)) => {
                let name = wizard.interview.found.clusters[place].name.clone();
                common.watched = Some(name.clone());
                return vec![Effect::Go(Page::Cluster), Effect::Watch(name)];
            }
            None => return Vec::new(),
        };
        let page = match offer {
            Offer::New if wizard.interview.found.draft.is_some() => {
                self.asks_to_start_anew = true;
                return Vec::new();
            }
            Offer::New => {
                wizard.reached = 0;
                page::ORDER[0]
            }
            Offer::Open => Page::Open,
            Offer::Cluster(_) => Page::Review,
            Offer::Draft => Page::Hosts,
        };
        wizard.begin(&offer);
        vec![Effect::Go(page)]
    }

    fn scroll(&mut self, common: &mut Common, by: isize) {
        if let Some(wizard) = common.mode.wizard() {
            let last = wizard.interview.found.offers().len().saturating_sub(1);
            self.chosen = self.chosen.saturating_add_signed(by).min(last);
        }
    }

    fn draw(&self, common: &Common, frame: &mut Frame<'_>) {
        view::draw(self, common, frame);
    }

    fn question(&self, _: &Common) -> Option<String> {
        self.asks_to_start_anew.then(|| text::START_ANEW.to_owned())
    }
}

impl WelcomePage {
    /// What the keys do with the chosen offer.
    fn chosen(&self, common: &Common) -> Option<(WelcomeChoice, Option<WelcomeChoice>)> {
        let found = &common.mode.wizard()?.interview.found;
        let offer = found.offers().into_iter().nth(self.chosen)?;
        Some(choice(found, offer))
    }
}
