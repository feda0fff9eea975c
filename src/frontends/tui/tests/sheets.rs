//! Every page in each of its states, in one snapshot file for each page: a sentence that is reworded
//! changes one file. What stands on many pages is on a sheet of its own: footers show their keys
//! alone, and a window is cut out of the page below it.

use super::super::keys::ListedIn;
use super::super::message::{RunFiles, Unreached};
use super::super::shown_plan::ShownPlan;
use super::page_sheet::{Make, PageSheet, keep, window};
use super::{details, drills, live, options, preflight, probes, rules, runs, watched, *};
use crate::answers::{Role, Secret};
use crate::events::What;
use crate::interview::offers::Known;
use crate::interview::section::Section;
use crate::run::Remaining;

#[test]
fn welcome() {
    let back: Make = |theme, size| {
        let known = |name: &str, unfinished| Known {
            name: name.into(),
            answers: example(),
            story: super::super::text::story("2026-11-24T21:54:40Z", "failed", 17),
            unfinished,
            is_installed: true,
        };
        let found = Found {
            clusters: vec![known("done", false), known("prod", true)],
            draft: Some(Answers::default()),
            needs_tmux: true,
            trouble: None,
        };
        Model::for_wizard(theme, size, found)
    };
    let sheet = PageSheet::new().small("first", wizard).small("back", back);
    keep!("welcome", sheet.small("installed", watched::welcome));
}

/// Also while the wizard connects to them: a host that was not reached says the same on both pages.
#[test]
fn hosts() {
    let none: Make = |theme, size| {
        let mut model = wizard(theme, size);
        press(&mut model, "<Enter><C-n>");
        model
    };
    let full: Make = |theme, size| {
        let mut model = filled(theme, size);
        if let Some(wizard) = model.common.mode.wizard_mut() {
            let answers = &mut wizard.interview.answers;
            answers.hosts[1].address = "10.0.0.11:22".into();
            answers
                .hosts
                .retain(|host| host.role() != Role::LoadBalancer);
        }
        press(&mut model, "2<Down>");
        model
    };
    let remove: Make = |theme, size| {
        let mut model = filled(theme, size);
        press(&mut model, "2d");
        model
    };
    let lacking: Make = |theme, size| {
        let mut model = probes::tried(theme, size);
        press(&mut model, "<Down><Down>");
        model
    };
    let connecting: Make = |theme, size| {
        let mut model = filled(theme, size);
        press(&mut model, "<Enter>");
        let name = "k3s-postgres".to_owned();
        let what = "Debian GNU/Linux 12 (bookworm), x86_64, 3916 MiB of memory";
        update(&mut model, Message::Reached(name, what.into()));
        model
    };
    let sheet = PageSheet::new()
        .small("none", none)
        .small("full", full)
        .colours("full", full)
        .small("remove", remove)
        .small("tried", probes::with_key)
        .large("tried", probes::with_key)
        .colours("tried", probes::with_key)
        .small("lacking", lacking)
        .window("compare", probes::compared)
        .small("connecting", connecting)
        .small("not-connected", not_connected)
        .colours("not-connected", not_connected)
        .small("pair", |theme, size| pair_and(theme, size, "2"))
        .small("pair-roles", |theme, size| {
            pair_and(theme, size, "2<Down><Down><Down><Enter><Tab>")
        });
    keep!("hosts", sheet);
}

/// Two of what there may be two of, and these keys.
fn pair_and(theme: Theme, size: (u16, u16), keys: &str) -> Model {
    let mut model = with_answers(theme, size, pair_answers());
    press(&mut model, keys);
    model
}

/// A load balancer of others, and these keys.
fn external_and(theme: Theme, size: (u16, u16), keys: &str) -> Model {
    let mut model = with_answers(theme, size, external_answers());
    press(&mut model, keys);
    model
}

