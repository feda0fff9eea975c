//! A host whose wizard's folder under /run is somewhere else, and whose systemd is a stand-in that
//! starts commands in a session of their own. So code that needs systemd can be tested on a machine
//! without it; the lab tests it with the real one.

use std::fs;
use std::ops::ControlFlow;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use k3s_ha_wizard::events::Stream;
use k3s_ha_wizard::remote::{Relay, RelayTarget, Remote, RemoteError, Script, ScriptInput};

const REAL: &str = "/run/k3s-ha-wizard";

/// Starts a unit: a file while it is there, a second one when it failed. What is left of it when
/// its process is gone is killed. This shell stays beside it, as its parent.
const SYSTEMD_RUN: &str = r#"#!/bin/sh
for word; do
    case $word in
    --unit=*) unit=$UNITS/${word#--unit=}.service ;;
    --*) ;;
    *) break ;;
    esac
    shift
done
[ ! -e "$unit" ] && [ ! -e "$unit.failed" ] || { echo "$unit was already loaded" >&2; exit 1; }
echo x >>$UNITS/started
: >"$unit"
(
    setsid "$@" &
    echo $! >"$unit"
    wait $!
    status=$?
    [ "$status" = 0 ] || [ "$status" = 143 ] ||
        echo "Result=signal ExecMainStatus=$((status - 128))" >"$unit.failed"
    kill -KILL "-$!"
    rm -f "$unit"
) </dev/null >/dev/null 2>&1 &
"#;

/// The few words that are spoken to it.
const SYSTEMCTL: &str = r#"#!/bin/sh
for unit; do :; done
unit=$UNITS/$unit
active=inactive load=not-found
[ ! -e "$unit.failed" ] || active=failed load=loaded
[ ! -e "$unit" ] || active=active load=loaded
case $1-$2 in
show---property=LoadState) echo LoadState=$load ;;
show---property=ActiveState) echo ActiveState=$active ;;
show---property=LoadState,ActiveState) echo LoadState=$load; echo ActiveState=$active ;;
show---property=Result,ExecMainStatus) cat "$unit.failed" 2>/dev/null || echo Result=success ;;
stop---no-block) [ ! -s "$unit" ] || kill -TERM "-$(cat "$unit")" ;;
kill---signal=KILL) kill -KILL "-$(cat "$unit")" ;;
reset-failed-*) rm -f "$unit.failed" ;;
*) echo "unknown: $*" >&2; exit 1 ;;
esac
"#;

/// To name who listens, it would look through the processes of all such hosts, each for itself: of a
/// hundred hosts on one machine, a hundred times what a real one has.
const SS: &str = r#"#!/bin/sh
exec /usr/bin/ss "${1%p}"
"#;

pub struct Elsewhere {
    folder: tempfile::TempDir,
}

impl Elsewhere {
    pub fn create() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = Self { folder };
        fs::create_dir(elsewhere.path("units")).unwrap();
        fs::create_dir(elsewhere.path("bin")).unwrap();
        let units = elsewhere.path("units");
        let stand_ins = [
            ("systemd-run", SYSTEMD_RUN),
            ("systemctl", SYSTEMCTL),
            ("ss", SS),
        ];
        for (name, text) in stand_ins {
            let path = elsewhere.path("bin").join(name);
            fs::write(&path, text.replace("$UNITS", units.to_str().unwrap())).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        elsewhere
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The replacement for /run/k3s-ha-wizard.
    pub fn run(&self) -> PathBuf {
        self.path("run")
    }

    /// How many units were started.
    pub fn started(&self) -> usize {
        let list = fs::read_to_string(self.path("units").join("started"));
        list.unwrap_or_default().lines().count()
    }

    /// The same host, seen there.
    pub fn on<R: Remote>(&self, remote: R) -> There<R> {
        self.share().on(remote)
    }

    /// For connections that are made later.
    pub fn share(&self) -> Place {
        Place(self.folder.path().to_owned())
    }
}

/// Where it is.
pub struct Place(PathBuf);

impl Place {
    pub fn on<R: Remote>(&self, remote: R) -> There<R> {
        There {
            remote,
            folder: self.0.clone(),
        }
    }
}

pub struct There<R> {
    pub remote: R,
    folder: PathBuf,
}

impl<R> There<R> {
    fn script(&self, script: &str) -> String {
        let at = |path: &Path| path.to_str().unwrap().to_owned();
        let bin = at(&self.folder.join("bin"));
        let script = script.replace(REAL, &at(&self.folder.join("run")));
        format!("PATH={bin}:$PATH\n{script}")
    }
}

impl<R: Remote> Remote for There<R> {
    fn host(&self) -> &str {
        self.remote.host()
    }

    fn stream(
        &mut self,
        script: &Script,
        limit: Duration,
        bytes: &mut dyn FnMut(Stream, &[u8]) -> ControlFlow<String>,
    ) -> Result<i32, RemoteError> {
        let text = script.text().unwrap();
        let script = Script::new(self.script(text.expose()).leak());
        self.remote.stream(&script, limit, bytes)
    }

    fn feed(
        &mut self,
        script: &Script,
        input: ScriptInput<'_>,
        limit: Duration,
        line: &mut dyn FnMut(Stream, &str),
    ) -> Result<i32, RemoteError> {
        let text = script.text().unwrap();
        let script = Script::new(self.script(text.expose()).leak());
        self.remote.feed(&script, input, limit, line)
    }

    fn relay_to(
        &mut self,
        to: &RelayTarget,
        limit: Duration,
    ) -> Result<Box<dyn Relay + '_>, RemoteError> {
        self.remote.relay_to(to, limit)
    }

    fn keep_alive(&mut self) -> Result<(), RemoteError> {
        self.remote.keep_alive()
    }
}
