//! What can be drilled in a cluster: the operator chooses, and confirms.

mod text;
mod view;

use std::collections::BTreeSet;

use crossterm::event::KeyCode;
use ratatui::Frame;

use super::Screen;
use crate::events::Abort;
use crate::frontends::tui::action::Action;
use crate::frontends::tui::common::Common;
use crate::frontends::tui::effect::{DrillOrder, Effect};
use crate::frontends::tui::keys::{ENTER, ESC, SCROLL, Scope, char, shown};
use crate::frontends::tui::page::Page;
use crate::procedures::drill::DrillOffer;
use text as say;

#[derive(Debug, Default)]
pub struct DrillsPage {
    cluster: String,
    /// Or why it is not known what can be drilled; `None` before that is found out.
    offers: Option<Result<Vec<DrillOffer>, String>>,
    /// The row with the focus.
    row: usize,
    /// The names of the chosen drills.
    chosen: BTreeSet<String>,
    state: ChoiceState,
    /// Why no drill was started.
    refused: Option<String>,
    /// The cluster was let go of for drills: going back looks at it anew.
    let_go: bool,
}

#[derive(Debug, Default)]
enum ChoiceState {
    #[default]
    Choosing,
    /// The operator types the cluster's name.
    Confirming(String),
    /// The hosts are being connected.
    Starting,
}

const CHOOSE: Scope = Scope::new(
    "choose drills",
    &[
        shown(char(' '), Action::Toggle, say::key::CHOOSE),
        shown(char('a'), Action::ToggleAll, say::key::ALL),
        shown(ENTER, Action::Continue, say::key::START),
        shown(ESC, Action::Back, say::key::BACK),
    ],
);

const CONFIRM: Scope = Scope::new(
    "confirm drills",
    &[
        shown(ENTER, Action::Confirm, say::key::START),
        shown(ESC, Action::Close, say::key::CANCEL),
    ],
);

const STARTING: Scope = Scope::new(
    "drills start",
    &[shown(ESC, Action::Close, say::key::CANCEL)],
);

impl Screen for DrillsPage {
    fn entered(&mut self, common: &mut Common, _: Page, _: Page) {
        let run = common.run.progress.run.as_ref();
        let cluster = common.watched.clone();
        let cluster = cluster.or(run.map(|run| run.cluster.clone()));
        *self = Self {
            cluster: cluster.unwrap_or_default(),
            ..Self::default()
        };
    }

    fn scopes(&self, _: &Common) -> Vec<Scope> {
        match self.state {
            ChoiceState::Choosing => vec![CHOOSE, SCROLL],
            ChoiceState::Confirming(_) => vec![CONFIRM],
            ChoiceState::Starting => vec![STARTING, SCROLL],
        }
    }

    fn act(&mut self, common: &mut Common, action: Action) -> Vec<Effect> {
        match action {
            Action::Toggle => self.toggle(common),
            Action::ToggleAll => self.toggle_all(),
            Action::Continue if self.chosen.is_empty() => common.say(say::NOTHING_CHOSEN),
            Action::Continue => self.state = ChoiceState::Confirming(String::new()),
            Action::Confirm => return self.confirm(common),
            Action::Close if matches!(self.state, ChoiceState::Starting) => {
                return vec![Effect::Abort(Abort::Hard)];
            }
            Action::Close => self.state = ChoiceState::Choosing,
            Action::Back => {
                let again = self.let_go.then(|| Effect::Watch(self.cluster.clone()));
                let back = [Effect::Go(Page::Cluster)].into_iter();
                return back.chain(again).collect();
            }
            _ => {}
        }
        Vec::new()
    }

    fn scroll(&mut self, _: &mut Common, by: isize) {
        let last = self.rows().len().saturating_sub(1);
        self.row = self.row.saturating_add_signed(by).min(last);
    }

    fn draw(&self, common: &Common, frame: &mut Frame<'_>) {
        view::draw(self, common, frame);
    }

    fn height(&self, common: &Common) -> usize {
        view::room(self, common)
    }

    fn types(&self) -> bool {
        matches!(self.state, ChoiceState::Confirming(_))
    }

    fn typed(&mut self, _: &mut Common, code: KeyCode) -> Vec<Effect> {
        if let ChoiceState::Confirming(name) = &mut self.state {
            match code {
                KeyCode::Char(letter) => name.push(letter),
                KeyCode::Backspace => drop(name.pop()),
                _ => {}
            }
        }
        Vec::new()
    }

    fn pasted(&mut self, _: &mut Common, pasted: &str) -> Vec<Effect> {
        if let ChoiceState::Confirming(name) = &mut self.state {
            let first = pasted.lines().next().unwrap_or_default();
            name.extend(first.chars().filter(|letter| !letter.is_control()));
        }
        Vec::new()
    }
}

impl DrillsPage {
    pub fn offered(&mut self, offers: Result<Vec<DrillOffer>, String>) {
        self.offers = Some(offers);
        self.row = 0;
    }

    pub fn not_started(&mut self, why: String) {
        self.state = ChoiceState::Choosing;
        self.refused = Some(why);
    }

    fn rows(&self) -> &[DrillOffer] {
        match &self.offers {
            Some(Ok(offers)) => offers,
            _ => &[],
        }
    }

    fn toggle(&mut self, common: &mut Common) {
        let Some(offer) = self.rows().get(self.row).cloned() else {
            return;
        };
        if let Some(why) = offer.refused {
            common.say(why.to_string());
        } else if !self.chosen.remove(&offer.name) {
            self.chosen.insert(offer.name);
        }
    }

    /// All of them, or none where all are chosen.
    fn toggle_all(&mut self) {
        let possible = self.rows().iter().filter(|offer| offer.refused.is_none());
        let possible: BTreeSet<_> = possible.map(|offer| offer.name.clone()).collect();
        self.chosen = if possible == self.chosen {
            BTreeSet::new()
        } else {
            possible
        };
    }

    fn confirm(&mut self, common: &mut Common) -> Vec<Effect> {
        let ChoiceState::Confirming(name) = &mut self.state else {
            return Vec::new();
        };
        if name.trim() != self.cluster {
            name.clear();
            common.say(say::not_the_name(&self.cluster));
            return Vec::new();
        }
        self.state = ChoiceState::Starting;
        self.refused = None;
        self.let_go = true;
        vec![Effect::Drill(DrillOrder {
            cluster: self.cluster.clone(),
            names: self.chosen.iter().cloned().collect(),
        })]
    }
}
