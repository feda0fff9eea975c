//! The loop: messages in, the model changed, effects done, a frame drawn when something changed.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use crossterm::event::{self, Event as Input};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM, SIGTSTP};
use signal_hook::iterator::Signals;
use time::OffsetDateTime;

use crate::answers::{Answers, EnteredCredentials};
use crate::cluster::details::ObjectName;
use crate::engine::control::Control;
use crate::engine::watch::{Lost, News};
use crate::events::Abort;
use crate::events::tail::{self, Tail};
use crate::interview::drafts;
use crate::interview::save::{save_to, whole, write_to};
use crate::run::drill::offers;
use crate::run::{RunError, Tried, known, ways};
use crate::secrets::SecretText;
use crate::signals;
use crate::state::files::Existing;

use super::common::{Common, SavePrompt};
use super::effect::{Effect, EnteredSecret, Order, ProbeOrder, Saved};
use super::live::LiveUpdate;
use super::message::{DrillNews, Message, RunFiles};
use super::model::Model;
use super::poller::PollError;
use super::summary::RunEnd;
use super::terminal::Guard;
use super::terminal_handoff::{LOOK_UP, TerminalHandoff};
use super::update::update;
use super::{drilling, driver};
use super::{frame, text};
use super::{poller, probe};

/// How long messages are taken in before a frame is drawn, when many come; and how long a frame
/// stands, unless a key is pressed: more of them are not seen, and a slow line has to carry them.
const BUSY: Duration = Duration::from_millis(16);

pub struct EventLoop {
    messages: Sender<Message>,
    inbox: Receiver<Message>,
    /// Ends the run that is at work, and the looking at what it has left.
    control: Arc<Control>,
    orders: Option<Sender<Order>>,
    /// Objects of the cluster that the operator wants to know more of.
    chosen: Option<Sender<ObjectName>>,
    /// Secrets that were typed, and what came of passwords: for this process alone.
    tried: Tried,
    /// End what tries hosts in the background.
    probes: BTreeMap<u64, Arc<Control>>,
    outcomes: (Sender<RunEnd>, Receiver<RunEnd>),
    drafts: drafts::Keeper,
    /// The terminal is gone: no frame is drawn any more.
    blind: bool,
    handoff: Arc<TerminalHandoff>,
}

impl EventLoop {
    /// Without leave to change anything, no run starts.
    pub fn new(read_only: bool) -> io::Result<Self> {
        let (messages, inbox) = unbounded();
        let tell = messages.clone();
        let event_loop = Self {
            drafts: drafts::Keeper::start(move |text| drop(tell.send(Message::Said(text))))?,
            messages,
            inbox,
            control: Arc::default(),
            orders: None,
            chosen: None,
            tried: Tried {
                asks: true,
                read_only,
                ..Tried::default()
            },
            probes: BTreeMap::new(),
            outcomes: unbounded(),
            blind: false,
            handoff: Arc::default(),
        };
        event_loop.watch_signals()?;
        Ok(event_loop)
    }

    /// What is written to a log happens here too, until its run has ended.
    pub fn follow(&self, mut tail: Tail) -> io::Result<()> {
        let messages = self.messages.clone();
        thread::Builder::new().name("tail".into()).spawn(move || {
            while !tail.ended() {
                thread::sleep(tail::PAUSE);
                let events = match tail.read() {
                    Ok(events) => events,
                    Err(error) => {
                        drop(messages.send(Message::NotFollowed(error.to_string())));
                        return;
                    }
                };
                for event in events {
                    if messages.send(Message::Event(Box::new(event))).is_err() {
                        return;
                    }
                }
            }
        })?;
        Ok(())
    }

    /// Shows the model until the operator leaves. How the last run ended.
    pub fn run(mut self, model: &mut Model, guard: &mut Guard) -> io::Result<RunEnd> {
        self.draw(model, guard)?;
        self.watch_input()?;
        let mut last = Instant::now();
        let mut drawn = last;
        loop {
            let Some(first) = self.next(model, &mut last) else {
                break;
            };
            let began = Instant::now();
            let mut next = Some(first);
            let mut leaves = false;
            let mut hurries = false;
            while let Some(message) = next {
                hurries |= is_of_operator(&message);
                for effect in update(model, message) {
                    leaves |= self.carry_out(effect, model, guard)?;
                }
                let more = !leaves && began.elapsed() < BUSY;
                next = match more {
                    true if hurries => self.inbox.try_recv().ok(),
                    true => self.inbox.recv_deadline(drawn + BUSY).ok(),
                    false => None,
                };
            }
            if leaves {
                break;
            }
            self.draw(model, guard)?;
            drawn = Instant::now();
        }
        self.drafts.finish();
        Ok(self.outcomes.1.try_iter().last().unwrap_or_default())
    }

