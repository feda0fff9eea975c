//! The preflight repeats while an operator fixes hosts.

use super::*;

/// Checks again so often, and then goes on.
struct Patient {
    notes: Vec<String>,
    looks: usize,
}

impl Frontend for Patient {
    fn reached(&mut self, _: &str, _: &str) {}

    fn checked(&mut self, grid: &Grid, _: &[(Link, Contact)]) {
        let unwell: Vec<_> = grid.unwell().into_iter().collect();
        self.notes.push(unwell.join(" "));
    }

    fn after_checks(&mut self, grid: &Grid) -> AfterChecks {
        if grid.is_well() || self.looks == 0 {
            return AfterChecks::GoOn;
        }
        self.looks -= 1;
        AfterChecks::Again
    }

    fn planned(&mut self, _: &Planned) -> Proceed {
        self.notes.push("planned".into());
        Proceed::Leave
    }

    fn event(&mut self, _: &Event) {}

    fn log_lost(&mut self, _: &io::Error) {}
}

/// A host on which something fails until its facts were read so often.
fn fixed_after(host: &Host, reads: usize) -> Scripted {
    let (good, bad) = (facts(host), facts(host).replace("systemd=yes\n", ""));
    let count = Mutex::new(0);
    saying(host, move || {
        let mut count = count.lock().unwrap();
        *count += 1;
        if *count > reads {
            good.clone()
        } else {
            bad.clone()
        }
    })
}

/// What failed is looked at again, and the other hosts only once that is well.
#[test]
fn a_host_is_fixed_while_the_preflight_repeats() {
    let mut world = ClusterWorld::new();
    let opened = world.open(Purpose::Run, |host| match &*host.name {
        "s1" => fixed_after(host, 3),
        _ => bare(host),
    });
    let (notes, looks) = (Vec::new(), 9);
    let mut frontend = Patient { notes, looks };
    let ended = carry_out(opened, &Reach::All, &Control::default(), &mut frontend);
    assert!(matches!(ended, Ok(None)), "{ended:?}");
    assert_eq!(frontend.notes[..3], ["s1", "s1", "s1"]);
    assert_eq!(frontend.notes.last().unwrap(), "planned");
    assert_eq!(world.told["s1"].count("os.id"), 4);
    assert_eq!(world.told["pg"].count("os.id"), 2);
    assert!(world.all_given_back());
}

/// A host that is rebooted meanwhile does not end the repeating.
#[test]
fn a_host_that_is_lost_meanwhile_is_a_problem_and_no_end() {
    let mut world = ClusterWorld::new();
    let opened = world.open(Purpose::Run, |host| match &*host.name {
        "s1" => {
            let facts = facts(host).replace("systemd=yes\n", "");
            let first = Mutex::new(true);
            Scripted::new("s1").answer(move |script| {
                let first = std::mem::take(&mut *first.lock().unwrap());
                script.contains("os.id").then(|| {
                    if first {
                        Reply::exit(0).out(&facts)
                    } else {
                        Reply::lost()
                    }
                })
            })
        }
        _ => bare(host),
    });
    let (notes, looks) = (Vec::new(), 1);
    let mut frontend = Patient { notes, looks };
    let ended = carry_out(opened, &Reach::All, &Control::default(), &mut frontend);
    assert!(matches!(ended, Err(RunError::Unfit)), "{ended:?}");
    assert_eq!(frontend.notes, ["s1", "s1"]);
}
