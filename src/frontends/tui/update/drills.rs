//! What drills do to the model.

use super::super::effect::{DrillOrder, Effect};
use super::super::live::LiveUpdate;
use super::super::message::{DrillNews, Unreached};
use super::super::model::Model;
use super::super::page::Page;
use super::super::run_view::RunView;
use super::super::text;
use super::{go, leave_if_idle};

pub fn told(model: &mut Model, news: DrillNews) -> Vec<Effect> {
    match news {
        DrillNews::Offered(offers) => model.pages.drills.offered(offers),
        DrillNews::NotStarted(why, hosts) => return not_started(model, why, hosts),
        DrillNews::Reported(report, files) => model.pages.drill.reported(*report, files),
    }
    Vec::new()
}

/// Drills begin: what was seen of the cluster before does not count.
pub fn begin(model: &mut Model, order: DrillOrder) -> Option<Effect> {
    let common = &mut model.common;
    if common.at_work {
        model.pages.drills.not_started(text::STILL_CLOSING.into());
        return None;
    }
    common.at_work = true;
    common.let_begin = None;
    common.run = RunView::new();
    common.watched = Some(order.cluster.clone());
    model.pages.forget_run();
    Some(Effect::Drill(order))
}

/// Hosts that need a secret ask for it on the live page.
fn not_started(model: &mut Model, why: String, hosts: Vec<Unreached>) -> Vec<Effect> {
    model.common.at_work = false;
    model.pages.drills.not_started(why);
    let leaves = leave_if_idle(model);
    let hosts = hosts.into_iter().filter(|host| !host.wants.is_empty());
    let lacking: Vec<_> = hosts.collect();
    let watched = model.common.watched.clone();
    let Some(cluster) = watched.filter(|_| leaves.is_empty() && !lacking.is_empty()) else {
        return leaves;
    };
    go(model, Page::Cluster);
    for host in lacking {
        let refused = LiveUpdate::Refused(host);
        model.pages.cluster.told(&model.common, refused);
    }
    vec![Effect::Watch(cluster)]
}