    /// The next message; the passing of time is one too, while something changes by itself.
    fn next(&self, model: &Model, last: &mut Instant) -> Option<Message> {
        let tick = |last: &mut Instant| {
            let now = Instant::now();
            let passed = now.duration_since(*last);
            *last = now;
            Message::Tick(u64::try_from(passed.as_millis()).unwrap_or(u64::MAX))
        };
        let Some(wakes) = model.wakes() else {
            let message = self.inbox.recv().ok();
            // The time is not counted while nothing moves.
            *last = Instant::now();
            return message;
        };
        let due = Duration::from_millis(wakes).saturating_sub(last.elapsed());
        if due.is_zero() {
            return Some(tick(last));
        }
        match self.inbox.recv_timeout(due) {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Timeout) => Some(tick(last)),
            Err(RecvTimeoutError::Disconnected) => None,
        }
    }

    /// A terminal that is gone must not end a run: it goes on, unseen.
    fn draw(&mut self, model: &Model, guard: &mut Guard) -> io::Result<()> {
        if self.blind {
            return Ok(());
        }
        let drawn = guard.draw(|frame| frame::view(model, frame));
        self.bear(model, drawn)
    }

    /// What failed with the terminal ends the wizard only while nothing is at work.
    fn bear(&mut self, model: &Model, done: io::Result<()>) -> io::Result<()> {
        if done.is_err() && model.common.at_work {
            self.blind = true;
            return Ok(());
        }
        done
    }

    /// Whether the screens are to be left.
    fn carry_out(
        &mut self,
        effect: Effect,
        model: &mut Model,
        guard: &mut Guard,
    ) -> io::Result<bool> {
        match effect {
            // The model went there itself.
            Effect::Go(_) => {}
            Effect::Quit => return Ok(true),
            Effect::Suspend => {
                let suspended = guard.suspend();
                self.bear(model, suspended)?;
                drop(self.messages.send(Message::Resumed));
                if let Ok((width, height)) = crossterm::terminal::size() {
                    model.common.size = (width, height);
                }
            }
            Effect::TakeTerminal => {
                let taken = guard.take_again();
                self.bear(model, taken)?;
            }
            Effect::Shell(answers, host) => {
                let text = self.shell(&answers, &host);
                let taken = guard.take_again();
                self.bear(model, taken)?;
                if let Ok((width, height)) = crossterm::terminal::size() {
                    model.common.size = (width, height);
                }
                model.common.say(text);
            }
            Effect::Redraw => {
                let cleared = guard.clear();
                self.bear(model, cleared)?;
            }
            Effect::Copy(text) => {
                let copied = Guard::copy(&text);
                self.bear(model, copied)?;
            }
            Effect::Watch(name) => {
                if let Err(why) = self.watch(&name) {
                    self.not_watched(why);
                }
            }
            Effect::ListDrills(name) => self.list_drills(name)?,
            Effect::Drill(order) => {
                self.control.abort(Abort::Hard, text::BY_OPERATOR);
                // As on the command line, a failure ends the drills, and with them their clients.
                self.control = Arc::default();
                let (tried, control) = (self.tried.clone(), self.control.clone());
                let (messages, outcome) = (self.messages.clone(), self.outcomes.0.clone());
                drilling::start(order, tried, control, messages, outcome)?;
            }
            Effect::LookAt(object) => {
                if let Some(chosen) = &self.chosen {
                    let _ = chosen.send(object);
                }
            }
            Effect::Reach(answers) => {
                self.tried.trials.forgive(None);
                self.reach(*answers)?;
            }
            Effect::ReachOn(answers) => self.reach(*answers)?,
            Effect::Probe(order) => self.probe(*order)?,
            Effect::StopProbe(id) => {
                if let Some(control) = self.probes.remove(&id) {
                    control.abort(Abort::Hard, text::BY_OPERATOR);
                }
            }
            Effect::ForgetSecrets => self.tried.asked = EnteredCredentials::default(),
            Effect::Forgive => self.tried.trials.forgive(None),
            Effect::Give(given) => self.give(model, &given),
            Effect::Begin(yes) => {
                if yes {
                    self.drafts.drop_draft();
                }
                if let Some(orders) = self.orders.take() {
                    let _ = orders.send(Order::Begin(yes));
                }
            }
            Effect::CheckAgain => self.order(Order::CheckAgain),
            Effect::Plan => self.order(Order::Plan),
            Effect::LetBegin(phases) => self.control.let_begin(phases),
            Effect::Decide(step, decision) => self.control.decide(step, decision),
            Effect::Abort(how) => {
                // A run that waits for its beginning does not begin.
                self.orders = None;
                let why = model.signal.map_or(text::BY_OPERATOR, signals::name);
                self.control.abort(how, why);
            }
            Effect::Save {
                what,
                path,
                replaces,
            } => save(&mut model.common, what, path, replaces),
            Effect::KeepDraft(answers) => self.drafts.keep(*answers),
            Effect::Load(path) => self.load(path)?,
            Effect::Generate(key) => {
                let message = match SecretText::random() {
                    Ok(secret) => Message::Generated(key, secret),
                    Err(error) => Message::Said(text::not_generated(&error.to_string())),
                };
                drop(self.messages.send(message));
            }
        }
        Ok(false)
    }

    /// Holds a secret for the next logins.
    fn give(&mut self, model: &mut Model, given: &EnteredSecret) {
        let asked = &mut self.tried.asked;
        let same = || {
            let answers = model.common.answers()?;
            answers.login_secrets(&given.host, asked).ok()?.password
        };
        let Some(secret) = given.secret.clone().or_else(same) else {
            model.common.say(text::NO_SSH_PASSWORD);
            return;
        };
        self.tried.trials.forgive(Some(&secret));
        asked.take(&given.host, &given.what, &secret, given.for_all);
    }

    /// For the hosts that wait, where there are any.
    fn order(&self, order: Order) {
        if let Some(orders) = &self.orders {
            let _ = orders.send(order);
        }
    }

    fn reach(&mut self, answers: Answers) -> io::Result<()> {
        let (orders, inbox) = unbounded();
        self.orders = Some(orders);
        let (chosen, looked_at) = unbounded();
        self.chosen = Some(chosen);
        // What the last run has left is not looked at any more.
        self.control.abort(Abort::Hard, text::BY_OPERATOR);
        self.control = Arc::new(Control::attended());
        driver::start(
            answers,
            self.tried.clone(),
            self.control.clone(),
            inbox,
            looked_at,
            self.messages.clone(),
            self.outcomes.0.clone(),
        )
    }

    /// Looks at a cluster that was installed before; why it cannot.
    fn watch(&mut self, name: &str) -> Result<(), String> {
        self.control.abort(Abort::Hard, text::BY_OPERATOR);
        self.control = Arc::new(Control::attended());
        let (chosen, looked_at) = unbounded();
        self.chosen = Some(chosen);
        let known = known::find(None, Some(name), None).map_err(|error| error.to_string())?;
        let files = RunFiles {
            log: None,
            kubeconfig: known.folder().kubeconfig().display().to_string(),
            next: known.for_kubectl(),
        };
        drop(self.messages.send(Message::Files(files)));
        let poll = known.poll().map_err(|error| error.to_string())?;
        let (tried, control) = (&self.tried, &self.control);
        poller::start(poll, tried, control, &self.messages, looked_at, None).map_err(|error| {
            if let PollError::Run(RunError::LoginSecret(error)) = &error {
                let update = LiveUpdate::Refused(probe::of_secret(error));
                drop(self.messages.send(Message::Live(Box::new(update))));
            }
            error.to_string()
        })
    }

    /// The page says so as long as it is shown.
    fn not_watched(&self, why: String) {
        let lost = Lost {
            since: OffsetDateTime::now_utc(),
            last: None,
            why: vec![why],
            given_up: true,
        };
        let update = LiveUpdate::Cluster(News::Lost(lost));
        drop(self.messages.send(Message::Live(Box::new(update))));
    }

    /// Lends the terminal to a shell until that ends. What came of it.
    fn shell(&self, answers: &Answers, host: &str) -> String {
        let mut ssh = match ways::shell(answers, host) {
            Ok(command) => command,
            Err(error) => return text::no_shell(&error.to_string()),
        };
        self.handoff.begin();
        let ended = Guard::lend(&text::shell_opens(host), &mut ssh);
        self.handoff.end();
        match ended {
            Ok(()) => text::shell_ended(host),
            Err(error) => text::no_shell(&error.to_string()),
        }
    }

    fn probe(&mut self, order: ProbeOrder) -> io::Result<()> {
        // Those that are over hold theirs no more.
        self.probes
            .retain(|_, control| Arc::strong_count(control) > 1);
        let control = Arc::<Control>::default();
        self.probes.insert(order.id, control.clone());
        probe::start(order, self.tried.clone(), control, self.messages.clone())
    }

    fn load(&self, path: PathBuf) -> io::Result<()> {
        let messages = self.messages.clone();
        thread::Builder::new().name("load".into()).spawn(move || {
            let message = match Answers::load(&path) {
                Ok(answers) => Message::Loaded(Box::new(answers)),
                Err(problems) => Message::NotLoaded(problems),
            };
            drop(messages.send(message));
        })?;
        Ok(())
    }

    /// The logs of earlier drills may be long.
    fn list_drills(&self, name: String) -> io::Result<()> {
        let messages = self.messages.clone();
        thread::Builder::new()
            .name("drills".into())
            .spawn(move || {
                let known = known::find(None, Some(&name), None);
                let known = known.map_err(|error| error.to_string());
                let offers =
                    known.and_then(|known| offers(known).map_err(|error| error.to_string()));
                drop(messages.send(Message::Drills(DrillNews::Offered(offers))));
            })?;
        Ok(())
    }

    fn watch_input(&self) -> io::Result<()> {
        let (messages, handoff) = (self.messages.clone(), self.handoff.clone());
        thread::Builder::new().name("input".into()).spawn(move || {
            loop {
                handoff.wait();
                // An error means that the terminal is gone; a signal says so as well.
                let input = match event::poll(LOOK_UP) {
                    Ok(true) => event::read(),
                    Ok(false) => continue,
                    Err(_) => break,
                };
                let Ok(input) = input else { break };
                let message = match input {
                    Input::Key(key) => Message::Key(key),
                    Input::Paste(text) => Message::Paste(text),
                    Input::Mouse(mouse) => Message::Mouse(mouse),
                    Input::Resize(width, height) => Message::Resize(width, height),
                    Input::FocusGained | Input::FocusLost => continue,
                };
                if messages.send(message).is_err() {
                    break;
                }
            }
        })?;
        Ok(())
    }

    fn watch_signals(&self) -> io::Result<()> {
        let mut signals = Signals::new([SIGTERM, SIGHUP, SIGINT, SIGTSTP, SIGCONT])?;
        let (messages, handoff) = (self.messages.clone(), self.handoff.clone());
        thread::Builder::new()
            .name("signals".into())
            .spawn(move || {
                for signal in signals.forever() {
                    // The keys of the process that has the terminal reach the wizard as well.
                    if handoff.is() && matches!(signal, SIGINT | SIGTSTP | SIGCONT) {
                        continue;
                    }
                    let message = match signal {
                        SIGTSTP => Message::Stopped,
                        SIGCONT => Message::Continued,
                        signal => Message::Signal(signal),
                    };
                    if messages.send(message).is_err() {
                        break;
                    }
                }
            })?;
        Ok(())
    }
}

/// The operator waits for what it does.
fn is_of_operator(message: &Message) -> bool {
    matches!(
        message,
        Message::Key(_) | Message::Paste(_) | Message::Mouse(_) | Message::Resize(..)
    )
}

/// Saves to a file. Where there is another one, the operator is asked.
fn save(common: &mut Common, what: Saved, path: String, replaces: bool) {
    let existing = if replaces {
        Existing::IsReplaced
    } else {
        Existing::MustBeSame
    };
    let saved = match &what {
        Saved::Answers(answers) => save_to(Path::new(&path), answers, existing),
        // Its name is the wizard's: the message says in which folder it is.
        Saved::Log(log) => {
            let path = whole(Path::new(&path));
            write_to(&path, log, existing, text::saved)
        }
    };
    let Ok(text) = saved else {
        let exists = true;
        common.saving = Some(SavePrompt { what, path, exists });
        return;
    };
    common.say(text);
    if let Saved::Answers(_) = what {
        common.saved = Some(path);
    }
}
