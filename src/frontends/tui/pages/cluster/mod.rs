//! The cluster after its run, as long as the operator looks at it.

mod details;
mod drawing;
mod logins;
mod text;
mod view;

use crossterm::event::KeyCode;
use ratatui::Frame;
use ratatui::layout::Position;
use ratatui::text::Line;
use time::OffsetDateTime;

use super::Screen;
use crate::cluster::datastore::Datastore;
use crate::cluster::details::ObjectName;
use crate::cluster::{Cluster, Node, Pod};
use crate::engine::look::{Balancer, VirtualAddress};
use crate::engine::watch::{News, Watched};
use crate::events::{Abort, End};
use crate::frontends::tui::action::Action;
use crate::frontends::tui::common::Common;
use crate::frontends::tui::credential_prompt::{self, Prompt};
use crate::frontends::tui::effect::Effect;
use crate::frontends::tui::keys::{
    ENTER, ESC, LEFT, RIGHT, SCROLL, Scope, alias, char, helped, shown,
};
use crate::frontends::tui::live::LiveUpdate;
use crate::frontends::tui::page::Page;
use crate::frontends::tui::run_pages;
use crate::pki::Certificate;
use crate::topology::Topology;
use details::{DetailsAnswer, OpenDetails};
use logins::LackingLogins;

/// What was seen since the run ended; empty in a replay.
#[derive(Debug, Default)]
pub struct ClusterPage {
    pub cluster: Watched<Cluster>,
    datastore: Watched<Datastore>,
    balancer: Option<Balancer>,
    holder: Option<VirtualAddress>,
    /// Load balancers that do not answer.
    lost_balancers: Vec<String>,
    topology: Option<Topology>,
    certificates: Vec<Certificate>,
    scroll: usize,
    /// How many columns of the tables are passed over.
    passed: usize,
    /// The time of the last look: ages are told as of then.
    now: Option<OffsetDateTime>,
    /// The node or pod that Enter is for.
    chosen: Option<ObjectName>,
    /// Its details lie over the page.
    open: Option<OpenDetails>,
    logins: LackingLogins,
}

/// Nodes and pods, while servers can be asked about them.
const OBJECTS: Scope = Scope::new(
    "objects",
    &[
        shown(ENTER, Action::ShowDetails, text::key::DETAILS),
        shown(char('y'), Action::Copy, text::key::COPY),
    ],
);

/// The cluster is live, and may be changed.
const DRILLS: Scope = Scope::new(
    "drillable",
    &[shown(char('d'), Action::ShowDrills, text::key::DRILLS)],
);

/// Tables may be wider than the screen.
const TABLES: Scope = Scope::new(
    "tables",
    &[
        helped(LEFT, Action::Left, text::key::LEFT),
        helped(RIGHT, Action::Right, text::key::RIGHT),
    ],
);

/// The page was opened from the welcome page.
const WATCHED: Scope = Scope::new("watched", &[shown(ESC, Action::Back, text::key::BACK)]);

const DETAILS: Scope = Scope::new(
    "details",
    &[
        shown(ESC, Action::Close, text::key::CLOSE),
        shown(char('r'), Action::Retry, text::key::ASK_AGAIN),
        alias(ENTER, Action::Close, text::key::CLOSE),
    ],
);

impl Screen for ClusterPage {
    fn entered(&mut self, common: &mut Common, _: Page, _: Page) {
        (self.scroll, self.passed) = (0, 0);
        self.open = None;
        self.logins = LackingLogins::default();
        self.choose_anything(common);
    }

    fn scopes(&self, common: &Common) -> Vec<Scope> {
        if let Some(prompt) = &self.logins.prompt {
            return prompt.scopes();
        }
        if self.open.is_some() {
            return vec![DETAILS, SCROLL];
        }
        if common.watched.is_some() {
            let mut scopes = credential_prompt::scopes_of(self.logins.lacks());
            scopes.push(OBJECTS);
            scopes.extend(drilled(common).map(|_| DRILLS));
            scopes.extend([TABLES, WATCHED, SCROLL]);
            return scopes;
        }
        let is_live = common.mode.replay().is_none();
        let own = is_live.then_some(OBJECTS).into_iter();
        let own = own.chain(drilled(common).map(|_| DRILLS)).chain([TABLES]);
        run_pages::scopes(common, Page::Cluster, own.collect())
    }

