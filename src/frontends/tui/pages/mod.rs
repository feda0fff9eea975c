//! The pages: each in its folder, with its state, what keys do on it, how it is drawn, and what it
//! says. A page knows the other ones by name alone. This file lists them.

pub mod cluster;
pub mod connect;
pub mod drill;
pub mod drills;
pub mod failure;
pub mod form;
pub mod hosts;
pub mod phase;
pub mod plan;
pub mod preflight;
pub mod proofs;
pub mod review;
pub mod run;
pub mod welcome;

use std::fmt::Debug;

use crossterm::event::KeyCode;
use ratatui::Frame;
use ratatui::layout::Position;

use super::action::Action;
use super::common::Common;
use super::effect::Effect;
use super::keys::Scope;
use super::layout;
use super::page::Page;
use crate::secrets::SecretText;

/// What a page can do. All but the first four are for some pages only.
pub trait Screen: Debug {
    /// The keys that mean something now, in the order in which the footer and the help list them.
    fn scopes(&self, common: &Common) -> Vec<Scope>;

    fn act(&mut self, common: &mut Common, action: Action) -> Vec<Effect>;

    /// By so many lines, or places in a list: up where negative.
    fn scroll(&mut self, common: &mut Common, by: isize);

    fn draw(&self, common: &Common, frame: &mut Frame<'_>);

    /// The page is shown from now on, under this name; another one was until now.
    fn entered(&mut self, _common: &mut Common, _page: Page, _from: Page) {}

    /// The place of the phase of the run that the header names.
    fn phase(&self, common: &Common) -> usize {
        common.run.phase
    }

    /// How many lines are a page up or down.
    fn height(&self, common: &Common) -> usize {
        usize::from(layout::frame(common.size).body.height)
    }

    fn clicked(&mut self, _common: &mut Common, _place: Position) {}

    /// The operator uses the keyboard or the mouse, or pastes, whatever it means.
    fn pressed(&mut self) {}

    /// What is asked, where an answer is waited for.
    fn question(&self, _common: &Common) -> Option<String> {
        None
    }

    /// Letters go into a text.
    fn types(&self) -> bool {
        false
    }

    fn typed(&mut self, _common: &mut Common, _code: KeyCode) -> Vec<Effect> {
        Vec::new()
    }

    fn pasted(&mut self, _common: &mut Common, _text: &str) -> Vec<Effect> {
        Vec::new()
    }

    /// A secret was made for the field with this key.
    fn generated(&mut self, _common: &mut Common, _key: &str, _secret: &SecretText) -> Vec<Effect> {
        Vec::new()
    }

    /// So many milliseconds have passed.
    fn tick(&mut self, _common: &mut Common, _passed: u64) -> Vec<Effect> {
        Vec::new()
    }

    /// How long until something on it changes by itself, in milliseconds; `None` where nothing will.
    fn wakes(&self, _common: &Common) -> Option<u64> {
        None
    }

    /// What was at work has ended.
    fn over(&mut self, _common: &mut Common) -> Vec<Effect> {
        Vec::new()
    }
}

/// The state of every page.
#[derive(Debug, Default)]
pub struct Pages {
    pub welcome: welcome::WelcomePage,
    pub hosts: hosts::HostsPage,
    pub form: form::FormPage,
    pub review: review::ReviewPage,
    pub connect: connect::ConnectPage,
    pub preflight: preflight::PreflightPage,
    pub plan: plan::PlanPage,
    pub phase: phase::PhasePage,
    pub run: run::RunPage,
    pub proofs: proofs::ProofsPage,
    pub failure: failure::FailurePage,
    pub cluster: cluster::ClusterPage,
    pub drills: drills::DrillsPage,
    pub drill: drill::DrillPage,
}

/// The page of a name, in whichever way `Pages` is borrowed.
macro_rules! of_name {
    ($page:expr, $pages:expr $(, $mutable:tt)?) => {
        match $page {
            Page::Welcome => &$($mutable)? $pages.welcome,
            Page::Hosts => &$($mutable)? $pages.hosts,
            Page::Host | Page::Open | Page::Options(_) => &$($mutable)? $pages.form,
            Page::Review => &$($mutable)? $pages.review,
            Page::Connect => &$($mutable)? $pages.connect,
            Page::Preflight => &$($mutable)? $pages.preflight,
            Page::Plan => &$($mutable)? $pages.plan,
            Page::Phase => &$($mutable)? $pages.phase,
            Page::Run => &$($mutable)? $pages.run,
            Page::Proofs => &$($mutable)? $pages.proofs,
            Page::Failure => &$($mutable)? $pages.failure,
            Page::Cluster => &$($mutable)? $pages.cluster,
            Page::Drills => &$($mutable)? $pages.drills,
            Page::Drill => &$($mutable)? $pages.drill,
        }
    };
}

impl Pages {
    pub fn get(&self, page: Page) -> &dyn Screen {
        of_name!(page, self)
    }

    pub fn get_mut(&mut self, page: Page) -> &mut dyn Screen {
        of_name!(page, self, mut)
    }

    /// There is another run, or none: nothing that was seen of the last one is left.
    pub fn forget_run(&mut self) {
        self.failure = failure::FailurePage::default();
        self.cluster = cluster::ClusterPage::default();
        self.drill = drill::DrillPage::default();
    }
}
