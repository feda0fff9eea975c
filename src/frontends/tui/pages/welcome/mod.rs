//! Where to begin.

mod text;
mod view;

use ratatui::Frame;

use super::Screen;
use crate::frontends::tui::action::Action;
use crate::frontends::tui::common::Common;
use crate::frontends::tui::effect::Effect;
use crate::frontends::tui::keys::{self, ENTER, NEXT, SCROLL, Scope, shown};
use crate::frontends::tui::page::{self, Page};
use crate::interview::offers::{Found, Offer};

const WELCOME: Scope = Scope::new(
    "welcome",
    &[shown(ENTER, Action::Continue, text::key::CHOOSE)],
);

/// What the operator can choose here.
enum WelcomeChoice {
    Begin(Offer),
    /// Look at a cluster that was installed: its place among those that were found.
    Watch(usize),
}

/// In the order of the offers; looking at a cluster changes nothing, so it comes before another run,
/// but after one that was not finished.
fn choices(found: &Found) -> Vec<WelcomeChoice> {
    let mut choices = Vec::new();
    for offer in found.offers() {
        let cluster = match offer {
            Offer::Cluster(place) => Some((place, &found.clusters[place])),
            _ => None,
        };
        let watched = cluster.filter(|(_, cluster)| cluster.is_installed);
        let is_first = watched.is_some_and(|(_, cluster)| !cluster.unfinished);
        let begin = WelcomeChoice::Begin(offer);
        match watched.map(|(place, _)| WelcomeChoice::Watch(place)) {
            Some(watch) if is_first => choices.extend([watch, begin]),
            Some(watch) => choices.extend([begin, watch]),
            None => choices.push(begin),
        }
    }
    choices
}

#[derive(Debug, Default)]
pub struct WelcomePage {
    /// Which of the choices.
    chosen: usize,
    /// There is a draft, and only one is kept: the operator is asked first.
    asks_to_start_anew: bool,
}

impl Screen for WelcomePage {
    fn entered(&mut self, _: &mut Common, _: Page, _: Page) {
        *self = Self::default();
    }

    fn scopes(&self, _: &Common) -> Vec<Scope> {
        if self.asks_to_start_anew {
            return vec![keys::ASK];
        }
        vec![WELCOME, NEXT, SCROLL]
    }

    fn act(&mut self, common: &mut Common, action: Action) -> Vec<Effect> {
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
        let goes_on = matches!(action, Action::Continue | Action::Forward);
        let choices = choices(&wizard.interview.found);
        let offer = match choices.get(self.chosen).filter(|_| goes_on) {
            Some(WelcomeChoice::Begin(offer)) => offer,
            Some(WelcomeChoice::Watch(place)) => {
                let name = wizard.interview.found.clusters[*place].name.clone();
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
        wizard.begin(offer);
        vec![Effect::Go(page)]
    }

    fn scroll(&mut self, common: &mut Common, by: isize) {
        if let Some(wizard) = common.mode.wizard() {
            let last = choices(&wizard.interview.found).len().saturating_sub(1);
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
