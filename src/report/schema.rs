//! The JSON schemas (draft 2020-12) of what commands print with `--output json`.

/// An event of a run: one a line.
pub const EVENT: &str = include_str!("../../assets/event.schema.json");
pub const PLAN: &str = include_str!("../../assets/plan.schema.json");
pub const CHECK: &str = include_str!("../../assets/check.schema.json");
/// Of [`super::status::ClusterStatus`].
pub const STATUS: &str = include_str!("../../assets/status.schema.json");
/// Of the backups of a cluster.
pub const BACKUPS: &str = include_str!("../../assets/backups.schema.json");

#[cfg(test)]
pub(crate) mod tests {
    use serde::Serialize;
    use serde_json::Value;

    use super::*;

    const PAGE: &str = include_str!("../../docs/programs.md");

    pub(crate) fn validator(schema: &str) -> jsonschema::Validator {
        let schema: Value = serde_json::from_str(schema).expect("JSON");
        jsonschema::draft202012::options()
            .build(&schema)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// A value is as its schema says.
    pub(crate) fn fits(schema: &str, value: &impl Serialize) {
        let value = serde_json::to_value(value).expect("JSON");
        let validator = validator(schema);
        let faults = validator.iter_errors(&value);
        let faults: Vec<_> = faults
            .map(|fault| format!("{}: {fault}", fault.instance_path()))
            .collect();
        assert!(faults.is_empty(), "{value:#}\n{}", faults.join("\n"));
    }

    /// The page for programs shows this very document.
    pub(crate) fn is_on_the_page(value: &impl Serialize) {
        let text = serde_json::to_string_pretty(value).expect("JSON");
        let block = format!("```json\n{text}\n```\n");
        assert!(PAGE.contains(&block), "docs/programs.md lacks\n{block}");
    }

    /// A field that a schema does not know fails, wherever it is.
    #[test]
    fn schemas_are_strict() {
        fn strict(schema: &Value) {
            if schema["type"] == "object" {
                assert!(schema.get("additionalProperties").is_some(), "{schema:#}");
            }
            if let Some(properties) = schema["properties"].as_object() {
                assert_eq!(schema["additionalProperties"], false, "{schema:#}");
                assert!(schema["required"].is_array(), "{schema:#}");
                assert!(!properties.is_empty(), "{schema:#}");
            }
            match schema {
                Value::Array(all) => all.iter().for_each(strict),
                Value::Object(all) => all.values().for_each(strict),
                _ => {}
            }
        }
        for schema in [EVENT, PLAN, CHECK, STATUS, BACKUPS] {
            strict(&serde_json::from_str(schema).expect("JSON"));
        }
    }
}
