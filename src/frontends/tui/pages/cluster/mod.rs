//! The cluster after its run, as long as the operator looks at it.

mod text;
mod view;

use ratatui::Frame;

use super::Screen;
use crate::cluster::Cluster;
use crate::cluster::datastore::Datastore;
use crate::engine::look::Balancer;
use crate::engine::watch::Watched;
use crate::frontends::tui::action::Action;
use crate::frontends::tui::common::Common;
use crate::frontends::tui::effect::Effect;
use crate::frontends::tui::keys::Scope;
use crate::frontends::tui::live::LiveUpdate;
use crate::frontends::tui::page::Page;
use crate::frontends::tui::run_pages;
use crate::pki::Certificate;

/// What was seen since the run ended; empty in a replay.
#[derive(Debug, Default)]
pub struct ClusterPage {
    pub cluster: Watched<Cluster>,
    datastore: Watched<Datastore>,
    balancer: Option<Balancer>,
    certificates: Vec<Certificate>,
    scroll: usize,
}

impl Screen for ClusterPage {
    fn entered(&mut self, _: &mut Common, _: Page, _: Page) {
        self.scroll = 0;
    }

    fn scopes(&self, common: &Common) -> Vec<Scope> {
        run_pages::scopes(common, Page::Cluster, Vec::new())
    }

    fn act(&mut self, common: &mut Common, action: Action) -> Vec<Effect> {
        run_pages::act(common, Page::Cluster, action)
    }

    fn scroll(&mut self, common: &mut Common, by: isize) {
        let lines = view::lines(self, common);
        self.scroll = run_pages::scrolled_to(common, &lines, self.scroll, by);
    }

    fn draw(&self, common: &Common, frame: &mut Frame<'_>) {
        run_pages::draw(common, view::lines(self, common), self.scroll, frame);
    }
}

impl ClusterPage {
    pub fn told(&mut self, update: LiveUpdate) {
        match update {
            LiveUpdate::Cluster(news) => self.cluster.told(news),
            LiveUpdate::Datastore(news) => self.datastore.told(news),
            LiveUpdate::Balancer(balancer) => self.balancer = Some(balancer),
            LiveUpdate::Certificates(all) => self.certificates = all,
        }
    }
}
