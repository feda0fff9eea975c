//! Where to begin, the hosts, the options, the review.

use std::path::Path;

use zeroize::Zeroizing;

use super::ask::NoAnswer;
use super::console::EnteredLine;
use super::forms::{self, PlainForm, Wrong};
use super::text::Choice;
use super::{PlainPage, Walk, text as say};
use crate::answers::{Answers, Host};
use crate::interview::form::Field;
use crate::interview::offers::Offer;
use crate::interview::{binding, text};
use crate::report::lines::write_losses;
use crate::topology::Topology;

impl Walk {
    pub(super) fn welcome(&mut self) -> Result<PlainPage, NoAnswer> {
        if std::mem::replace(&mut self.greeted, true) {
            self.console.gap();
        } else {
            self.greet();
        }
        self.reviewed = false;
        loop {
            let offers = self.interview.found.offers();
            let named: Vec<_> = offers.iter().map(|offer| self.named(offer)).collect();
            let choices: Vec<Choice<'_>> = named
                .iter()
                .map(|(name, what)| (name.as_str(), what.as_str()))
                .collect();
            let chosen = match self.choose(&choices, Some(0), say::help::WELCOME) {
                // There is nothing before it.
                Err(NoAnswer::Back) => continue,
                chosen => chosen?,
            };
            let offer = &offers[chosen];
            let next = match offer {
                Offer::Cluster(_) => PlainPage::Review,
                Offer::Draft => PlainPage::Hosts,
                Offer::New if self.begins_anew()? => PlainPage::Options(0),
                Offer::Open if self.open()? => PlainPage::Review,
                Offer::New | Offer::Open => continue,
            };
            self.interview.begin(offer);
            return Ok(next);
        }
    }

    fn greet(&mut self) {
        for text in [text::WELCOME_WHAT, text::WELCOME_NEEDS, say::GUIDE] {
            self.console.say(text);
            self.console.gap();
        }
        if self.interview.found.needs_tmux {
            self.console.say(text::WELCOME_TMUX);
        }
        if let Some(trouble) = self.interview.found.trouble.clone() {
            self.console.say(&trouble);
        }
    }

    fn named(&self, offer: &Offer) -> (String, String) {
        let owned = |(name, what): (&str, &str)| (name.to_owned(), what.to_owned());
        match offer {
            Offer::Cluster(place) => {
                let cluster = &self.interview.found.clusters[*place];
                let name = if cluster.unfinished {
                    text::offer_resume(&cluster.name)
                } else {
                    text::offer_again(&cluster.name)
                };
                (name, cluster.story.clone())
            }
            Offer::Draft => owned(text::OFFER_DRAFT),
            Offer::New => owned(text::OFFER_NEW),
            Offer::Open => owned(text::OFFER_OPEN),
        }
    }

    fn begins_anew(&mut self) -> Result<bool, NoAnswer> {
        if self.interview.found.draft.is_none() {
            return Ok(true);
        }
        self.yes(text::START_ANEW, say::START_ANEW_HELP)
    }

    fn open(&mut self) -> Result<bool, NoAnswer> {
        let (label, help) = text::field::PATH;
        loop {
            let line = match self.answer(&say::field(label, ""), help, false) {
                Err(NoAnswer::Back) => return Ok(false),
                line => line?,
            };
            let path = line.trim();
            if path.is_empty() {
                return Ok(false);
            }
            match Answers::load(Path::new(path)) {
                Ok(answers) => {
                    self.interview.replace(answers);
                    self.keep();
                    return Ok(true);
                }
                Err(problems) => self.console.print(&problems.to_string()),
            }
        }
    }

    pub(super) fn hosts(&mut self) -> Result<PlainPage, NoAnswer> {
        self.title(text::HOSTS);
        self.console.say(text::HOSTS_WHY);
        loop {
            self.console.gap();
            let well = self.list_hosts();
            let count = self.interview.answers.hosts.len();
            let default = if well { count.min(1) * 5 } else { 0 };
            let all = [
                say::ADD,
                say::PASTE,
                say::EDIT,
                say::REMOVE,
                say::MOVE_UP,
                say::GO_ON,
            ];
            let chosen = self.choose(&all, Some(default), say::help::HOSTS)?;
            let before = self.interview.answers.hosts.clone();
            let done = match all[chosen] {
                say::ADD => self.host(count),
                say::PASTE => self.paste(),
                say::GO_ON if self.reviewed => return Ok(PlainPage::Review),
                say::GO_ON => return Ok(PlainPage::Options(1)),
                _ if count == 0 => {
                    self.console.say(say::NO_HOSTS);
                    Ok(())
                }
                what => self.which_host().and_then(|place| {
                    match what {
                        say::EDIT => self.host(place)?,
                        say::REMOVE => self.remove(place)?,
                        _ => self.interview.swap_hosts(place, place.saturating_sub(1)),
                    }
                    Ok(())
                }),
            };
            if self.interview.answers.hosts != before {
                self.keep();
            }
            match done {
                Err(NoAnswer::Back) => {}
                done => done?,
            }
        }
    }

