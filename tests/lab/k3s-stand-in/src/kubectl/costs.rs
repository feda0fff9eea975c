//! What a call of the real kubectl costs, for the benchmark: on a lab with `--kubectl-costs real` this
//! one uses as much processor time.

use std::fs;
use std::time::Duration;

/// Says `real` where calls are to cost as much; the lab writes it.
const SWITCH: &str = "/etc/k3s-stand-in/kubectl-costs";
/// The first figure is the nanoseconds that this thread has run.
const USED: &str = "/proc/thread-self/schedstat";

/// Uses up what the real kubectl takes for these arguments.
pub fn burn(arguments: &[String]) {
    if fs::read_to_string(SWITCH).is_ok_and(|switch| switch.trim() == "real") {
        let cost = of(arguments);
        while used().is_some_and(|used| used < cost) {
            // A while of work between two looks at the clock.
            std::hint::black_box((0..100_000_u64).fold(0, u64::wrapping_add));
        }
    }
}

/// Measured in the lab with K3s v1.36.2+k3s1: the wall time of a call.
fn of(arguments: &[String]) -> Duration {
    let has = |word: &str| arguments.iter().any(|argument| argument == word);
    Duration::from_millis(if has("--raw") {
        170
    } else if has("pods") {
        400
    } else {
        300
    })
}

fn used() -> Option<Duration> {
    let text = fs::read_to_string(USED).ok()?;
    let nanoseconds = text.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanoseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_costs_what_was_measured() {
        let cost = |line: &str| {
            let arguments: Vec<String> = line.split(' ').map(ToOwned::to_owned).collect();
            of(&arguments).as_millis()
        };
        assert_eq!(cost("get --raw /readyz"), 170);
        assert_eq!(cost("get nodes --no-headers"), 300);
        assert_eq!(cost("get pods -A -o json"), 400);
        assert!(used().is_some(), "the kernel counts a thread's time");
    }
}
