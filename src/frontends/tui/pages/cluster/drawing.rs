//! The cluster drawn as it is now: who connects to whom, and how each part is.
//!
//! ```text
//! kubectl, agents
//!   │ 10.0.0.4:6443
//! load balancer  [ ✓ lb-1 holds the address ]  [ ✓ lb-2 ]
//!   │
//! server         [ ✓ s1 ]  [ ✗ s2 NotReady ]
//!   │ db.internal:5432
//! postgres       [ ✓ pg-1 primary ]  [ ✓ pg-2 standby, in sync, lag 3 ms ]
//!   │
//! monitor        [ · lb-1 ]
//!
//! agent          [ ✓ a1 ]
//! ```

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr as _;

use super::text;
use crate::cluster::Cluster;
use crate::cluster::datastore::{Datastore, DatastoreMember};
use crate::engine::look::{Balancer, VirtualAddress};
use crate::frontends::tui::theme::Theme;
use crate::frontends::tui::widgets::{fit, pad};
use crate::topology::{Member, Topology};

/// What is known now of the members of a topology.
pub struct LiveFacts<'a> {
    pub topology: &'a Topology,
    /// `None` where no server answers.
    pub cluster: Option<&'a Cluster>,
    pub datastore: Option<&'a Datastore>,
    /// No member answers.
    pub lost_datastore: bool,
    pub balancer: Option<&'a Balancer>,
    pub holder: Option<&'a VirtualAddress>,
    pub lost_balancers: &'a [String],
}

/// How a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Health {
    Good,
    Waiting,
    Bad,
    Unknown,
}

/// A member as it is drawn.
struct DrawnMember {
    health: Health,
    name: String,
    /// What there is to say of it; empty where all is as it should be.
    says: String,
}

/// Where the members of a layer stand.
const INDENT: usize = 15;
/// So many lines of a layer are drawn.
const MOST_LINES: usize = 2;

pub fn of(theme: Theme, facts: &LiveFacts<'_>, width: usize) -> Vec<Line<'static>> {
    let Topology {
        api,
        datastore,
        servers,
        agents,
        ..
    } = facts.topology;
    let layer = |role: &str, members: Vec<DrawnMember>| layer(theme, role, members, width);
    let edge = |label: &str| {
        let label = fit(label, width.saturating_sub(4), theme);
        Line::styled(format!("  {} {label}", theme.down()), theme.faint())
    };
    let nodes = |members: &[Member]| members.iter().map(|it| node(facts, it)).collect::<Vec<_>>();
    let mut lines = vec![Line::styled(text::CLIENTS, theme.faint())];
    lines.push(edge(&format!("{}:{}", api.address, api.at.port)));
    lines.extend(layer(text::LOAD_BALANCER, balancers(facts)));
    lines.push(edge(""));
    lines.extend(layer(text::SERVER, nodes(servers)));
    lines.push(edge(&datastore.authority()));
    lines.extend(layer(text::POSTGRES, members(facts)));
    if !datastore.monitors.is_empty() {
        let monitors = datastore.monitors.iter();
        lines.push(edge(""));
        lines.extend(layer(
            text::MONITOR,
            monitors.map(|it| monitor(facts, it)).collect(),
        ));
    }
    if !agents.is_empty() {
        lines.push(Line::default());
        lines.extend(layer(text::AGENT, nodes(agents)));
    }
    lines
}

/// A server or an agent, as the API knows it.
fn node(facts: &LiveFacts<'_>, member: &Member) -> DrawnMember {
    let mut nodes = facts.cluster.into_iter().flat_map(|cluster| &cluster.nodes);
    let node = nodes.find(|node| node.name == member.name);
    let (health, says) = match node {
        None => (Health::Unknown, String::new()),
        Some(node) if node.problem.is_some() => (Health::Bad, node.status.clone()),
        Some(node) if node.waiting.is_some() => (Health::Waiting, node.status.clone()),
        Some(_) => (Health::Good, String::new()),
    };
    DrawnMember {
        health,
        name: member.name.clone(),
        says,
    }
}

/// The load balancers: one alone is as good as what answers behind it.
fn balancers(facts: &LiveFacts<'_>) -> Vec<DrawnMember> {
    let api = &facts.topology.api;
    let answers = match facts.balancer {
        None => Health::Unknown,
        Some(balancer) if balancer.problem.is_some() => Health::Bad,
        Some(_) => Health::Good,
    };
    if api.is_external() {
        return vec![external(answers)];
    }
    let is_shared = api.virtual_ip().is_some();
    let members = api.members.iter().map(|member| {
        let held = facts.holder.map(|held| held.holders.contains(&member.name));
        let (health, says) = match held {
            _ if facts.lost_balancers.contains(&member.name) => (Health::Bad, text::NO_ANSWER),
            _ if !is_shared => (answers, ""),
            None => (Health::Unknown, ""),
            // Several hold it.
            Some(true) if facts.holder.is_some_and(|held| held.problem.is_some()) => {
                (Health::Bad, text::HOLDS)
            }
            Some(true) => (Health::Good, text::HOLDS),
            Some(false) => (Health::Good, ""),
        };
        DrawnMember {
            health,
            name: member.name.clone(),
            says: says.to_owned(),
        }
    });
    members.collect()
}

/// Postgres: the members of a pair say what they are.
fn members(facts: &LiveFacts<'_>) -> Vec<DrawnMember> {
    let endpoint = &facts.topology.datastore;
    let seen = facts
        .datastore
        .map(|seen| &seen.members[..])
        .unwrap_or_default();
    let alone = match facts.datastore {
        _ if facts.lost_datastore => Health::Bad,
        None => Health::Unknown,
        Some(datastore) if datastore.problems().next().is_some() => Health::Bad,
        Some(_) => Health::Good,
    };
    if endpoint.external.is_some() {
        return match seen {
            [] => vec![external(alone)],
            seen => seen.iter().map(replica).collect(),
        };
    }
    let members = endpoint.members.iter().map(|member| {
        let found = seen.iter().find(|it| it.name == member.name);
        let says = if facts.lost_datastore {
            text::NO_ANSWER
        } else {
            ""
        };
        found.map_or_else(
            || DrawnMember {
                health: alone,
                name: member.name.clone(),
                says: says.to_owned(),
            },
            replica,
        )
    });
    members.collect()
}

fn replica(member: &DatastoreMember) -> DrawnMember {
    let health = match member.problem {
        Some(_) => Health::Bad,
        None if member.role.is_none() => Health::Unknown,
        None => Health::Good,
    };
    DrawnMember {
        health,
        name: member.name.clone(),
        says: text::replica(member),
    }
}

/// Nothing asks the monitor: it is lost where its host is.
fn monitor(facts: &LiveFacts<'_>, member: &Member) -> DrawnMember {
    let is_lost = facts.lost_balancers.contains(&member.name);
    DrawnMember {
        health: if is_lost {
            Health::Bad
        } else {
            Health::Unknown
        },
        name: member.name.clone(),
        says: if is_lost { text::NO_ANSWER } else { "" }.to_owned(),
    }
}

fn external(health: Health) -> DrawnMember {
    DrawnMember {
        health,
        name: text::EXTERNAL.to_owned(),
        says: String::new(),
    }
}

impl DrawnMember {
    fn mark(&self, theme: Theme) -> (&'static str, Style) {
        match self.health {
            Health::Good => (theme.good_mark(), theme.good()),
            Health::Waiting => ("!", theme.warning()),
            Health::Bad => (theme.bad_mark(), theme.bad()),
            Health::Unknown => (theme.dot(), theme.faint()),
        }
    }

    /// `[ ✓ pg-1 primary ]`
    fn spans(&self, theme: Theme, room: usize) -> Vec<Span<'static>> {
        let (mark, style) = self.mark(theme);
        let text = format!("{} {}", self.name, self.says);
        let text = fit(text.trim_end(), room.saturating_sub(6), theme);
        let style_of_text = match self.health {
            Health::Good => Style::new(),
            _ => style,
        };
        vec![
            Span::styled("[ ", theme.faint()),
            Span::styled(format!("{mark} "), style),
            Span::styled(text, style_of_text),
            Span::styled(" ]", theme.faint()),
        ]
    }
}