/// The answers, field by field and in review. What fields say is here, and not in the transcripts of
/// the plain frontend.
#[test]
fn forms() {
    let wrong: Make = |theme, size| {
        let mut model = wizard(theme, size);
        press(&mut model, "<Enter><C-n>aDB 1<Tab><Tab>10.0.0<C-n>");
        model
    };
    let open: Make = |theme, size| {
        let mut model = wizard(theme, size);
        press(&mut model, "<Down><Enter>/root/answers.toml");
        model
    };
    let no_hosts: Make = |theme, size| {
        let mut model = wizard(theme, size);
        press(&mut model, "<Enter><C-n><C-n><C-n>");
        model
    };
    let problems: Make = |theme, size| {
        let mut answers = example();
        answers.ssh.user = Some("admin".into());
        answers.hosts[0].address = "10.0.0".into();
        answers.postgres.password = Some(Secret::Inline("hunter2hunter2".to_owned().into()));
        let mut model = with_answers(theme, size, answers);
        press(&mut model, "<Enter>");
        model
    };
    let saving: Make = |theme, size| {
        let mut model = filled(theme, size);
        press(&mut model, "<C-s>");
        model
    };
    let losses: Make = |theme, size| {
        let pages = "<PgDn>".repeat(6);
        pair_and(theme, size, &pages)
    };
    let without_monitor: Make = |theme, size| {
        let mut answers = pair_answers();
        answers.postgres.name = None;
        for host in &mut answers.hosts {
            host.roles.retain(|role| *role != Role::Monitor);
        }
        with_answers(theme, size, answers)
    };
    let mut sheet = PageSheet::new()
        .small("host-wrong", wrong)
        .colours("host-wrong", wrong)
        .small("open", open)
        .small("no-hosts", no_hosts)
        .small("cluster", |theme, size| {
            options::screen(theme, size, Section::Cluster)
        })
        .small("cluster-end", |theme, size| {
            options::at_field(theme, size, Section::Cluster, "cluster.override")
        })
        .small("postgres", |theme, size| {
            options::screen(theme, size, Section::Postgres)
        })
        .small("generated", options::generated)
        .small("certificates", |theme, size| {
            options::screen(theme, size, Section::Certificates)
        })
        .small("servers", |theme, size| {
            options::screen(theme, size, Section::Servers)
        })
        .large("servers", |theme, size| {
            options::screen(theme, size, Section::Servers)
        })
        .small("servers-end", |theme, size| {
            options::at_field(theme, size, Section::Servers, "k3s.channel_url")
        })
        .small("wrong", options::wrong)
        .colours("wrong", options::wrong)
        .small("load-balancer", |theme, size| {
            options::screen(theme, size, Section::LoadBalancer)
        })
        .small("agents", |theme, size| {
            options::screen(theme, size, Section::Agents)
        })
        .small("review", filled)
        .small("review-problems", problems)
        .small("review-saving", saving)
        .small("pair-postgres", |theme, size| {
            pair_and(theme, size, "3<Tab><Tab><Tab><Tab><Tab>")
        })
        .small("pair-certificates", |theme, size| {
            pair_and(theme, size, "4")
        })
        .small("pair-load-balancer", |theme, size| {
            pair_and(theme, size, "6")
        })
        .small("external-load-balancer", |theme, size| {
            external_and(theme, size, "6<Tab><Tab><Tab>")
        })
        .large("external-recipes", |theme, size| {
            external_and(theme, size, "<End>")
        })
        .small("pair-review", |theme, size| pair_and(theme, size, ""))
        // The end of the review: what survives which loss.
        .small("pair-losses", losses)
        .large("pair-losses", losses)
        .small("pair-without-monitor", without_monitor);
    sheet.add("fields", "texts", &crate::interview::shared::listed());
    keep!("forms", sheet);
}

#[test]
fn plan() {
    let plan: Make = |theme, size| {
        let mut model = filled(theme, size);
        press(&mut model, "<Enter>");
        let lines = (1..=30).map(|number| format!("line {number} of the plan"));
        update(
            &mut model,
            Message::Planned(Box::new(ShownPlan {
                text: lines.collect::<Vec<_>>().join("\n"),
                left: Some(Remaining {
                    done: 32,
                    to_do: 6,
                    unknown: 3,
                }),
                steps: Vec::new(),
            })),
        );
        model
    };
    keep!("plan", PageSheet::new().small("plan", plan));
}

