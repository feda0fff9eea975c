//! Proofs that are tried while their host waits for others.

use std::time::Instant;

use super::*;

const RANGE: &str = r#"{"items": [{"kind": "Node", "metadata": {"name": "two"},
    "spec": {"podCIDR": "198.18.1.0/24"}}]}"#;
const ANSWERS: &str = "reach=tried\nreach.link=0 reached\noverlay.device=vxlan\n\
                       overlay.way=198.18.1.0 via 198.18.1.0 dev flannel.1 src 198.18.0.0";
/// What a proof sends, and nothing else does.
const PROOF: &str = "DEVICE=";

fn wait_for_a_proof(told: &Transcript) {
    let begun = Instant::now();
    while told.count(PROOF) == 0 && begun.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// On one host a proof needs a step of another one, which is as it should be, or is changed; but it
/// says so, or is changed, only after the proof was tried. How often it was tried, and what was told.
fn tried(changes: bool, proof: &[&str]) -> (usize, Vec<String>) {
    let mut one = server(Scripted::new("one"), RANGE, r#"{"items": []}"#);
    for said in proof {
        one = one.once(PROOF, Reply::exit(0).out(said));
    }
    let one = around(one.answer(|script| answers(script, 0)));
    let told = one.told();
    let watching = told.clone();
    let status = i32::from(changes);
    let two = Scripted::new("two").answer(move |script| {
        let asked = answers(script, status);
        let turn = if changes {
            script.contains("\na\ndrive\n")
        } else {
            asked.is_some()
        };
        if turn {
            wait_for_a_proof(&watching);
        }
        (turn && changes).then(|| Reply::exit(0)).or(asked)
    });
    let two = around(two);

    let task = |name: &'static str, needs: &[(&str, &str)], task| Step {
        work: Work::Task(task),
        ..step(name, "one", needs)
    };
    let networks = task("networks", &[], Task::LearnPodNetworks);
    let needs = [("networks", "one"), ("a", "two")];
    let overlay = task(
        "overlay",
        &needs,
        Task::ProveOverlay(OverlayProof {
            own: "192.0.2.1".parse().unwrap(),
            untried_because: None,
            neighbours: vec![Neighbour {
                name: "two".into(),
                ip: "192.0.2.2".parse().unwrap(),
            }],
        }),
    );
    let steps = vec![
        step("b", "one", &[]),
        step("a", "two", &[]),
        networks,
        overlay,
    ];
    let world = World::new(steps).on("one", vec![one]).on("two", vec![two]);
    let (_, events) = world.run();
    let of_proof = events.iter().filter_map(|event| match &event.what {
        What::StepStarted { step, .. } if step.as_str() == "overlay@one" => Some("started".into()),
        What::Proved { holds, .. } => Some(format!("proved: {holds}")),
        What::StepEnded { step, outcome } if step.as_str() == "overlay@one" => {
            Some(format!("{outcome:?}"))
        }
        _ => None,
    });
    (told.count(PROOF), of_proof.collect())
}

#[test]
fn what_was_tried_ahead_counts_where_nothing_was_changed() {
    let told = ["started", "proved: true", "Unchanged"].map(str::to_owned);
    assert_eq!(tried(false, &[ANSWERS]), (1, told.into()));
}

#[test]
fn what_was_tried_ahead_of_a_change_is_tried_again() {
    let told = ["started", "proved: true", "Unchanged"].map(str::to_owned);
    assert_eq!(tried(true, &[ANSWERS, ANSWERS]), (2, told.into()));
}

#[test]
fn what_did_not_hold_ahead_is_tried_again_and_only_that_is_told() {
    let silent = ANSWERS.replace("reach.link=0 reached", "");
    let told = ["started", "proved: true", "Unchanged"].map(str::to_owned);
    assert_eq!(tried(false, &[&silent, ANSWERS]), (2, told.into()));
}
