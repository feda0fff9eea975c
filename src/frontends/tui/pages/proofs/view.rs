//! A matrix: what was tried, from which host.

use ratatui::style::Style;
use ratatui::text::Line;

use super::text;
use crate::events::progress::Proof;
use crate::frontends::tui::common::Common;
use crate::frontends::tui::run_pages;
use crate::frontends::tui::theme::Theme;
use crate::frontends::tui::widgets::table::{self, TableCell};
use crate::frontends::tui::widgets::{styled, wrapped};

pub fn lines(common: &Common) -> Vec<Line<'static>> {
    let (theme, width) = (common.theme, run_pages::width(common));
    let proofs = &common.run.progress.proofs;
    let holding = proofs.iter().filter(|proof| proof.holds).count();
    let mut lines = vec![Line::styled(text::PROOFS, theme.title())];
    lines.extend(styled(text::PROOFS_WHY, width, theme.faint()));
    lines.push(Line::default());
    if proofs.is_empty() {
        lines.extend(wrapped(text::NO_PROOFS, width).into_iter().map(Line::from));
        return lines;
    }
    let style = if holding == proofs.len() {
        theme.good()
    } else {
        theme.bad()
    };
    lines.push(Line::styled(
        text::proofs_hold(holding, proofs.len()),
        style,
    ));
    for (name, of_step) in by_step(proofs) {
        lines.push(Line::default());
        lines.extend(table::lines(&matrix(theme, name, &of_step)));
    }
    for proof in proofs.iter().filter(|proof| !proof.holds) {
        let host = proof.host.as_deref().unwrap_or(text::HERE);
        let text = text::proof_broken(host, &proof.case, &proof.expected, &proof.got);
        lines.push(Line::default());
        lines.extend(styled(&text, width, theme.bad()));
    }
    lines
}

/// The proofs by the step that brings them, whatever its host.
fn by_step(proofs: &[Proof]) -> Vec<(&str, Vec<&Proof>)> {
    let mut found: Vec<(&str, Vec<&Proof>)> = Vec::new();
    for proof in proofs {
        let id = proof.step.as_str();
        let name = id.split_once('@').map_or(id, |(name, _)| name);
        match found.iter_mut().find(|(other, _)| *other == name) {
            Some((_, list)) => list.push(proof),
            None => found.push((name, vec![proof])),
        }
    }
    found
}

fn matrix(theme: Theme, name: &str, proofs: &[&Proof]) -> Vec<Vec<TableCell>> {
    let (mut hosts, mut cases) = (Vec::new(), Vec::new());
    for proof in proofs {
        let host = proof.host.as_deref().unwrap_or(text::HERE);
        if !hosts.contains(&host) {
            hosts.push(host);
        }
        let case = (proof.case.as_str(), proof.expected.as_str());
        if !cases.contains(&case) {
            cases.push(case);
        }
    }
    let mut heads = vec![name, text::EXPECTED];
    heads.extend(&hosts);
    let mut rows = vec![table::heads(&heads, theme.title())];
    for (case, expected) in cases {
        let mut row = vec![
            (case.to_owned(), Style::new()),
            (expected.to_owned(), theme.faint()),
        ];
        for host in &hosts {
            let tried = proofs.iter().find(|proof| {
                proof.case == case
                    && proof.expected == expected
                    && proof.host.as_deref().unwrap_or(text::HERE) == *host
            });
            row.push(match tried {
                Some(proof) if proof.holds => (
                    format!("{} {}", theme.good_mark(), text::HOLDS),
                    theme.good(),
                ),
                Some(_) => (
                    format!("{} {}", theme.bad_mark(), text::BROKEN),
                    theme.bad(),
                ),
                None => (text::NOT_TRIED.to_owned(), theme.faint()),
            });
        }
        rows.push(row);
    }
    rows
}
