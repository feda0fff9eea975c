//! A plan as text: the dry run.

use std::fmt;

use super::{ActOutput, Late, Phase, Plan, Shell, Step, Task, Value, Work};

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps = self.steps().count();
        writeln!(f, "Cluster {}: {steps} steps", self.cluster)?;
        for phase in &self.phases {
            write!(f, "\n{phase}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.title)?;
        self.steps.iter().try_for_each(|step| write!(f, "{step}"))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  {}", self.id)?;
        writeln!(f, "    {}", self.title)?;
        if !self.needs.is_empty() {
            let needs: Vec<_> = self.needs.iter().map(ToString::to_string).collect();
            writeln!(f, "    after {}", needs.join(", "))?;
        }
        match &self.work {
            Work::Shell(shell) => write!(f, "{shell}"),
            Work::Act(act) => write!(f, "{}    {}", act.shell, act.output),
            Work::Task(task) => writeln!(f, "    {task}"),
        }
    }
}

impl fmt::Display for Shell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "    assets/steps/{}.sh", self.file)?;
        self.inputs
            .iter()
            .try_for_each(|(name, value)| match value {
                Value::Secret(_) => writeln!(f, "      {name} = [secret]"),
                Value::Late(late) => writeln!(f, "      {name} = [{late}]"),
                Value::Plain(text) if text.contains('\n') => {
                    writeln!(f, "      {name} =")?;
                    text.lines()
                        .try_for_each(|line| writeln!(f, "        | {line}"))
                }
                Value::Plain(text) => writeln!(f, "      {name} = {text}"),
            })
    }
}

impl fmt::Display for ActOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ActOutput::Shown => writeln!(f, "what it prints is shown"),
            ActOutput::Backup { .. } => writeln!(f, "what it prints is kept as a new backup"),
        }
    }
}

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Late::Installer => "the install script",
            Late::InstallerSha256 => "the SHA-256 of the install script",
            Late::JoinToken => "the agents' token with the hash of the cluster's CA",
            Late::PodNetworks => "the pod ranges of the nodes",
            Late::Holder => "the load balancer that holds the virtual address",
            Late::ReachedFromHere => "whether this machine reaches the virtual address",
        })
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Task::KeepCertificates => "written into the state folder",
            Task::FetchInstaller { .. } => "downloaded by this host, and used on all",
            Task::SendBundle(_) => {
                "what a host installs from the bundle is sent to it, except what it has"
            }
            Task::CreateDatabase(_) => "by an administrator, from this host, over its own network",
            Task::ProveDatastore(_)
            | Task::ProveExternal(_)
            | Task::ProveStored { .. }
            | Task::ProveEndpoint { .. }
            | Task::ProveLinks(_) => "tested from this host, over its own network",
            Task::LearnClusterCa | Task::LearnPodNetworks => "read from this host",
            Task::ProveHolder { .. } => "checked on both load balancers",
            Task::ProveVirtualAddress { .. } | Task::ProveExternalBalancer(_) => {
                "tested from this host, over its own network, and from this machine if it can"
            }
            Task::ProveOverlay(_) => "tested from this host, through the pod network",
            Task::ProveBalancer(_) => "tested from this host, with the log of the load balancer",
            Task::KeepKubeconfig { .. } => "read from this host, written into the state folder",
            Task::WaitForCluster { .. } => "polled from this host until it is true",
            Task::StartProbe(_) | Task::StopProbe(_) => {
                "clients on this machine, through this host, over its own network"
            }
        })
    }
}