fn unreached(host: &str, why: &str, host_key: Option<&str>) -> Unreached {
    Unreached {
        host_key: host_key.map(str::to_owned),
        ..Unreached::new(host, &format!("{host}: {why}"))
    }
}

pub fn not_connected(theme: Theme, size: (u16, u16)) -> Model {
    let mut model = filled(theme, size);
    press(&mut model, "<Enter>");
    let hosts: Vec<String> = example().hosts.into_iter().map(|host| host.name).collect();
    let failed = vec![
        unreached(
            &hosts[1],
            "cannot log in as admin: no key was accepted",
            None,
        ),
        unreached(
            &hosts[2],
            "the host key is not known yet",
            Some("SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"),
        ),
    ];
    for host in [&hosts[0], &hosts[3]] {
        update(&mut model, Message::Reached(host.clone(), "Debian".into()));
    }
    update(&mut model, Message::Unreached(failed));
    update(&mut model, Message::Over);
    model
}

/// The window that asks for a login secret, on top of several pages.
#[test]
fn credentials() {
    let sheet = PageSheet::new()
        .window("hosts", probes::secret)
        .colours("hosts", probes::secret)
        .window("shown", probes::shown)
        .window("connect", probes::connected)
        .window("cluster", watched::asking);
    keep!("credentials", sheet);
}

#[test]
fn checks() {
    let pass: Make = |theme, size| {
        let mut model = preflight::checked(theme, size, preflight::one_cpu);
        press(&mut model, "<Left>");
        model
    };
    let links: Make = |theme, size| {
        let mut model = preflight::checked(theme, size, |_| {});
        press(&mut model, "m<Tab>");
        model
    };
    let green: Make = |theme, size| {
        let mut model = preflight::checked(theme, size, preflight::failing);
        preflight::again(&mut model, |_| {});
        model
    };
    let fail: Make = |theme, size| preflight::checked(theme, size, preflight::failing);
    let sheet = PageSheet::new()
        .small("fail", fail)
        .large("fail", fail)
        .colours("fail", fail)
        .small("pass", pass)
        .small("trial", |theme, size| {
            preflight::checked(theme, size, preflight::little_memory)
        })
        .small("turned-green", green)
        .small("links", links)
        .small("many", preflight::many);
    keep!("checks", sheet);
}

fn middle(theme: Theme, size: (u16, u16)) -> Model {
    run_until(theme, size, "run.jsonl", 28_000)
}

#[test]
fn run() {
    let step: Make = |theme, size| {
        let mut model = middle(theme, size);
        press(&mut model, "1<Tab><Down><Tab>wt");
        model
    };
    let searched: Make = |theme, size| {
        let mut model = run_until(theme, size, "run.jsonl", 20_000);
        press(&mut model, "z/nginx<Enter>");
        for event in events("run.jsonl") {
            if (20_001..28_000).contains(&event.at) {
                update(&mut model, Message::Event(Box::new(event)));
            }
        }
        model
    };
    let searching: Make = |theme, size| {
        let mut model = middle(theme, size);
        press(&mut model, "/what is typ");
        model
    };
    let stopping: Make = |theme, size| {
        let mut model = asks_to_stop(theme, size);
        press(&mut model, "<Enter>");
        model
    };
    let mut sheet = PageSheet::new()
        .small("begun", |theme, size| {
            run_until(theme, size, "run.jsonl", 4)
        })
        .small("middle", middle)
        .large("middle", middle)
        .colours("middle", middle)
        .small("step", step)
        .small("zoomed-searched", searched)
        .colours("zoomed-searched", searched)
        .small("searching", searching)
        .small("stopping", stopping)
        .small("estimated", runs::estimated)
        .small("disconnected", runs::disconnected)
        .small("followed", runs::followed);
    sheet.add("middle", "ascii", &page(&middle(ASCII, SMALL)));
    let small = run_until(MONO, (70, 20), "run.jsonl", 28_000);
    sheet.add("too-small", "70x20", &text(&small));
    keep!("run", sheet);
}

