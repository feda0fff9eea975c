//! What is done once, and delivers something.

use super::*;
use crate::plan::{Act, ActOutput};

/// A step that dumps a database.
fn dump() -> Step {
    let step = step("dump", "h", &[]);
    let Work::Shell(shell) = step.work else {
        unreachable!("a shell step")
    };
    let output = ActOutput::Backup {
        database: "k3s".into(),
        token: "0123456789ab".into(),
    };
    let work = Work::Act(Act { shell, output });
    Step { work, ..step }
}

/// The files of the backups, with their sizes, as they are when the step ends: their folder is in
/// the line that tells of the backup, and else unknown.
fn backups(world: World) -> (End, Vec<Event>, Vec<(String, u64)>) {
    let found = Arc::new(Mutex::new(Vec::new()));
    let kept = found.clone();
    let (end, events) = world.run_with(move |_, event| {
        if let What::Output { text, .. } = &event.what
            && let Some((path, _)) = text.split_once(".dump: ")
        {
            let folder = std::path::Path::new(path).parent().unwrap();
            let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
            let entries = entries.map(|entry| {
                let name = entry.file_name().into_string().unwrap();
                (name, entry.metadata().unwrap().len())
            });
            *kept.lock().unwrap() = entries.collect::<Vec<_>>();
        }
    });
    let mut found = found.lock().unwrap().clone();
    found.sort();
    (end, events, found)
}

#[test]
fn a_connection_that_is_lost_half_way_leaves_one_whole_backup() {
    let cut = host("h", 1).on("\nperform\n", Reply::lost().out("PGDMP ha"));
    let again = host("h", 1).on("\nperform\n", Reply::exit(0).out("PGDMP whole"));
    let (end, events, found) = backups(World::new(vec![dump()]).on("h", vec![cut, again]));
    assert_eq!(end, End::Done, "{events:?}");
    assert_eq!(ends(&events), ["dump@h done"]);
    let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["run.dump", "run.json"]);
    assert_eq!(found[0].1, "PGDMP whole\n".len() as u64);
}

#[test]
fn a_dump_that_fails_is_told_with_its_last_words_and_is_not_kept() {
    let failing = Reply::exit(1)
        .out("PGDMP ha")
        .err("pg_dump: error: connection to server lost");
    let one = host("h", 1).on("\nperform\n", failing);
    let (end, events, found) = backups(World::new(vec![dump()]).on("h", vec![one]));
    assert_eq!(end, End::Failed);
    assert_eq!(
        ends(&events),
        ["dump@h failed: pg_dump: error: connection to server lost"]
    );
    assert_eq!(found, []);
}

#[test]
fn what_is_no_archive_is_not_kept() {
    let one = host("h", 1).on("\nperform\n", Reply::exit(0).out("Welcome to h!"));
    let (end, events, _) = backups(World::new(vec![dump()]).on("h", vec![one]));
    assert_eq!(end, End::Failed);
    let ends = ends(&events);
    assert!(ends[0].contains("sent no archive of pg_dump"), "{ends:?}");
}

/// This machine may have slept meanwhile, and its lease is another run's.
#[test]
fn it_is_not_done_under_the_lease_of_another_run() {
    let one = Scripted::new("h")
        .answer(|script| script.contains("os.id").then(|| Reply::exit(0).out(FACTS)))
        .once("PATIENCE=", Reply::exit(0).out("lease taken"))
        .on("PATIENCE=", Reply::exit(0).out(leases::HELD))
        .on("OWNER=", Reply::exit(0))
        .on("\nperform\n", Reply::exit(0).out("PGDMP whole"));
    let told = one.told();
    let (end, events) = World::new(vec![dump()]).on("h", vec![one]).run();
    assert_eq!(end, End::Failed);
    let ends = ends(&events);
    assert!(
        ends[0].starts_with("dump@h failed: h: kay on jump-2 is using this host"),
        "{ends:?}"
    );
    assert_eq!(told.count("\nperform\n"), 0);
}
