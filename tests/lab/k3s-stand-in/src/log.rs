//! Lines like those of the real K3s, on standard error: `time="…" level=info msg="…"` (logrus).

use std::fmt::Write as _;

use time::OffsetDateTime;
use time::macros::format_description;

/// How grave a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Info,
    Warning,
    Error,
    Fatal,
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }
}

pub fn info(message: impl AsRef<str>) {
    print(Level::Info, message.as_ref(), &[]);
}

pub fn warning(message: impl AsRef<str>) {
    print(Level::Warning, message.as_ref(), &[]);
}

pub fn error(message: impl AsRef<str>) {
    print(Level::Error, message.as_ref(), &[]);
}

/// Prints an info line with more fields after the message.
pub fn info_with(message: &str, fields: &[(&str, &str)]) {
    print(Level::Info, message, fields);
}

/// Prints the line and ends the process, as logrus does.
pub fn fatal(message: impl AsRef<str>) -> ! {
    print(Level::Fatal, message.as_ref(), &[]);
    std::process::exit(1)
}

fn print(level: Level, message: &str, fields: &[(&str, &str)]) {
    eprintln!("{}", line(now(), level, message, fields));
}

/// The moment, to the second, as logs and the API print it.
pub fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// RFC 3339 to the second, in UTC.
pub fn stamp(moment: OffsetDateTime) -> String {
    moment
        .format(format_description!(
            "[year]-[month]-[day]T[hour]:[minute]:[second]Z"
        ))
        .unwrap_or_default()
}

fn line(moment: OffsetDateTime, level: Level, message: &str, fields: &[(&str, &str)]) -> String {
    let mut text = format!(
        "time=\"{}\" level={} msg={}",
        stamp(moment),
        level.word(),
        quoted(message)
    );
    for (name, value) in fields {
        let _ = write!(text, " {name}={}", quoted(value));
    }
    text
}

/// A value as logrus writes it: bare where it can be, else quoted as Go's `%q` does.
fn quoted(value: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || "-._/@^+".contains(c);
    if !value.is_empty() && value.chars().all(bare) {
        return value.to_owned();
    }
    let mut text = String::with_capacity(value.len() + 2);
    text.push('"');
    for c in value.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            '\r' => text.push_str("\\r"),
            c if c.is_control() => {
                let _ = write!(text, "\\x{:02x}", c as u32);
            }
            c => text.push(c),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_line_is_one_of_the_real_journal() {
        let text = include_str!("../../../fixtures/real/journal/server-unknown-key.txt");
        let moment = datetime!(2026-11-23 23:19:30 UTC);
        let unknown = line(
            moment,
            Level::Warning,
            "Unknown flag --not-a-flag found in config.yaml, skipping\n",
            &[],
        );
        let start = line(moment, Level::Info, "Starting k3s v1.36.2+k3s1", &[]);
        assert!(
            text.starts_with(&format!("{unknown}\n{start}\n")),
            "{unknown}"
        );
        let proxy = line(
            datetime!(2026-11-23 23:19:32 UTC),
            Level::Info,
            "Connecting to proxy",
            &[("url", "wss://127.0.0.1:6443/v1-k3s/connect")],
        );
        assert!(text.lines().any(|real| real == proxy), "{proxy}");
    }

    #[test]
    fn words_are_bare_and_quotes_escaped() {
        assert_eq!(quoted("a/b-c_1.2@x"), "a/b-c_1.2@x");
        assert_eq!(quoted(""), "\"\"");
        assert_eq!(quoted("say \"no\"\\"), "\"say \\\"no\\\"\\\\\"");
    }
}
