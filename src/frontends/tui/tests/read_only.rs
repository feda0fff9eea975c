//! Screens that may change nothing.

use super::super::page::Page;
use super::*;

#[test]
fn read_only_screens_run_nothing_and_keep_no_draft() {
    let mut model = filled(MONO, SMALL);
    model.common.read_only = true;
    let effects = press(&mut model, "<Enter>");
    assert_eq!(effects, []);
    assert_eq!(model.page, Page::Review);
    let page = text(&model);
    assert!(page.contains("k3s-ha-wizard · read-only"), "{page}");
    let refused = "Refused with --read-only. `check` compares hosts; `status` shows the cluster.";
    assert!(page.contains(refused), "{page}");
    let stops = "With --read-only the wizard stops here.";
    assert!(page.contains(stops), "{page}");
    let keeps = |read_only: bool| {
        let mut model = wizard(MONO, SMALL);
        model.common.read_only = read_only;
        let effects = press(&mut model, "<Enter>as1<Tab>10.0.0.1<Tab>");
        let mut drafts = effects.iter();
        drafts.any(|effect| matches!(effect, Effect::KeepDraft(_)))
    };
    assert!(keeps(false) && !keeps(true));
}