    /// Whether nothing is wrong with them.
    fn list_hosts(&mut self) -> bool {
        let answers = self.interview.answers.clone();
        for (place, host) in answers.hosts.iter().enumerate() {
            let mark = format!("{:>3}. ", place + 1);
            self.console.point(&mark, &told(&answers, host));
            for problem in self.interview.host_problems(place) {
                let field = problem.key.rsplit('.').next().unwrap_or_default();
                let what = format!("{field} {}", problem.message);
                self.console.point("     wrong: ", &what);
            }
        }
        if answers.hosts.is_empty() {
            self.console.say(say::NO_HOSTS);
        }
        let mut problems = answers.problems();
        problems.retain(|problem| problem.key.starts_with("hosts"));
        for problem in problems.iter().filter(|problem| problem.key == "hosts") {
            self.console.point("  - ", &problem.message);
        }
        if problems.is_empty() {
            self.console.say(say::ALL_HOSTS_WELL);
        }
        self.console.gap();
        problems.is_empty()
    }

    fn which_host(&mut self) -> Result<usize, NoAnswer> {
        let names = self.interview.answers.hosts.iter();
        let names: Vec<_> = names.map(|host| host.name.clone()).collect();
        if names.len() == 1 {
            return Ok(0);
        }
        self.console.say(say::WHICH_HOST);
        let choices: Vec<Choice<'_>> = names.iter().map(|name| (name.as_str(), "")).collect();
        self.choose(&choices, None, say::help::WHICH_HOST)
    }

    fn remove(&mut self, place: usize) -> Result<(), NoAnswer> {
        let name = self.interview.answers.hosts[place].name.clone();
        let question = format!("{name}: {}", text::REMOVE_HOST);
        if self.yes(&question, say::REMOVE_HELP)? {
            self.interview.remove_host(place);
        }
        Ok(())
    }

    fn host(&mut self, place: usize) -> Result<(), NoAnswer> {
        let mut sheet = PlainForm::of_host(&self.interview, place);
        self.title(sheet.title);
        self.fill(&mut sheet)?;
        if self.interview.answers.hosts.len() <= place {
            self.console.say(say::NO_HOST_ADDED);
        }
        Ok(())
    }

    fn paste(&mut self) -> Result<(), NoAnswer> {
        self.console.say(say::PASTE_HOW);
        let mut lines = String::new();
        loop {
            let line = self.answer(">", say::PASTE_HOW, false)?;
            if line.trim().is_empty() {
                break;
            }
            lines.push_str(&line);
            lines.push('\n');
        }
        let pasted = binding::hosts_from(&lines);
        self.console
            .say(&text::pasted(pasted.hosts.len(), &pasted.unknown));
        self.interview.answers.hosts.extend(pasted.hosts);
        Ok(())
    }

    pub(super) fn options(&mut self, part: usize) -> Result<PlainPage, NoAnswer> {
        let parts = PlainForm::of_options(&self.interview);
        let count = parts.len();
        let Some(mut sheet) = parts.into_iter().nth(part) else {
            return Ok(PlainPage::Review);
        };
        self.title(sheet.title);
        if !sheet.why.is_empty() {
            self.console.say(sheet.why);
            self.console.gap();
        }
        self.fill(&mut sheet)?;
        if self.reviewed || part + 1 == count {
            return Ok(PlainPage::Review);
        }
        // The hosts come between the first part, which has their defaults, and the others.
        Ok(match part {
            0 => PlainPage::Hosts,
            part => PlainPage::Options(part + 1),
        })
    }

    /// Asks for every field.
    fn fill(&mut self, sheet: &mut PlainForm) -> Result<(), NoAnswer> {
        let mut place = 0;
        while let Some(field) = sheet.fields().get(place).cloned() {
            match self.field(sheet, place, &field) {
                Ok(()) => place += 1,
                Err(NoAnswer::Back) if place > 0 => place -= 1,
                Err(stop) => return Err(stop),
            }
        }
        Ok(())
    }

    /// Asks until the answer is valid, or kept as it is.
    fn field(
        &mut self,
        sheet: &mut PlainForm,
        place: usize,
        field: &Field,
    ) -> Result<(), NoAnswer> {
        let mut help = field.help.to_owned();
        if let Some(choices) = forms::choices(field) {
            help = format!("{help} {}", say::one_of(choices));
        }
        let secret = field.is_secret();
        let mut warned = false;
        loop {
            let shown = forms::default(&sheet.fields()[place]).replace('\n', "; ");
            let mut line = self.answer(&say::field(field.label, &shown), &help, secret)?;
            if forms::has_lines(field) && !line.trim().is_empty() {
                self.more_lines(&mut line, &help)?;
            }
            let before = Zeroizing::new(sheet.fields()[place].value().to_owned());
            let keeps = line.trim().is_empty();
            let said = meant(&line, secret);
            let value = match forms::choices(field) {
                _ if keeps => before,
                None => Zeroizing::new(said.to_owned()),
                Some(choices) => {
                    let Some(choice) = chosen(choices, said) else {
                        self.console.say(&say::one_of(choices));
                        continue;
                    };
                    Zeroizing::new(choice.to_owned())
                }
            };
            let taken = sheet.put(place, &value, &mut self.interview);
            self.keep();
            match taken {
                Ok(()) => return Ok(()),
                Err(Wrong::Unfit(_)) if keeps && warned => return Ok(()),
                Err(Wrong::Unread(why)) => self.console.say(&format!("{}: {why}.", field.label)),
                Err(Wrong::Unfit(why)) => {
                    let why = format!("{}: {why}. {}", field.label, say::KEEPS_ANYWAY);
                    self.console.say(&why);
                    warned = true;
                }
            }
        }
    }

