//! Drills: what may be lost is taken down, measured and brought back.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;

use super::known::{KnownCluster, KnownError};
use super::{Frontend, Opened, Planned, Proceed, Reach, RunError, Tried, aborted, ways};
use crate::answers::{Answers, Role};
use crate::engine::Measuring;
use crate::engine::control::Control;
use crate::engine::watch::PollTarget;
use crate::events::progress::Progress;
use crate::events::{DrillFigures, End, Event, What, log};
use crate::platform::network::Contact;
use crate::platform::preflight::Grid;
use crate::procedures::drill::{self, DrillOffer, NoDrill};
use crate::report::drill::DrillReport;
use crate::state::Folder;
use crate::steps::drill::{Drill, DrillContext};
use crate::topology::{Link, Topology, TopologyError};

/// How drills ended.
pub struct Drilled {
    pub end: End,
    pub report: DrillReport,
    /// The report: JSON, Markdown, HTML.
    pub files: Vec<PathBuf>,
}

/// Why there are no drills to do.
#[derive(Debug, thiserror::Error)]
pub enum DrillError {
    #[error(transparent)]
    Topology(#[from] TopologyError),
    #[error(transparent)]
    NoDrill(#[from] NoDrill),
}

/// What can be drilled in a cluster, with the figures of its earlier drills.
pub fn offers(cluster: KnownCluster) -> Result<Vec<DrillOffer>, OffersError> {
    let last = earlier(cluster.folder());
    let answers = cluster.applied()?;
    let topology = Topology::of(&answers)?;
    Ok(drill::offers(&topology, answers.drill.limit(), &last))
}

/// Why it is not known what can be drilled.
#[derive(Debug, thiserror::Error)]
pub enum OffersError {
    #[error(transparent)]
    Known(#[from] KnownError),
    #[error(transparent)]
    Topology(#[from] TopologyError),
}

/// What an operator asks for, by names.
pub struct Chosen {
    pub drills: Vec<Drill>,
    /// What is asked for without names, and cannot be done.
    pub without: Vec<NoDrill>,
}

/// The drills of a cluster that have one of these names.
pub fn chosen(answers: &Answers, names: &[String]) -> Result<Chosen, DrillError> {
    let topology = Topology::of(answers)?;
    let drills = drill::chosen(&topology, names)?;
    let without = drill::external(&topology).map(|(_, why)| why);
    let without = without.filter(|_| names.is_empty()).collect();
    Ok(Chosen { drills, without })
}

impl Opened {
    /// `None` when the plan was left.
    pub fn drill(
        mut self,
        drills: &[Drill],
        tried: &Tried,
        control: &Control,
        frontend: &mut dyn Frontend,
    ) -> Result<Option<Drilled>, RunError> {
        let hosts = self.connect(&Reach::All, control, &|_| {})?;
        aborted(control)?;
        for host in hosts.iter() {
            frontend.reached(&host.name, &host.summary());
        }
        let platforms: BTreeMap<_, _> = hosts
            .iter()
            .filter_map(|host| Some((host.name.clone(), host.platform?)))
            .collect();
        let ssh_ports = self.ssh_ports()?;
        let context = DrillContext {
            topology: &self.topology,
            platforms: &platforms,
            version: &self.answers.k3s.version,
            ssh_ports: &ssh_ports,
            limit: self.answers.drill.limit(),
        };
        let plan = drill::plan(&context, drills)?;
        let measuring = Measuring::through(self.clients(tried)?);
        let (folder, run) = (self.folder.clone(), self.run.clone());
        let before = earlier(&folder);
        let planned = Planned {
            encrypts: self.state.encrypts(),
            hosts: Mutex::new(hosts),
            opened: self,
            grid: Grid::default(),
            plan,
            measuring,
        };
        let mut followed = Followed {
            frontend,
            progress: Progress::default(),
        };
        let Some(end) = planned.decided(control, &mut followed)? else {
            return Ok(None);
        };
        let report = DrillReport::of(&followed.progress, &before).ok_or(RunError::WentWrong)?;
        let files = folder.save_drills(
            &run,
            &[
                ("json", report.json()),
                ("md", report.markdown()),
                ("html", report.html()),
            ],
        )?;
        Ok(Some(Drilled { end, report, files }))
    }

    fn ssh_ports(&self) -> Result<BTreeMap<String, u16>, RunError> {
        let config = self.answers.ssh_config()?;
        let hosts = self.answers.hosts.iter();
        let port = |host: &crate::answers::Host| -> Result<_, RunError> {
            Ok((host.name.clone(), self.answers.login(host, &config)?.port))
        };
        hosts.map(port).collect()
    }

    /// Ways to every node for the clients of a drill.
    fn clients(&self, tried: &Tried) -> Result<BTreeMap<String, Vec<PollTarget>>, RunError> {
        let mut clients = BTreeMap::<String, Vec<PollTarget>>::new();
        for _ in 0..Measuring::CONNECTIONS {
            for role in [Role::Server, Role::Agent] {
                for target in ways::places(&self.answers, &self.folder, role, tried)? {
                    clients.entry(target.host.clone()).or_default().push(target);
                }
            }
        }
        Ok(clients)
    }
}

/// The latest figures of each drill in earlier runs.
fn earlier(folder: &Folder) -> BTreeMap<String, DrillFigures> {
    let logs = folder.run_logs().unwrap_or_default();
    let events = logs
        .iter()
        .filter_map(|path| log::read(path).ok())
        .flatten();
    let figures = events.filter_map(|event| match event.what {
        What::Drilled { figures, .. } => Some((figures.drill.clone(), figures)),
        _ => None,
    });
    figures.collect()
}

/// Shows a run, and keeps its state for the report.
struct Followed<'a> {
    frontend: &'a mut dyn Frontend,
    progress: Progress,
}

impl Frontend for Followed<'_> {
    fn reached(&mut self, host: &str, what: &str) {
        self.frontend.reached(host, what);
    }

    fn checked(&mut self, grid: &Grid, links: &[(Link, Contact)]) {
        self.frontend.checked(grid, links);
    }

    fn planned(&mut self, planned: &Planned) -> Proceed {
        self.frontend.planned(planned)
    }

    fn event(&mut self, event: &Event) {
        self.progress.add(event);
        self.frontend.event(event);
    }

    fn log_lost(&mut self, why: &std::io::Error) {
        self.frontend.log_lost(why);
    }
}
