//! A pair of Postgres hosts of which a part is on a new machine: the others show that the cluster exists.

use super::{Requirements, RowDraft};
use crate::answers::Check;
use crate::topology::Replacement;

pub(super) fn check(sheets: &mut [RowDraft<'_>], wanted: Requirements<'_>) {
    let datastore = &wanted.topology.datastore;
    if !datastore.is_pair() {
        return;
    }
    let named = |name: &str| wanted.topology.datastore.member(name).is_some();
    let exists = |sheet: &RowDraft<'_>| sheet.looked.facts.postgres.of_pair;
    let has_data = |sheet: &&RowDraft<'_>| {
        let tokens = &sheet.looked.facts.postgres.tokens;
        named(&sheet.looked.host.name) && exists(sheet) && !tokens.is_empty()
    };
    // The servers start after both members are in sync: before that an installation was interrupted.
    let Some(kept) = sheets.iter().find(has_data) else {
        return;
    };
    let kept = kept.looked.host.name.clone();
    let is_lost = |sheet: &RowDraft<'_>| sheet.is_of_a_pair(wanted) && !exists(sheet);
    let lost = sheets.iter().filter(|sheet| is_lost(sheet)).count();
    for sheet in sheets {
        let name = sheet.looked.host.name.clone();
        let replaced = wanted.replaced.filter(|it| it.new == name);
        if let Some(replaced) = replaced.filter(|it| exists(sheet) && is_a_member(it)) {
            let cause = format!(
                "it is a member of the pair already: {} is not lost, or has been replaced",
                replaced.lost
            );
            sheet.fails(
                Check::Existing,
                cause,
                "To finish what is left: k3s-ha-wizard install --answers FILE",
            );
        } else if is_lost(sheet) && lost > 1 {
            let cause = format!(
                "two of the three hosts of the Postgres pair are new, and {kept} alone has the data: the \
                 wizard replaces one host, with the help of the other two"
            );
            let remedy = "Bring one of the lost machines back. If both are lost for good: copy the data of the \
                          last one away first (pg_dump)";
            sheet.fails(Check::Existing, cause, remedy);
        } else if is_lost(sheet) && replaced.is_none() {
            let cause = if named(&name) {
                format!(
                    "the cluster's data is on {kept}, and this member of the pair has none: the machine is new"
                )
            } else {
                "the monitor of the Postgres pair is not here: the machine is new, and no standby takes over"
                    .to_owned()
            };
            let remedy =
                format!("k3s-ha-wizard node replace {name} puts it in the place of the lost one");
            sheet.fails(Check::Existing, cause, remedy);
        }
    }
}

/// A member under the same name and address; a monitor that exists may still be unknown to the members.
fn is_a_member(replaced: &Replacement) -> bool {
    !replaced.is_monitor && replaced.is_in_place()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{PreflightWorld, TOKEN, lab, told, world};
    use super::*;
    use crate::answers::{Answers, Host, Role};

    const NAMES: [&str; 3] = ["k3s-postgres", "pg-2", "mon"];

    fn answers() -> Answers {
        let mut answers = lab().answers;
        answers.postgres.name = Some("postgres.lab.internal".into());
        let second = Host::new("pg-2", Role::Postgres, "198.51.100.8");
        let monitor = Host::new("mon", Role::Monitor, "198.51.100.9");
        answers.hosts.extend([second, monitor]);
        answers
    }

    /// An installed pair, of which these hosts are new.
    fn without(new: &[&str]) -> PreflightWorld {
        let mut world = world(answers());
        for (host, facts) in world.answers.hosts.iter().zip(&mut world.facts) {
            let postgres = &mut facts.postgres;
            postgres.of_pair = NAMES.contains(&&*host.name) && !new.contains(&&*host.name);
            if postgres.of_pair && host.role() == Role::Postgres {
                postgres.asked = true;
                postgres.ours = true;
                postgres.tokens = vec![TOKEN.into()];
            }
        }
        world
    }

    fn replacing(name: &str, new: &[&str]) -> String {
        let mut world = without(new);
        world.replaced = Replacement::of(&answers(), &world.answers, name).ok();
        assert!(world.replaced.is_some());
        found(&world)
    }

    fn found(world: &PreflightWorld) -> String {
        let told = told(&world.grid());
        let lines = told.lines().filter(|line| line.contains("existing"));
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_new_machine_in_a_pair_is_recognised_by_what_the_others_have() {
        let cases = [
            ("nothing is new", found(&without(&[]))),
            ("a member", found(&without(&["pg-2"]))),
            ("the first member", found(&without(&["k3s-postgres"]))),
            ("the monitor", found(&without(&["mon"]))),
            ("two", found(&without(&["pg-2", "mon"]))),
            ("replacing a member", replacing("pg-2", &["pg-2"])),
            ("replacing the monitor", replacing("mon", &["mon"])),
            ("replacing one that is not lost", replacing("pg-2", &[])),
            ("replacing the wrong one", replacing("pg-2", &["mon"])),
            ("replacing one of two", replacing("pg-2", &["pg-2", "mon"])),
        ];
        let cases = cases.map(|(case, found)| format!("{case}:\n{found}"));
        insta::assert_snapshot!(cases.join("\n"));
    }

    #[test]
    fn what_an_interrupted_installation_has_not_created_yet_is_not_lost() {
        let mut world = without(&["pg-2"]);
        for facts in &mut world.facts {
            facts.postgres.tokens.clear();
        }
        assert_eq!(found(&world), "");
    }
}
