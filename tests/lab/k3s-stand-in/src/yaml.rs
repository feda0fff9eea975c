//! config.yaml as K3s reads it: YAML 1.1 as Go's yaml.v2 understands it, where a plain `yes`, `0123`
//! or `1e5` is no string, and with the error texts of yaml.v2.

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError};

/// A value of config.yaml, every scalar already as K3s turns it into a flag's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    One(String),
    Many(Vec<String>),
}

/// The file's keys and values, in order.
pub fn parse(text: &str) -> Result<Vec<(String, Value)>, String> {
    let mut events = Vec::new();
    for event in Parser::new_from_str(text) {
        events.push(event.map_err(|error| go_text(&error))?.0);
    }
    let mut events = events.into_iter().filter(|event| {
        !matches!(
            event,
            Event::StreamStart | Event::DocumentStart(_) | Event::Nothing
        )
    });
    match events.next() {
        None | Some(Event::StreamEnd | Event::DocumentEnd) => Ok(Vec::new()),
        Some(Event::MappingStart(..)) => mapping(&mut events),
        Some(Event::Scalar(value, style, ..)) if plain(&value, style).is_empty() => Ok(Vec::new()),
        Some(_) => {
            Err("yaml: unmarshal errors:\n  line 1: cannot unmarshal into yaml.MapSlice".into())
        }
    }
}

fn mapping<'t>(
    events: &mut impl Iterator<Item = Event<'t>>,
) -> Result<Vec<(String, Value)>, String> {
    let mut pairs = Vec::new();
    while let Some(Event::Scalar(key, style, ..)) = events.next() {
        let key = plain(&key, style);
        let value = match events.next() {
            Some(Event::Scalar(value, style, ..)) => Value::One(plain(&value, style)),
            Some(Event::SequenceStart(..)) => Value::Many(sequence(events)?),
            _ => {
                return Err(format!(
                    "the stand-in takes only texts and lists of texts: {key}"
                ));
            }
        };
        pairs.push((key, value));
    }
    Ok(pairs)
}

fn sequence<'t>(events: &mut impl Iterator<Item = Event<'t>>) -> Result<Vec<String>, String> {
    let mut items = Vec::new();
    loop {
        match events.next() {
            Some(Event::Scalar(value, style, ..)) => items.push(plain(&value, style)),
            Some(Event::SequenceEnd) => return Ok(items),
            _ => return Err("the stand-in takes only lists of texts".into()),
        }
    }
}

/// A scalar as text: quoted ones as they are, plain ones after what YAML 1.1 makes of them.
fn plain(value: &str, style: ScalarStyle) -> String {
    if style != ScalarStyle::Plain {
        return value.to_owned();
    }
    match value {
        "" | "~" | "null" | "Null" | "NULL" => return String::new(),
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return "true".into();
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return "false".into();
        }
        _ => {}
    }
    number(value).unwrap_or_else(|| value.to_owned())
}

/// What a plain scalar becomes when YAML 1.1 takes it for a number.
fn number(value: &str) -> Option<String> {
    let digits = value.replace('_', "");
    let (sign, body) = match digits.strip_prefix('-') {
        Some(body) => ("-", body),
        None => ("", digits.strip_prefix('+').unwrap_or(&digits)),
    };
    if !body.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    let radix = |text: &str, radix| u64::from_str_radix(text, radix).ok();
    let whole = if let Some(hex) = body.strip_prefix("0x") {
        radix(hex, 16)
    } else if let Some(bits) = body.strip_prefix("0b") {
        radix(bits, 2)
    } else if body.len() > 1 && body.starts_with('0') {
        radix(body.strip_prefix("0o").unwrap_or(&body[1..]), 8)
    } else {
        radix(body, 10)
    };
    if let Some(whole) = whole {
        return Some(format!("{sign}{whole}"));
    }
    let float = body
        .chars()
        .all(|c| c.is_ascii_digit() || ".eE+-".contains(c));
    let parsed: f64 = if float {
        body.parse().ok()?
    } else {
        return None;
    };
    Some(format!("{sign}{parsed}"))
}

/// The error as yaml.v2 words it. Its lines count from 0 for what the parser finds and from 1 for
/// what the scanner finds.
fn go_text(error: &ScanError) -> String {
    let info = error.info();
    let (context, problem) = match info.split_once(", ") {
        Some((context, problem)) if context.starts_with("while ") => (context, problem),
        _ => ("", info),
    };
    let scanner = context.starts_with("while scanning")
        || problem.starts_with("mapping values")
        || problem.starts_with("found character");
    match error.marker().line() - usize::from(!scanner) {
        0 => format!("yaml: {problem}"),
        line => format!("yaml: line {line}: {problem}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(value: &str) -> String {
        match parse(&format!("key: {value}\n")) {
            Ok(pairs) => match &pairs[0].1 {
                Value::One(text) => text.clone(),
                Value::Many(_) => panic!("a list"),
            },
            Err(error) => error,
        }
    }

    #[test]
    fn plain_scalars_are_mangled_as_yaml_1_1_does() {
        for (written, read) in [
            ("0123", "83"),
            ("1e5", "100000"),
            ("yes", "true"),
            ("off", "false"),
            ("1_000", "1000"),
            ("0x1f", "31"),
            ("\"0123\"", "0123"),
            ("'yes'", "yes"),
            ("198.18.0.0/16", "198.18.0.0/16"),
            ("a0123", "a0123"),
            ("~", ""),
        ] {
            assert_eq!(one(written), read, "{written}");
        }
    }

    #[test]
    fn lists_and_keys_keep_their_order() {
        let pairs =
            parse("tls-san:\n  - a\n  - \"0b1\"\ndisable: [traefik, x]\ntoken: t\n").unwrap();
        assert_eq!(
            pairs,
            [
                (
                    "tls-san".into(),
                    Value::Many(vec!["a".into(), "0b1".into()])
                ),
                (
                    "disable".into(),
                    Value::Many(vec!["traefik".into(), "x".into()])
                ),
                ("token".into(), Value::One("t".into())),
            ]
        );
        assert_eq!(parse("").unwrap(), []);
        assert_eq!(parse("# nothing\n").unwrap(), []);
    }

    #[test]
    fn what_is_no_yaml_is_told_in_the_words_of_the_real_journal() {
        let journal = include_str!("../../../fixtures/real/journal/server-config-not-yaml.txt");
        // The real file is not kept; its eleven lines ended in one that is no key.
        let text = "a: b\n".repeat(10) + "c:\n  - x\n y: [\n";
        let error = parse(&text).unwrap_err();
        let words = error
            .split_once(": ")
            .map(|(_, rest)| rest)
            .unwrap_or_default();
        assert!(journal.contains("did not find expected key"));
        assert!(words.contains("did not find expected key"), "{error}");
        assert_eq!(
            parse("a: b\nb: c: d\n").unwrap_err(),
            "yaml: line 2: mapping values are not allowed in this context"
        );
    }
}
