//! `docs/answers.md` is the schema of the answers, to read. `INSTA_UPDATE=always cargo test --test
//! it answers_document` writes it again.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

const SCHEMA: &str = include_str!("../../assets/answers.schema.json");
const FILE: &str = "docs/answers.md";

const BEGINNING: &str = "\
# Answers

The answers file is TOML. `k3s-ha-wizard answers example` prints a commented example, and
`k3s-ha-wizard answers validate FILE` reports every mistake in a file at once, with line and column.
A key that is not listed here is an error.

This page is generated from `assets/answers.schema.json` by `tests/it/answers_document.rs`.
";

/// A section of the file with its table.
fn section(title: &str, schema: &Value, text: &mut String) {
    let _ = write!(
        text,
        "\n## {title}\n\n{}\n\n| key | type | default | meaning |\n|---|---|---|---|\n",
        described(schema)
    );
    for (key, property) in schema["properties"].as_object().unwrap() {
        let required = schema["required"].as_array();
        let required = required.is_some_and(|keys| keys.contains(&Value::from(key.as_str())));
        let default = match &property["default"] {
            Value::Null if required => "required".to_owned(),
            Value::Null => String::new(),
            default => format!("`{default}`"),
        };
        let meaning = described(property).replace('|', "\\|");
        let _ = writeln!(
            text,
            "| `{key}` | {} | {default} | {meaning} |",
            kind(property)
        );
    }
}

fn described(schema: &Value) -> &str {
    schema["description"].as_str().unwrap()
}

/// What a value must be.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.strip_prefix("#/$defs/").unwrap();
        return format!("[{name}](#{name})");
    }
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<_> = values.iter().map(|value| format!("`{value}`")).collect();
        return values.join(" or ");
    }
    if let Some(types) = schema["type"].as_array() {
        let each = types.iter().map(|one| {
            let mut schema = schema.clone();
            schema["type"] = one.clone();
            kind(&schema)
        });
        return each.collect::<Vec<_>>().join(" or ");
    }
    match schema["type"].as_str().unwrap() {
        "array" => format!("list of {}s", kind(&schema["items"])),
        "object" => "table".to_owned(),
        "integer" => format!("{} to {}", schema["minimum"], schema["maximum"]),
        other => other.to_owned(),
    }
}

fn document() -> String {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let mut text = BEGINNING.to_owned();
    for (name, part) in schema["properties"].as_object().unwrap() {
        match part["type"].as_str() {
            Some("array") => {
                let mut host = part["items"].clone();
                host["description"] = part["description"].clone();
                section(&format!("`[[{name}]]`"), &host, &mut text);
            }
            _ => section(&format!("`[{name}]`"), part, &mut text),
        }
    }
    for name in ["secret", "proxy"] {
        let kind = &schema["$defs"][name];
        let _ = write!(text, "\n## {name}\n\n{}\n\n", described(kind));
        for form in kind["anyOf"].as_array().unwrap() {
            let written = match form["properties"].as_object() {
                None => "\"…\"".to_owned(),
                Some(keys) => format!("{{ {} = \"…\" }}", keys.keys().next().unwrap()),
            };
            let _ = writeln!(text, "* `{written}`: {}", described(form));
        }
    }
    let checks = &schema["$defs"]["checks"];
    let names = checks["items"]["enum"].as_array().unwrap().iter();
    let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
    let _ = write!(
        text,
        "\n## checks\n\n{} A list of: {}.\n",
        described(checks),
        names.join(", ")
    );
    text
}

#[test]
fn the_document_is_the_schema() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    let wanted = document();
    if std::env::var("INSTA_UPDATE").is_ok_and(|how| how == "always") {
        std::fs::write(&path, &wanted).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == wanted,
        "{FILE} is stale: INSTA_UPDATE=always cargo test --test it answers_document"
    );
}