fn asks_to_stop(theme: Theme, size: (u16, u16)) -> Model {
    let mut model = middle(theme, size);
    press(&mut model, "<C-c>");
    model
}

#[test]
fn phase() {
    let sheet = PageSheet::new()
        .small("held", runs::held)
        .colours("held", runs::held)
        .small("scripts", runs::scripts)
        .small("files", runs::files);
    keep!("phase", sheet);
}

#[test]
fn proofs() {
    let none: Make = |theme, size| {
        let mut model = run_until(theme, size, "run.jsonl", 4);
        press(&mut model, "o");
        model
    };
    let broken: Make = |theme, size| {
        let mut model = Model::for_wizard(theme, size, Found::default());
        for mut event in events("run.jsonl") {
            if let What::Proved {
                case,
                step,
                got,
                holds,
                ..
            } = &mut event.what
                && case == "no TLS"
                && step.as_str().ends_with("server-2")
            {
                *got = "passes (TLSv1.3, /CN=k3s)".into();
                *holds = false;
            }
            update(&mut model, Message::Event(Box::new(event)));
        }
        press(&mut model, "o");
        model
    };
    let sheet = PageSheet::new().small("none", none).small("broken", broken);
    keep!("proofs", sheet.colours("broken", broken));
}

fn files(kubeconfig: &str, next: &[&str]) -> Message {
    Message::Files(RunFiles {
        log: Some("/state/lab/runs/20261124T215440Z-3f2a.jsonl".into()),
        kubeconfig: kubeconfig.into(),
        next: next.iter().map(|next| (*next).to_owned()).collect(),
    })
}

pub fn failed(theme: Theme, size: (u16, u16)) -> Model {
    let mut model = run_until(theme, size, "run-failed.jsonl", u64::MAX);
    update(&mut model, files("/state/lab/kubeconfig", &[]));
    model
}

#[test]
fn failure() {
    let scrolled: Make = |theme, size| {
        let mut model = run_until(theme, size, "run-failed.jsonl", u64::MAX);
        press(&mut model, "G");
        model
    };
    let sheet = PageSheet::new()
        .small("ended", failed)
        .colours("ended", failed)
        .small("scrolled", scrolled)
        .small("asked", runs::asked);
    keep!("failure", sheet);
}

/// The end of a run, and these nodes and pods.
pub fn ended(theme: Theme, size: (u16, u16), nodes: &str) -> Model {
    let cluster = crate::cluster::tests::parse(&format!("{nodes}\n{}", live::ZOO));
    let mut model = run_until(theme, size, "run.jsonl", 64_000);
    let mut last = events("run.jsonl").pop().expect("an event");
    last.what = What::Cluster { cluster };
    update(&mut model, Message::Event(Box::new(last)));
    press(&mut model, "c");
    model
}