    fn act(&mut self, common: &mut Common, action: Action) -> Vec<Effect> {
        if let Some(effects) = self.logins.act(common, action) {
            if effects.iter().any(|it| matches!(it, Effect::Watch(_))) {
                // All hosts are tried again.
                (self.cluster.lost, self.datastore.lost) = (None, None);
            }
            return effects;
        }
        let most = |page: &Self| view::of_page(page, common).most;
        match action {
            Action::Left => self.passed = self.passed.min(most(self)).saturating_sub(1),
            Action::Right => self.passed = (self.passed + 1).min(most(self)),
            Action::ShowDetails | Action::Retry => return self.look(),
            Action::Close => self.open = None,
            Action::AskSecret => self.logins.ask_again(common),
            Action::Copy => return copy(common),
            Action::ShowDrills => {
                let list = drilled(common).map(Effect::ListDrills);
                return list.into_iter().chain([Effect::Go(Page::Drills)]).collect();
            }
            // The looking ends with the page.
            Action::Back if common.watched.is_some() => {
                return vec![Effect::Go(Page::Welcome), Effect::Abort(Abort::Hard)];
            }
            action => return run_pages::act(common, Page::Cluster, action),
        }
        Vec::new()
    }

    fn scroll(&mut self, common: &mut Common, by: isize) {
        if let Some(open) = &self.open {
            let lines = details::lines(self, open, common);
            let to = run_pages::scrolled_to(common, &lines, open.scroll, by);
            if let Some(open) = &mut self.open {
                open.scroll = to;
            }
            return;
        }
        let drawn = view::of_page(self, common);
        let height = run_pages::height(common);
        let from = run_pages::scrolled_to(common, &drawn.lines, self.scroll, 0);
        let is_seen = |line: usize, from: usize| (from..from + height).contains(&line);
        let at = drawn.places.iter().position(|(object, line)| {
            Some(object) == self.chosen.as_ref() && is_seen(*line, from)
        });
        let next = at.and_then(|at| at.checked_add_signed(by));
        let next = next.and_then(|next| drawn.places.get(next));
        if let Some((object, line)) = next.filter(|_| by.abs() == 1) {
            self.chosen = Some(object.clone());
            self.scroll = from.clamp((line + 2).saturating_sub(height), *line);
            return;
        }
        self.scroll = run_pages::scrolled_to(common, &drawn.lines, from, by);
        // What is chosen stays in sight, where there is anything to choose.
        let mut seen = drawn.places.iter();
        let seen = if by < 0 {
            seen.rfind(|(_, line)| is_seen(*line, self.scroll))
        } else {
            seen.find(|(_, line)| is_seen(*line, self.scroll))
        };
        let chosen = drawn.places.iter();
        let mut chosen = chosen.filter(|(object, _)| Some(object) == self.chosen.as_ref());
        let stays = chosen.any(|(_, line)| is_seen(*line, self.scroll));
        if let Some((object, _)) = seen.filter(|_| !stays) {
            self.chosen = Some(object.clone());
        }
    }

    fn clicked(&mut self, common: &mut Common, place: Position) {
        let Some(row) = run_pages::row_of(common, place).filter(|_| self.open.is_none()) else {
            return;
        };
        let drawn = view::of_page(self, common);
        let from = run_pages::scrolled_to(common, &drawn.lines, self.scroll, 0);
        let mut places = drawn.places.into_iter();
        if let Some((object, _)) = places.find(|(_, line)| *line == from + row) {
            self.chosen = Some(object);
        }
    }

    fn draw(&self, common: &Common, frame: &mut Frame<'_>) {
        let (lines, scroll): (Vec<Line<'static>>, usize) = match &self.open {
            Some(open) => (details::lines(self, open, common), open.scroll),
            None => (view::of_page(self, common).lines, self.scroll),
        };
        run_pages::draw(common, lines, scroll, frame);
        if let Some(prompt) = &self.logins.prompt {
            credential_prompt::draw(common, prompt, frame);
        }
    }

    fn types(&self) -> bool {
        self.logins.prompt.is_some()
    }

    fn typed(&mut self, _: &mut Common, code: KeyCode) -> Vec<Effect> {
        if let Some(prompt) = &mut self.logins.prompt {
            prompt.typed(code);
        }
        Vec::new()
    }

    fn pasted(&mut self, _: &mut Common, pasted: &str) -> Vec<Effect> {
        if let Some(prompt) = &mut self.logins.prompt {
            prompt.pasted(pasted);
        }
        Vec::new()
    }

    fn tick(&mut self, _: &mut Common, passed: u64) -> Vec<Effect> {
        if let Some(prompt) = &mut self.logins.prompt {
            prompt.tick(passed);
        }
        Vec::new()
    }

