//! A backup of the datastore: Postgres alone is reached, and the cluster goes on.

use std::collections::BTreeSet;
use std::sync::Mutex;

use super::{Frontend, Opened, Planned, Reach, RunError, aborted};
use crate::engine::Measuring;
use crate::engine::control::Control;
use crate::events::End;
use crate::platform::preflight::Grid;
use crate::procedures::backup;
use crate::steps::StepError;

impl Opened {
    /// `None` when the plan was left.
    pub fn back_up(
        mut self,
        control: &Control,
        frontend: &mut dyn Frontend,
    ) -> Result<Option<End>, RunError> {
        let member = self.topology.datastore.members[0].name.clone();
        let which = Reach::Needed(BTreeSet::from([member.clone()]));
        let hosts = self.connect(&which, control, &|_| {})?;
        aborted(control)?;
        for host in &hosts {
            frontend.reached(&host.name, &host.summary());
        }
        let platform = hosts.first().and_then(|host| host.platform);
        let platform = platform.ok_or_else(|| StepError::NoFacts(member))?;
        let plan = backup::plan(&self.topology, platform, &self.secrets);
        let planned = Planned {
            encrypts: self.state.encrypts(),
            hosts: Mutex::new(hosts),
            opened: self,
            grid: Grid::default(),
            plan,
            measuring: Measuring::default(),
        };
        planned.decided(control, frontend)
    }
}
