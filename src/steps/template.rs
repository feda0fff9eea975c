//! Configuration files from `assets/templates`.

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior, Value};

/// Fills in a template. A missing variable is an error; the filter `yaml` writes any value as valid
/// YAML (JSON is YAML).
pub(super) fn fill(template: &str, values: Value) -> Result<String, minijinja::Error> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder()
        .keep_trailing_newline(true)
        .build()?;
    environment.set_syntax(syntax);
    environment.add_filter("yaml", |value: Value| -> Result<String, minijinja::Error> {
        serde_json::to_string(&value).map_err(|error| {
            minijinja::Error::new(minijinja::ErrorKind::BadSerialization, error.to_string())
        })
    });
    environment.add_filter("join", minijinja::filters::join);
    environment.add_filter("items", minijinja::filters::items);
    environment.render_str(template, values)
}