/// The members of one role: those with problems first where not all fit.
fn layer(
    theme: Theme,
    role: &str,
    mut members: Vec<DrawnMember>,
    width: usize,
) -> Vec<Line<'static>> {
    let room = width.saturating_sub(INDENT);
    let rows = rows(theme, &members, room);
    if rows.len() <= MOST_LINES {
        return labelled(theme, role, rows);
    }
    let rank = |member: &DrawnMember| match member.health {
        Health::Bad => 0,
        Health::Waiting => 1,
        Health::Unknown => 2,
        Health::Good => 3,
    };
    members.sort_by_key(rank);
    // As many as there is room for, with how many are left out.
    let mut shown = members.len();
    loop {
        shown -= 1;
        let mut rows = self::rows(theme, &members[..shown], room);
        let more = format!("  {}", text::and_more(members.len() - shown));
        let last = rows.last().map_or(0, Line::width);
        if rows.len() <= MOST_LINES && (last + more.width() <= room || shown <= 1) {
            if let Some(last) = rows.last_mut() {
                last.push_span(Span::styled(more, theme.faint()));
            }
            return labelled(theme, role, rows);
        }
    }
}

/// The members in lines that fit.
fn rows(theme: Theme, members: &[DrawnMember], room: usize) -> Vec<Line<'static>> {
    let mut rows: Vec<Line<'static>> = Vec::new();
    for member in members {
        let spans = member.spans(theme, room);
        let width: usize = spans.iter().map(Span::width).sum();
        match rows.last_mut() {
            Some(row) if row.width() + 2 + width <= room => {
                row.push_span(Span::raw("  "));
                row.spans.extend(spans);
            }
            _ => rows.push(Line::from(spans)),
        }
    }
    rows
}

fn labelled(theme: Theme, role: &str, rows: Vec<Line<'static>>) -> Vec<Line<'static>> {
    let rows = rows.into_iter().enumerate().map(|(number, mut row)| {
        let label = if number == 0 { role } else { "" };
        row.spans
            .insert(0, Span::styled(pad(label, INDENT), theme.title()));
        row
    });
    rows.collect()
}
