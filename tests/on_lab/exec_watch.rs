//! Every program that is started on this machine, with its arguments and its environment. The hosts of
//! the lab share the kernel, so one watch sees them all.
//!
//! The kernel's process connector reports every exec to a listener outside of all namespaces. Elsewhere
//! the watch reads /proc over and over, and says how often.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::net::netlink::{CONNECTOR, SocketAddrNetlink};
use rustix::net::sockopt::{Timeout, set_socket_recv_buffer_size_force, set_socket_timeout};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recv, send, socket_with,
};

/// How long the watch sleeps between two looks at /proc.
const PAUSE: Duration = Duration::from_millis(10);

pub struct ExecWatch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Execs>,
}

/// A program that was started.
#[derive(PartialEq, Eq, Hash)]
pub struct Exec {
    /// Each ends with a NUL.
    pub arguments: Vec<u8>,
    pub environment: Vec<u8>,
}

/// What a watch saw.
#[derive(Default)]
pub struct Execs {
    pub all: HashSet<Exec>,
    /// How it watched, and what it may have missed.
    pub how: String,
}

impl ExecWatch {
    pub fn start() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let listener = listen();
        let thread = thread::spawn(move || match listener {
            Ok(socket) => heard(&socket, &stopped),
            Err(why) => sampled(&why, &stopped),
        });
        Self { stop, thread }
    }

    pub fn ends(self) -> Execs {
        self.stop.store(true, Ordering::Release);
        self.thread.join().unwrap()
    }
}

impl Execs {
    fn add(&mut self, process: &str) -> bool {
        let read = |what: &str| fs::read(format!("/proc/{process}/{what}")).unwrap_or_default();
        let (arguments, environment) = (read("cmdline"), read("environ"));
        let is_read = !arguments.is_empty();
        if is_read {
            self.all.insert(Exec {
                arguments,
                environment,
            });
        }
        is_read
    }
}

/// A socket on which the kernel reports: as `linux/connector.h` and `linux/cn_proc.h` have it.
fn listen() -> io::Result<OwnedFd> {
    const PROCESSES: u32 = 1;
    let flags = SocketFlags::CLOEXEC;
    let socket = socket_with(
        AddressFamily::NETLINK,
        SocketType::DGRAM,
        flags,
        Some(CONNECTOR),
    )?;
    bind(&socket, &SocketAddrNetlink::new(0, PROCESSES))?;
    set_socket_timeout(&socket, Timeout::Recv, Some(Duration::from_millis(200)))?;
    set_socket_recv_buffer_size_force(&socket, 32 << 20)?;
    let mut message = Vec::new();
    // The netlink header: length, type DONE, flags; sequence, port.
    message.extend_from_slice(&40u32.to_ne_bytes());
    message.extend_from_slice(&3u16.to_ne_bytes());
    message.extend_from_slice(&[0; 10]);
    // The connector's: index, value; sequence, acknowledged; length, flags.
    message.extend_from_slice(&PROCESSES.to_ne_bytes());
    message.extend_from_slice(&1u32.to_ne_bytes());
    message.extend_from_slice(&[0; 8]);
    message.extend_from_slice(&4u16.to_ne_bytes());
    message.extend_from_slice(&[0; 2]);
    // Listen.
    message.extend_from_slice(&1u32.to_ne_bytes());
    send(&socket, &message, SendFlags::empty())?;
    // The kernel ignores a listener in a namespace without a word.
    assert!(Command::new("true").status()?.success());
    let mut buffer = [0; 4096];
    for _ in 0..1000 {
        let (_, length) = recv(&socket, &mut buffer[..], RecvFlags::empty())?;
        if started(&buffer[..length]).is_some() {
            return Ok(socket);
        }
    }
    Err(io::Error::other("no exec is reported"))
}

/// The process that a report of an exec is about.
fn started(report: &[u8]) -> Option<u32> {
    const EXEC: u32 = 2;
    let number = |at: usize| Some(u32::from_ne_bytes(report.get(at..at + 4)?.try_into().ok()?));
    // The event is behind both headers, and its data behind its kind, processor and time.
    (number(36)? == EXEC).then(|| number(56)).flatten()
}

fn heard(socket: &OwnedFd, stop: &AtomicBool) -> Execs {
    let mut execs = Execs::default();
    let (mut reported, mut read, mut lost) = (0, 0, 0);
    let mut buffer = [0; 4096];
    while !stop.load(Ordering::Acquire) {
        match recv(socket, &mut buffer[..], RecvFlags::empty()) {
            Ok((_, length)) => {
                if let Some(process) = started(&buffer[..length]) {
                    reported += 1;
                    read += usize::from(execs.add(&process.to_string()));
                }
            }
            Err(rustix::io::Errno::NOBUFS) => lost += 1,
            Err(_) => {}
        }
    }
    execs.how = format!(
        "the kernel reported {reported} execs, {read} of them lived long enough to be read; reports \
         were lost {lost} times"
    );
    execs
}

fn sampled(why: &io::Error, stop: &AtomicBool) -> Execs {
    let mut execs = Execs::default();
    // A process starts several programs: its arguments are another text then.
    let mut known = HashMap::<String, u64>::new();
    let (mut looks, began) = (0u32, Instant::now());
    while !stop.load(Ordering::Acquire) {
        let entries = fs::read_dir("/proc").unwrap().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let mut now = HashMap::new();
        for name in names.filter(|name| name.bytes().all(|byte| byte.is_ascii_digit())) {
            let age = known.get(&name).map_or(0, |age| age + 1);
            // Young ones still change what they run.
            if age < 20 || age.is_multiple_of(50) {
                execs.add(&name);
            }
            now.insert(name, age);
        }
        known = now;
        looks += 1;
        thread::sleep(PAUSE);
    }
    let each = began.elapsed() / looks.max(1);
    execs.how = format!(
        "no process connector here ({why}): looked at /proc {looks} times, every {} ms",
        each.as_millis()
    );
    execs
}

#[test]
fn a_watch_sees_arguments_and_environments() {
    let watch = ExecWatch::start();
    thread::sleep(Duration::from_millis(100));
    let status = Command::new("sh")
        .args(["-c", "sleep 0.3 && exec sleep 0.4", "an argument of a test"])
        .env("A_VARIABLE", "of the same test")
        .status();
    assert!(status.unwrap().success());
    let execs = watch.ends();
    println!("{}", execs.how);
    let has = |text: &[u8], part: &[u8]| text.windows(part.len()).any(|window| window == part);
    let shell = |exec: &&Exec| has(&exec.arguments, b"an argument of a test\0");
    let shell = execs.all.iter().find(shell).expect("it saw the shell");
    assert!(has(&shell.environment, b"A_VARIABLE=of the same test\0"));
    let arguments = |wanted: &[u8]| execs.all.iter().any(|exec| exec.arguments == wanted);
    assert!(arguments(b"sleep\x000.3\0") && arguments(b"sleep\x000.4\0"));
}