#[test]
fn cluster() {
    let done: Make = |theme, size| {
        let mut model = run_until(theme, size, "run.jsonl", u64::MAX);
        let next = ["kubectl --kubeconfig /state/lab/kubeconfig get nodes"];
        update(&mut model, files("/state/lab/kubeconfig", &next));
        model
    };
    let ill: Make = |theme, size| ended(theme, size, live::ILL);
    let scrolled: Make = |theme, size| {
        let mut model = ended(theme, size, live::READY);
        press(&mut model, "<PgDn>");
        model
    };
    let pods: Make = |theme, size| {
        let mut model = live::zoo(theme, size);
        press(&mut model, "<PgDn>");
        model
    };
    let right: Make = |theme, size| {
        let mut model = live::zoo(theme, size);
        press(&mut model, "<PgDn><Right><Right>");
        model
    };
    let chosen: Make = |theme, size| {
        let mut model = live::zoo(theme, size);
        press(&mut model, "<Down><Down><Down>");
        model
    };
    let log: Make = |theme, size| {
        let mut model = details::opened(theme, size);
        press(&mut model, "<End>");
        model
    };
    let sheet = PageSheet::new()
        .small("done", done)
        .small("unhealthy", ill)
        .colours("unhealthy", ill)
        .small("unhealthy-scrolled", scrolled)
        .small("live", live::live)
        .colours("live", live::live)
        .small("without-server-1", live::without_server_1)
        .colours("without-server-1", live::without_server_1)
        .small("stale", live::stale)
        .colours("stale", live::stale)
        .small("certificates", live::ending)
        .colours("certificates", live::ending)
        .small("pods", pods)
        .large("pods", pods)
        .small("pods-right", right)
        .small("chosen", chosen)
        .colours("chosen", chosen)
        .small("watched", watched::watched);
    keep!("cluster", sheet);
    let mut sheet = PageSheet::new()
        .small("well", live::drawn)
        .large("well", live::drawn)
        .colours("well", live::drawn)
        .small("unhealthy", live::drawn_unhealthy)
        .colours("unhealthy", live::drawn_unhealthy)
        .small("lost", live::drawn_lost)
        .small("large", live::drawn_large)
        .small("external", live::drawn_external);
    sheet.add(
        "unhealthy",
        "ascii",
        &text(&live::drawn_unhealthy(ASCII, SMALL)),
    );
    keep!("topology", sheet);
    let sheet = PageSheet::new()
        .small("asked", details::asked)
        .small("opened", details::opened)
        .colours("opened", details::opened)
        .small("log", log);
    keep!("details", sheet);
}

/// Drills: chosen, running, over.
#[test]
fn drills() {
    let mut sheet = PageSheet::new()
        .small("list", drills::list)
        .large("list", drills::list)
        .small("chosen", drills::chosen)
        .colours("chosen", drills::chosen)
        .small("external", drills::external)
        .window("confirm", drills::confirming)
        .small("starting", drills::starting)
        .small("down", drills::down)
        .large("down", drills::down)
        .colours("down", drills::down)
        .small("over", drills::over)
        .colours("over", drills::over);
    sheet.add("down", "ascii", &text(&drills::down(ASCII, SMALL)));
    keep!("drills", sheet);
}

/// What the keys say: footers on the other sheets have the keys alone.
#[test]
fn keys() {
    let help: Make = |theme, size| {
        let mut model = middle(theme, size);
        press(&mut model, "?");
        model
    };
    let mut says = String::new();
    for (name, scope) in rules::scopes() {
        let listed = scope.bindings.iter();
        for binding in listed.filter(|binding| binding.listed != ListedIn::Nothing) {
            let in_footer = binding.listed == ListedIn::Footer;
            let mark = if in_footer { "footer" } else { "help" };
            let key = binding.key.to_string();
            let what = binding.says;
            let _ = writeln!(says, "{name:<16}{mark:<8}{key:<12}{what}");
        }
    }
    let mut sheet = PageSheet::new()
        .window("help", help)
        .window("stop", asks_to_stop);
    let large = window(&text(&help(MONO, LARGE)));
    sheet.add("help", "120x40", &large);
    sheet.add("every-key", "texts", &says);
    keep!("keys", sheet);
}

#[test]
fn ascii_is_ascii() {
    let drawn = text(&asks_to_stop(ASCII, SMALL));
    assert!(drawn.is_ascii(), "{drawn}");
}

/// A footer is its keys and what they say, and looks like it.
#[test]
fn a_footer_shows_keys_and_what_they_do() {
    let footer = text(&filled(MONO, SMALL));
    let footer = footer.lines().last().unwrap_or_default();
    assert!(footer.starts_with("Enter "), "{footer}");
    let looks = looks(&filled(DARK, SMALL));
    let looks = looks.lines().last().unwrap_or_default();
    assert!(looks.starts_with("CCCCC  "), "{looks}");
}