    fn wakes(&self, _: &Common) -> Option<u64> {
        let reveals = self.logins.prompt.as_ref().is_some_and(Prompt::reveals);
        reveals.then_some(100)
    }
}

impl ClusterPage {
    pub fn told(&mut self, common: &Common, update: LiveUpdate) {
        match update {
            LiveUpdate::Cluster(news) => {
                if let News::Seen(seen) = &news {
                    self.now = self.now.max(Some(seen.since));
                }
                self.cluster.told(news);
                self.choose_anything(common);
            }
            LiveUpdate::Clock(now) => self.now = self.now.max(Some(now)),
            LiveUpdate::Datastore(news) => self.datastore.told(news),
            LiveUpdate::Topology(topology) => self.topology = Some(*topology),
            LiveUpdate::Holder(now, lost) => {
                (self.holder, self.lost_balancers) = (Some(now), lost);
            }
            LiveUpdate::Balancer(balancer) => self.balancer = Some(balancer),
            LiveUpdate::Certificates(all) => self.certificates = all,
            LiveUpdate::Refused(failed) if common.watched.is_some() => {
                self.logins.refused(common, failed);
            }
            // A run has logged in with everything that it needs.
            LiveUpdate::Refused(_) => {}
            LiveUpdate::Details(object, told) => {
                if let Some(open) = self.open.as_mut().filter(|open| open.object == object) {
                    open.answer = DetailsAnswer::of(told);
                }
            }
        }
    }

    /// The cluster as it was seen last.
    fn picture<'a>(&'a self, common: &'a Common) -> Option<&'a Cluster> {
        let seen = self.cluster.seen.as_ref().map(|seen| &seen.picture);
        seen.or(common.run.progress.cluster.as_ref())
    }

    /// The time of the last look.
    fn now(&self, common: &Common) -> Option<OffsetDateTime> {
        let progress = &common.run.progress;
        self.now.or_else(|| text::moment_of(progress, progress.at))
    }

    /// The first object, where what was chosen is not there.
    fn choose_anything(&mut self, common: &Common) {
        let Some(cluster) = self.picture(common) else {
            return;
        };
        let nodes = || cluster.nodes.iter().map(Node::object);
        let objects = || nodes().chain(cluster.pods.iter().map(Pod::object));
        if !objects().any(|object| Some(&object) == self.chosen.as_ref()) {
            let first = objects().next();
            self.chosen = first;
        }
    }

    /// Whether nothing is known that speaks against the proofs of the run.
    fn is_as_proven(&self, common: &Common) -> bool {
        let cluster = self.picture(common);
        let is_well = cluster.is_none_or(|cluster| cluster.problems().next().is_none());
        let balancer = self.balancer.as_ref();
        let has_way = balancer.is_none_or(|balancer| balancer.problem.is_none());
        let datastore = self.datastore.seen.as_ref();
        let is_kept = datastore.is_none_or(|seen| seen.picture.problems().next().is_none());
        let is_lost = self.cluster.lost.is_some() || self.datastore.lost.is_some();
        is_well && has_way && is_kept && !is_lost
    }

    /// Opens the details of what is chosen, and asks for more where the page is live.
    fn look(&mut self) -> Vec<Effect> {
        let open = self.open.as_ref().map(|open| open.object.clone());
        let Some(object) = open.or_else(|| self.chosen.clone()) else {
            return Vec::new();
        };
        let is_live = self.cluster != Watched::default();
        self.open = Some(OpenDetails::new(object.clone(), is_live));
        is_live
            .then_some(Effect::LookAt(object))
            .into_iter()
            .collect()
    }
}

/// The cluster that can be drilled: it is installed, and nothing works with its hosts.
fn drilled(common: &Common) -> Option<String> {
    common.mode.wizard()?;
    if common.read_only || common.at_work {
        return None;
    }
    let progress = &common.run.progress;
    let run = progress
        .run
        .as_ref()
        .filter(|_| progress.ended == Some(End::Done));
    common
        .watched
        .clone()
        .or(run.map(|run| run.cluster.clone()))
}

/// The command that tells kubectl where this cluster is.
fn copy(common: &mut Common) -> Vec<Effect> {
    let files = common.run.files.as_ref();
    let Some(command) = files.and_then(|files| files.next.first().cloned()) else {
        common.say(text::NO_KUBECONFIG);
        return Vec::new();
    };
    common.say(text::COPIED);
    vec![Effect::Copy(command)]
}
