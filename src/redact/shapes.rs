//! What is secret by its shape.

use std::ops::Range;

/// Recognises the lines of a private key in PEM, as they come one by one.
#[derive(Debug, Clone, Default)]
pub(crate) struct PemBlock {
    /// How many more lines may belong to it; 0 outside of one.
    left: u32,
}

impl PemBlock {
    /// The maximum length of a key: a single first line must not swallow a log.
    const MOST: u32 = 200;

    /// Whether a line is one of a private key.
    pub(crate) fn covers(&mut self, line: &str) -> bool {
        if let Some(begin) = private_key_begin(line) {
            // A key in one line is found by its shape.
            self.left = if line[begin..].contains(END) {
                0
            } else {
                Self::MOST
            };
            return true;
        }
        if self.left == 0 {
            return false;
        }
        self.left = if line.contains(END) { 0 } else { self.left - 1 };
        true
    }
}

const END: &str = "-----END ";

/// Where a private key in PEM begins.
fn private_key_begin(text: &str) -> Option<usize> {
    const BEGIN: &str = "-----BEGIN ";
    let is_private = |at: &usize| {
        let label = &text[at + BEGIN.len()..];
        let end = label.find("-----").unwrap_or(label.len());
        label[..end].ends_with("PRIVATE KEY")
    };
    text.match_indices(BEGIN).map(|(at, _)| at).find(is_private)
}

/// What is secret by its shape.
pub(super) fn shapes(text: &str, found: &mut Vec<Range<usize>>) {
    private_keys(text, found);
    join_tokens(text, found);
    passwords_in_urls(text, found);
}

fn private_keys(text: &str, found: &mut Vec<Range<usize>>) {
    let mut from = 0;
    while let Some(begin) = private_key_begin(&text[from..]).map(|at| from + at) {
        let end = text[begin..].find(END).map_or(text.len(), |at| {
            let label = begin + at + END.len();
            let dashes = text[label..].find("-----");
            dashes.map_or(text.len(), |at| label + at + "-----".len())
        });
        found.push(begin..end);
        from = end;
    }
}

/// `K10<hash of the CA>::<user>:<password>`, the secure form of K3s' tokens
/// (docs/facts.md, "Tokens").
fn join_tokens(text: &str, found: &mut Vec<Range<usize>>) {
    for (at, _) in text.match_indices("K10") {
        let rest = &text[at..];
        let hash = rest
            .find(|letter: char| !letter.is_ascii_alphanumeric())
            .unwrap_or(rest.len());
        if rest[hash..].starts_with("::") {
            let end = rest.find(ends_value).unwrap_or(rest.len());
            found.push(at..at + end);
        }
    }
}

/// The password of `scheme://user:password@host`.
fn passwords_in_urls(text: &str, found: &mut Vec<Range<usize>>) {
    for (at, mark) in text.match_indices("://") {
        let start = at + mark.len();
        let rest = &text[start..];
        let rest = &rest[..rest.find(ends_value).unwrap_or(rest.len())];
        // A password that is not encoded may have slashes; the wizard gives such ones only to
        // Postgres.
        let authority = if text[..at].ends_with("postgres") || text[..at].ends_with("postgresql") {
            rest
        } else {
            &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())]
        };
        if let (Some(colon), Some(host)) = (authority.find(':'), authority.rfind('@'))
            && colon + 1 < host
        {
            found.push(start + colon + 1..start + host);
        }
    }
}

fn ends_value(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, '"' | '\'' | '`' | '<' | '>')
}