    /// The lines after the first one, up to an empty one. A lone `-` means no lines.
    fn more_lines(&mut self, lines: &mut EnteredLine, help: &str) -> Result<(), NoAnswer> {
        self.console.say(say::MORE_LINES);
        loop {
            let line = self.answer(">", help, false)?;
            if line.trim().is_empty() {
                return Ok(());
            }
            lines.push('\n');
            lines.push_str(&line);
        }
    }

    pub(super) fn review(&mut self) -> Result<PlainPage, NoAnswer> {
        self.title(text::REVIEW);
        if !std::mem::replace(&mut self.reviewed, true) {
            self.summary();
        }
        loop {
            let problems = self.interview.answers.problems();
            if problems.is_empty() {
                self.console.say(text::ANSWERS_VALID);
            }
            for problem in &problems {
                self.console.point("wrong: ", &self.interview.told(problem));
            }
            for warning in self.interview.answers.warnings() {
                self.console.point("warning: ", &warning);
            }
            self.console.gap();
            self.console.say(say::WHICH_PART);
            let parts = PlainForm::of_options(&self.interview);
            let mut choices = vec![say::REACH, (text::HOSTS, "")];
            choices.extend(parts.iter().map(|part| (part.title, "")));
            choices.extend([say::PRINT_ANSWERS, say::SAVE]);
            let default = problems.is_empty().then_some(0);
            match self.choose(&choices, default, say::help::REVIEW)? {
                0 => match problems.first() {
                    Some(first) => {
                        let told = self.interview.told(first);
                        self.console.say(&text::not_yet(&told));
                    }
                    None => return Ok(PlainPage::Connect),
                },
                1 => return Ok(PlainPage::Hosts),
                part if part - 2 < parts.len() => return Ok(PlainPage::Options(part - 2)),
                part if part - 2 == parts.len() => self.summary(),
                _ => self.save(),
            }
        }
    }

    fn summary(&mut self) {
        let answers = self.interview.answers.clone();
        for part in PlainForm::of_options(&self.interview) {
            self.console.say(part.title);
            for field in part.fields() {
                let shown = forms::shown(field);
                if !shown.is_empty() {
                    self.console.point("  ", &say::option(field.label, shown));
                }
            }
        }
        self.console.say(text::HOSTS);
        for host in &answers.hosts {
            self.console.point("  ", &told(&answers, host));
        }
        self.console.gap();
        if let (Ok(topology), []) = (Topology::of(&answers), &answers.problems()[..]) {
            let mut losses = Vec::new();
            // Memory takes it.
            let _ = write_losses(&mut losses, &topology);
            self.console.say(say::LOSSES);
            self.console.print(&String::from_utf8_lossy(&losses));
            self.console.gap();
        }
    }

    pub(super) fn title(&mut self, title: &str) {
        self.console.gap();
        self.console.say(&format!("== {title}"));
    }
}

fn told(answers: &Answers, host: &Host) -> String {
    let node_ip = host.node_ip.map_or_else(String::new, |ip| ip.to_string());
    let user = text::user(host.user.as_ref().or(answers.ssh.user.as_ref()));
    let port = text::port(host.port.or(answers.ssh.port));
    let name = if host.name.is_empty() {
        say::NO_NAME
    } else {
        &host.name
    };
    say::host(
        name,
        &host.roles_text(),
        &host.address,
        &node_ip,
        &user,
        &port,
    )
}

/// The meaning of a line. A secret is always literal: it may begin with any character.
fn meant(line: &str, secret: bool) -> &str {
    match line {
        "-" => "",
        line if secret => line,
        line => match line.trim() {
            "-" => "",
            line => line.strip_prefix('=').unwrap_or(line),
        },
    }
}

/// By its name or its number.
fn chosen<'a>(choices: &[&'a str], said: &str) -> Option<&'a str> {
    let number = said
        .parse::<usize>()
        .ok()
        .and_then(|number| number.checked_sub(1));
    let by_number = number.and_then(|place| choices.get(place));
    let by_name = || choices.iter().find(|choice| **choice == said);
    by_number.or_else(by_name).copied()
}
