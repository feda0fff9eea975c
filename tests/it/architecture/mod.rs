//! The architecture, kept by its arrows: which module may know which. A failure names each file, line
//! and arrow that breaks a rule.

mod arrows;
mod judging;
mod reading;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use arrows::{Arrow, Modules};

/// Arrows that break a rule and are still to go: from a module, or one in it, to a module, or
/// something in it. This list only shrinks. A test fails for an exception that is not needed.
const EXCEPTIONS: &[(&str, &str)] = &[];

struct Rule {
    says: &'static str,
    who: Who,
    /// Modules of ours, and of others what begins with `::`.
    never_knows: &'static [&'static str],
}

/// Modules, with all that is in them.
enum Who {
    These(&'static [&'static str]),
    AllBut(&'static [&'static str]),
}

const RULES: &[Rule] = &[
    Rule {
        says: "only remote knows the SSH library",
        who: Who::AllBut(&["remote"]),
        never_knows: &["::ssh2", "::libssh2_sys"],
    },
    Rule {
        says: "only the screens know the terminal library",
        who: Who::AllBut(&["frontends::tui"]),
        never_knows: &["::ratatui", "::crossterm"],
    },
    Rule {
        says: "a plan is computed: no file, connection, process, clock or random number",
        who: Who::These(&["plan", "procedures", "topology"]),
        never_knows: &[
            "::std::env",
            "::std::fs",
            "::std::io",
            "::std::net::TcpListener",
            "::std::net::TcpStream",
            "::std::net::ToSocketAddrs",
            "::std::net::UdpSocket",
            "::std::os",
            "::std::process",
            "::std::thread",
            "::std::time::Instant::now",
            "::std::time::SystemTime::now",
            "::time::OffsetDateTime::now_local",
            "::time::OffsetDateTime::now_utc",
            "::time::UtcDateTime::now",
            "::openssl::rand",
            "::tempfile",
        ],
    },
    Rule {
        says: "a screen shows what it is given",
        who: Who::These(&[
            "frontends::tui::credential_prompt",
            "frontends::tui::frame",
            "frontends::tui::pages",
            "frontends::tui::update",
            "frontends::tui::widgets",
        ]),
        never_knows: &["remote", "run", "::std::fs", "::std::thread"],
    },
    Rule {
        says: "a run is assembled in one room",
        who: Who::AllBut(&["run"]),
        never_knows: &["procedures::install"],
    },
    Rule {
        says: "only the program prints and ends the process",
        who: Who::AllBut(&["cli", "frontends::tui::terminal"]),
        never_knows: &[
            "::std::dbg",
            "::std::eprint",
            "::std::eprintln",
            "::std::print",
            "::std::println",
            "::std::process::abort",
            "::std::process::exit",
        ],
    },
    Rule {
        says: "what is printed is sanitised",
        who: Who::AllBut(&["cli::streams", "frontends::tui::terminal"]),
        never_knows: &["::std::io::stderr", "::std::io::stdout"],
    },
];

/// Rooms that the rules name and that are still to be built.
const TO_COME: [&str; 0] = [];

/// Who may know a frontend, besides itself.
const CHOOSERS: [&str; 1] = ["cli"];

/// The modules in it do not know each other.
const PAGES: &str = "frontends::tui::pages";

/// Every module in `frontends`.
fn frontends(modules: &BTreeSet<String>) -> Vec<&str> {
    let names = modules.iter().map(String::as_str);
    let is_one = |name: &&str| {
        let place = name.strip_prefix("frontends::");
        place.is_some_and(|rest| !rest.contains("::"))
    };
    names.filter(is_one).collect()
}

/// Every source file below `src`, with its path from there.
static FILES: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    walk(&root, &mut paths);
    let file = |path: PathBuf| {
        let name = path.strip_prefix(&root).unwrap().to_str().unwrap();
        (name.to_owned(), std::fs::read_to_string(&path).unwrap())
    };
    paths.into_iter().map(file).collect()
});

static OURS: LazyLock<Map> = LazyLock::new(|| Map::of(&FILES));

