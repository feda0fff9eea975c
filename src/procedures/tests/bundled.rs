use super::{PlanWorld, lab};
use crate::bundle::{self, Bundle};
use crate::events::StepId;
use crate::plan::{Plan, Work};
use crate::platform::Facts;
use crate::platform::bundled::Needs;
use crate::steps::BundleInputs;

impl PlanWorld {
    /// The same from a bundle: the platforms are those of Debian.
    pub(super) fn bundled(&self) -> Plan {
        let folder = tempfile::tempdir().unwrap();
        let (path, sum) = bundle::tests::written(folder.path(), |_| {});
        let contents = Bundle::open(&path, &sum).unwrap().contents;
        let facts = Facts {
            os_id: "debian".into(),
            os_version: "12".into(),
            arch: "x86_64".into(),
            ..Facts::default()
        };
        let needs = self.platforms.iter().map(|(host, platform)| {
            let needs = Needs::of(&self.topology, host, &facts, *platform);
            (host.clone(), needs)
        });
        self.plan_from(Some(BundleInputs {
            contents: Some(&contents),
            needs: &needs.collect(),
        }))
    }
}

/// What is installed from a bundle waits for it on its own host, and nothing is downloaded.
#[test]
fn hosts_without_internet_are_sent_what_they_install() {
    let plan = lab().bundled();
    assert_eq!(plan.phases[0].id, "bundle");
    assert_eq!(plan.phases[0].steps.len(), 5, "one a host");
    for step in plan.steps() {
        let Some(host) = &step.host else { continue };
        let sent = StepId::new("bundle/send", Some(host));
        let waits = step.needs.contains(&sent);
        let installs = step.id.as_str().contains("/install@");
        assert_eq!(waits, installs, "{}", step.id);
        let Work::Shell(shell) = &step.work else {
            continue;
        };
        let has = |name: &str| shell.inputs.iter().any(|(input, _)| *input == name);
        assert!(
            !has("PROXY_HTTP") && shell.file != "k3s/tools",
            "{}",
            step.id
        );
        if step.id.as_str().starts_with("bundle/clean@") {
            assert!(
                step.needs
                    .iter()
                    .all(|step| step.as_str().contains("/install@"))
            );
        }
    }
    let cleans = plan.phases.last().unwrap().steps.iter();
    let cleans = cleans.filter(|step| step.id.as_str().starts_with("bundle/clean@"));
    assert_eq!(cleans.count(), 5);
}
