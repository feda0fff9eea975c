//! Forms: a title, why it matters, and fields with their texts.

use zeroize::Zeroizing;

use super::text::field::{example, when_empty};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// Accepts only digits.
    Number,
    Secret {
        /// The wizard can generate one.
        generates: bool,
    },
    Choice(&'static [&'static str]),
    /// Several lines.
    Lines,
}

/// A label, a line of help, and a text.
#[derive(Clone)]
pub struct Field {
    /// The answers' key that it sets, as in problems.
    pub key: &'static str,
    pub label: &'static str,
    pub help: &'static str,
    /// The heading above it, if a part of the form begins here.
    pub head: Option<&'static str>,
    pub kind: Kind,
    /// What holds while it is empty; nothing where it must be filled in.
    pub when_empty: String,
    value: Zeroizing<String>,
}

/// Its value may be a secret.
impl std::fmt::Debug for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Field({})", self.key)
    }
}

impl Field {
    pub fn new(
        key: &'static str,
        (label, help): (&'static str, &'static str),
        kind: Kind,
        value: impl Into<String>,
    ) -> Self {
        Self {
            key,
            label,
            help,
            head: None,
            kind,
            when_empty: when_empty(key).to_owned(),
            value: Zeroizing::new(value.into()),
        }
    }

    #[must_use]
    pub fn under(mut self, head: &'static str) -> Self {
        self.head = Some(head);
        self
    }

    #[must_use]
    pub fn helped(mut self, help: &'static str) -> Self {
        self.help = help;
        self
    }

    #[must_use]
    pub fn empty_means(mut self, text: impl Into<String>) -> Self {
        self.when_empty = text.into();
        self
    }

    pub fn value(&self) -> &str {
        &self.value
    }

    /// What an empty field shows: what holds then, or an example.
    pub fn placeholder(&self) -> &str {
        if self.when_empty.is_empty() {
            example(self.key)
        } else {
            &self.when_empty
        }
    }

    pub fn value_mut(&mut self) -> &mut String {
        &mut self.value
    }

    pub fn set(&mut self, value: &str) {
        value.clone_into(&mut self.value);
    }

    pub fn generates(&self) -> bool {
        self.kind == Kind::Secret { generates: true }
    }

    pub fn is_secret(&self) -> bool {
        matches!(self.kind, Kind::Secret { .. })
    }

    /// Whether its text must be hidden: a secret itself, not a reference to one.
    pub fn is_hidden(&self) -> bool {
        let reference = self.value.starts_with("env:") || self.value.starts_with("file:");
        self.is_secret() && !reference
    }
}

#[derive(Debug, Clone)]
pub struct Form {
    pub title: &'static str,
    pub why: &'static str,
    /// The names of the hosts that it concerns; `None` if it concerns none.
    pub hosts: Option<Vec<String>>,
    pub fields: Vec<Field>,
    /// What the run will do, below the fields.
    pub does: Vec<String>,
}

impl Form {
    pub fn new(title: &'static str, why: &'static str, fields: Vec<Field>) -> Self {
        Self {
            title,
            why,
            hosts: None,
            fields,
            does: Vec::new(),
        }
    }

    pub fn value(&self, key: &str) -> &str {
        let field = self.fields.iter().find(|field| field.key == key);
        field.map_or("", Field::value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_in_no_debug_output() {
        let kind = Kind::Secret { generates: true };
        let field = Field::new("k", ("l", "h"), kind, "hunter2hunter2");
        let form = Form::new("t", "w", vec![field]);
        assert!(!format!("{form:?}").contains("hunter2"));
    }
}