struct Map {
    modules: BTreeSet<String>,
    arrows: BTreeSet<Arrow>,
}

/// Whether a path is a room, or something in it.
fn within(path: &str, room: &str) -> bool {
    path.strip_prefix(room)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn parent(module: &str) -> &str {
    module.rsplit_once("::").map_or("", |(parent, _)| parent)
}

fn any_within(path: &str, rooms: &[&str]) -> bool {
    rooms.iter().any(|room| within(path, room))
}

impl Rule {
    fn forbids(&self, arrow: &Arrow) -> bool {
        let about = match self.who {
            Who::These(rooms) => any_within(&arrow.from, rooms),
            Who::AllBut(rooms) => !any_within(&arrow.from, rooms),
        };
        about && any_within(&arrow.to, self.never_knows)
    }

    /// All of our own rooms that it names.
    fn rooms(&self) -> impl Iterator<Item = &'static str> {
        let (Who::These(rooms) | Who::AllBut(rooms)) = self.who;
        let all = rooms.iter().chain(self.never_knows).copied();
        all.filter(|name| !name.starts_with("::"))
    }
}

impl Map {
    fn of(files: &BTreeMap<String, String>) -> Self {
        let modules = Modules::of(files);
        Self {
            modules: modules.names(),
            arrows: modules.arrows(),
        }
    }

    /// Everything that breaks a rule, but for exceptions.
    fn faults(&self, exceptions: &[(&str, &str)]) -> Vec<String> {
        let excepted = |arrow: &Arrow| {
            let mut exceptions = exceptions.iter();
            exceptions.any(|(from, to)| within(&arrow.from, from) && within(&arrow.to, to))
        };
        let arrows = self.arrows.iter().filter(|arrow| !excepted(arrow));
        let arrows: Vec<_> = arrows.collect();
        let mut faults = Vec::new();
        for rule in RULES {
            let broken = arrows.iter().filter(|arrow| rule.forbids(arrow));
            faults.extend(broken.map(|arrow| format!("{arrow} ({})", rule.says)));
        }
        for frontend in frontends(&self.modules) {
            let broken = arrows.iter().filter(|arrow| {
                let from_outside = !within(&arrow.from, frontend);
                from_outside && within(&arrow.to, frontend) && !any_within(&arrow.from, &CHOOSERS)
            });
            let says = "a frontend is known to the command line alone";
            faults.extend(broken.map(|arrow| format!("{arrow} ({says})")));
        }
        let between_pages = arrows.iter().filter(|arrow| {
            let pair = self.side_by_side(arrow);
            pair.is_some_and(|(from, to)| parent(from) == PAGES && parent(to) == PAGES)
        });
        let says = "a page knows the others by name alone";
        faults.extend(between_pages.map(|arrow| format!("{arrow} ({says})")));
        faults.extend(self.circles(&arrows));
        faults
    }

    /// Modules side by side, at any level, that know each other in a circle: its arrows, once a file.
    /// Those of the fewest files come first: one of them is likely the mistake.
    fn circles(&self, arrows: &[&Arrow]) -> Vec<String> {
        let mut knows: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let mut pairs: BTreeMap<_, BTreeMap<&str, &Arrow>> = BTreeMap::new();
        for arrow in arrows {
            if let Some((from, to)) = self.side_by_side(arrow) {
                knows.entry(from).or_default().insert(to);
                let files = pairs.entry((from, to)).or_default();
                files.entry(&arrow.file).or_insert(arrow);
            }
        }
        let mut circles: Vec<_> = pairs
            .into_iter()
            .filter(|((from, to), _)| everything_from(to, &knows).contains(from))
            .collect();
        circles.sort_by_key(|(_, files)| files.len());
        let lines = circles.into_iter().flat_map(|((from, to), files)| {
            let arrows = files.into_values();
            arrows.map(move |arrow| format!("{arrow} ({from} → {to} is in a circle)"))
        });
        lines.collect()
    }

