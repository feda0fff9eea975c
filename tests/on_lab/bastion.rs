//! The whole job through a bastion: sshd of the other hosts lets nobody in but the load balancer, which
//! is the bastion here. It needs root.

use k3s_ha_wizard::events::{Outcome, What};

use crate::install::must_be_a_cluster;
use crate::lab::{KEPT, Lab, Wizard};

const BASTION: &str = "198.51.100.14";
const BEHIND: [&str; 4] = ["k3s-postgres", "k3s-server-1", "k3s-server-2", "k3s-agent"];

#[test]
fn a_cluster_is_installed_through_a_bastion_that_is_cut_meanwhile() {
    let lab = Lab::fresh();
    for host in BEHIND {
        let rule = format!("-I INPUT -p tcp --dport 22 ! -s {BASTION} -j REJECT");
        lab.iptables(host, &rule);
    }
    let (code, text) = Wizard::new().plan();
    assert_eq!(code, Some(7), "{text}");
    assert!(
        text.contains("k3s-agent: cannot reach 198.51.100.15 port 22"),
        "{text}"
    );

    let wizard = Wizard::new().answering(|text| {
        let text = text.replace("[ssh]\n", &format!("[ssh]\njump = \"{BASTION}\"\n"));
        let itself = format!("address = \"{BASTION}\"\n");
        let text = text.replace(&itself, &format!("{itself}jump = \"none\"\n"));
        let password = format!("{{ file = \"{KEPT}/password\" }}");
        format!("{text}\n[[bastions]]\nname = \"{BASTION}\"\npassword = {password}\n")
    });
    let (code, text) = wizard.plan();
    assert_eq!(code, Some(0), "{text}");
    let through = format!("reached through bastion {BASTION}");
    assert_eq!(text.matches(&through).count(), BEHIND.len(), "{text}");

    let mut cut = false;
    let run = wizard.run_until(|event, _| {
        let begins = matches!(&event.what, What::StepApplies { step } if step.as_str() == "k3s/start@k3s-server-1");
        if begins {
            lab.must("k3s-nginx", "pkill -KILL -f '^sshd: sles'");
            cut = true;
        }
    });
    let run = run.good();
    assert!(cut, "{}", run.text);
    must_be_a_cluster(&run);
    let named = format!("its bastion {BASTION}: the connection was lost");
    assert!(run.text.contains(&named), "{}", run.text);

    let again = wizard.run().good();
    let unchanged = |(_, outcome): &(_, &Outcome)| **outcome == Outcome::Unchanged;
    assert!(
        again.outcomes().all(|one| unchanged(&one)),
        "{:?}",
        again.changed()
    );
}
