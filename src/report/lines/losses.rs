//! The cluster drawn, and what survives the loss of which machine, as a table with its reasons.

use std::io::{self, Write};

use super::table;
use crate::topology::{LEGEND, PARTS, Topology};

pub fn write<W: Write>(out: &mut W, topology: &Topology) -> io::Result<()> {
    for line in topology.drawing() {
        writeln!(out, "{}", format!("  {line}").trim_end())?;
    }
    writeln!(out)?;
    let losses = topology.losses();
    let heads = std::iter::once("LOSS OF").chain(PARTS).map(str::to_owned);
    let mut rows: Vec<Vec<String>> = vec![heads.collect()];
    rows.extend(losses.iter().map(|loss| {
        let parts = loss.parts().map(|part| part.as_str().to_owned());
        std::iter::once(loss.of.clone()).chain(parts).collect()
    }));
    let widths = table::widths(&rows);
    let whys = std::iter::once("").chain(losses.iter().map(|loss| loss.why.as_str()));
    for (row, why) in rows.iter().zip(whys) {
        writeln!(out, "{}", table::line(row, &widths))?;
        if !why.is_empty() {
            writeln!(out, "    {why}")?;
        }
    }
    writeln!(out, "\n{LEGEND}")?;
    writeln!(out, "{}", topology.survival())?;
    for advice in topology.advice() {
        writeln!(out, "{advice}")?;
    }
    if topology.api.is_external() {
        writeln!(
            out,
            "How the load balancer is configured: k3s-ha-wizard load-balancer recipe --answers FILE"
        )?;
    }
    Ok(())
}