    /// The two modules in the same one, one of which knows the other by this arrow.
    fn side_by_side<'a>(&self, arrow: &'a Arrow) -> Option<(&'a str, &'a str)> {
        let froms = arrow.from.split("::");
        let tos = arrow.to.split("::");
        let mut length = 0;
        for (from, to) in froms.zip(tos) {
            if from != to {
                let (from, to) = (
                    &arrow.from[..length + from.len()],
                    &arrow.to[..length + to.len()],
                );
                return self.modules.contains(to).then_some((from, to));
            }
            length += from.len() + "::".len();
        }
        None
    }
}

/// All that can be reached from a module by one arrow or more.
fn everything_from<'a>(from: &str, knows: &BTreeMap<&str, BTreeSet<&'a str>>) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&str> = vec![from];
    while let Some(module) = next.pop() {
        for to in knows.get(module).into_iter().flatten() {
            if reached.insert(*to) {
                next.push(to);
            }
        }
    }
    reached
}

fn told(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn every_module_knows_only_what_it_may() {
    told(&OURS.faults(EXCEPTIONS));
}

#[test]
fn every_exception_is_still_needed() {
    let others = |place: usize| [&EXCEPTIONS[..place], &EXCEPTIONS[place + 1..]].concat();
    let now = OURS.faults(EXCEPTIONS);
    let is_needless = |place: &usize| OURS.faults(&others(*place)) == now;
    let needless = (0..EXCEPTIONS.len()).filter(is_needless);
    let lines = needless.map(|place| {
        let (from, to) = EXCEPTIONS[place];
        format!("take it out of EXCEPTIONS: {from} → {to}")
    });
    told(&lines.collect::<Vec<_>>());
}

#[test]
fn the_rules_name_rooms_that_exist() {
    let rooms = RULES.iter().flat_map(Rule::rooms).chain(CHOOSERS);
    let missing: BTreeSet<_> = rooms.filter(|room| !OURS.modules.contains(*room)).collect();
    assert_eq!(missing, TO_COME.into());
    let frontends = frontends(&OURS.modules);
    assert!(frontends.len() > 1, "{frontends:?}");
}

/// The compiler refuses unsafe code where no attribute allows it.
#[test]
fn unsafe_code_has_one_room() {
    let allowing = FILES
        .iter()
        .filter(|(_, text)| text.contains("unsafe_code"));
    let files: Vec<_> = allowing.map(|(name, _)| name).collect();
    assert_eq!(files, ["remote/sys.rs"]);
}

#[test]
fn files_are_not_too_long_to_read() {
    let lines = FILES
        .iter()
        .map(|(name, text)| (name, text.lines().count()));
    let long = lines.filter(|(_, lines)| *lines > 600);
    assert_eq!(long.collect::<Vec<_>>(), []);
}

/// The name of a type that a line defines.
fn defined_type(line: &str) -> Option<&str> {
    let words = line.strip_prefix("pub").map_or(line, |rest| {
        let rest = rest.trim_start_matches(['(', ')']);
        rest.split_once(' ').map_or(rest, |(_, rest)| rest)
    });
    let (kind, rest) = words.split_once(' ')?;
    let is_kind = ["struct", "enum", "trait", "type"].contains(&kind);
    let end = rest.find(|letter: char| !letter.is_alphanumeric());
    Some(&rest[..end.unwrap_or(rest.len())]).filter(|_| is_kind)
}

#[test]
fn a_type_name_means_one_thing() {
    assert_eq!(defined_type("pub(super) struct One<'a> {"), Some("One"));
    assert_eq!(defined_type("type Two = u8;"), Some("Two"));
    assert_eq!(defined_type("pub fn struct_three() {}"), None);
    let mut places: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (file, text) in FILES.iter() {
        for (number, line) in text.lines().enumerate() {
            if let Some(name) = defined_type(line) {
                let place = format!("src/{file}:{}", number + 1);
                places.entry(name).or_default().push(place);
            }
        }
    }
    let several = places.into_iter().filter(|(_, places)| places.len() > 1);
    let lines = several.map(|(name, places)| format!("{name}: {}", places.join(", ")));
    told(&lines.collect::<Vec<_>>());
}
