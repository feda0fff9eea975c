//! Questions: a text, a number from a list, yes or no; and the commands that can be given instead
//! of an answer.

use super::Walk;
use super::console::{EnteredLine, Gone};
use super::text::{self, Choice};

/// A command instead of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAnswer {
    Back,
    Quit,
    Gone(Gone),
}

impl Walk {
    /// A line, unless it is one of the commands.
    pub fn answer(
        &mut self,
        prompt: &str,
        help: &str,
        hidden: bool,
    ) -> Result<EnteredLine, NoAnswer> {
        loop {
            let line = self.console.ask(prompt, hidden).map_err(NoAnswer::Gone)?;
            match line.trim() {
                "?" => {
                    self.console.say(help);
                    self.console.say(text::GUIDE_IN_SHORT);
                }
                "save" => self.save(),
                "back" => return Err(NoAnswer::Back),
                "quit" => return Err(NoAnswer::Quit),
                _ => return Ok(line),
            }
        }
    }

    /// A number from a list; its index. `help` is about this list.
    pub fn choose(
        &mut self,
        choices: &[Choice<'_>],
        default: Option<usize>,
        help: &str,
    ) -> Result<usize, NoAnswer> {
        self.list(choices);
        self.pick(choices.len(), default, help)
    }

    /// A number from a list that was printed before.
    pub fn pick(
        &mut self,
        of: usize,
        default: Option<usize>,
        help: &str,
    ) -> Result<usize, NoAnswer> {
        let prompt = text::number(default.map(|place| place + 1));
        let help = format!("{help} {}", text::not_a_number(of));
        loop {
            let line = self.answer(&prompt, &help, false)?;
            let line = line.trim();
            let place = if line.is_empty() {
                default
            } else {
                let number = line.trim_end_matches('.').parse::<usize>().ok();
                number.and_then(|number| number.checked_sub(1))
            };
            match place.filter(|place| *place < of) {
                Some(place) => return Ok(place),
                None => self.console.say(&text::not_a_number(of)),
            }
        }
    }

    pub fn list(&mut self, choices: &[Choice<'_>]) {
        for (number, (name, what)) in (1..).zip(choices) {
            let text = if what.is_empty() {
                (*name).to_owned()
            } else {
                format!("{name}: {what}")
            };
            self.console.point(&format!("{number:>3}. "), &text);
        }
    }

    pub fn yes(&mut self, question: &str, help: &str) -> Result<bool, NoAnswer> {
        let prompt = format!("{question} (yes/no)");
        loop {
            let line = self.answer(&prompt, help, false)?;
            match line.trim().to_ascii_lowercase().as_str() {
                "yes" | "y" => return Ok(true),
                "no" | "n" => return Ok(false),
                _ => self.console.say(text::YES_OR_NO),
            }
        }
    }
}
