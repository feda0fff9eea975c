//! The cluster drawn: who connects to whom, from the operator's kubectl down to Postgres.

use super::{Member, Topology};

impl Topology {
    /// Lines of ASCII, so that they are the same everywhere: a layer each, the endpoint between two.
    pub fn drawing(&self) -> Vec<String> {
        let api = format!("{}:{}", self.api.address, self.api.at.port);
        let is_shared = self.api.virtual_ip().is_some();
        let shared = if is_shared { ", held by one of:" } else { "" };
        let datastore = self.datastore.authority();
        let is_pair = self.datastore.is_pair();
        let primary = if is_pair { ", the primary of:" } else { "" };
        let mut lines = vec!["kubectl, agents".to_owned(), format!("  |  {api}{shared}")];
        lines.push(if self.api.is_external() {
            format!("{:<14} ( external )", "load balancer")
        } else {
            self.layer("load balancer", &self.api.members)
        });
        lines.push("  |".to_owned());
        lines.push(self.layer("server", &self.servers));
        lines.push(format!("  |  {datastore}{primary}"));
        match self.datastore.external {
            Some(_) => lines.push(format!("{:<14} [ external ]", "postgres")),
            None => lines.push(self.layer("postgres", &self.datastore.members)),
        }
        if !self.datastore.monitors.is_empty() {
            lines.push("  |".to_owned());
            lines.push(self.layer("monitor", &self.datastore.monitors));
        }
        if !self.agents.is_empty() {
            lines.push(String::new());
            lines.push(self.layer("agent", &self.agents));
        }
        lines
    }

    /// `server         [ s1 ]  [ s2 @west ]`
    fn layer(&self, role: &str, members: &[Member]) -> String {
        let several = self.has_sites();
        let boxes = members.iter().map(|member| match &member.site {
            Some(site) if several => format!("[ {} @{site} ]", member.name),
            _ => format!("[ {} ]", member.name),
        });
        let boxes: Vec<_> = boxes.collect();
        format!("{role:<14} {}", boxes.join("  "))
    }
}
