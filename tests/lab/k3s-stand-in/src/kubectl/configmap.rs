//! `create`, `get` and `delete configmap`.

use serde_json::{Value, json};

use super::{Arguments, Outcome, ask, connect, print};
use crate::kubelet::told;

fn path(arguments: &Arguments, name: &str) -> String {
    let namespace = arguments.namespace.as_deref().unwrap_or("default");
    let slash = if name.is_empty() { "" } else { "/" };
    format!("/api/v1/namespaces/{namespace}/configmaps{slash}{name}")
}

/// Whether an argument means a `ConfigMap`.
pub fn is(kind: &str) -> bool {
    ["configmap", "configmaps", "cm"].contains(&kind)
}

pub fn create(arguments: &Arguments) -> Outcome<()> {
    let name = arguments.word(2);
    if !is(arguments.word(1)) || name.is_empty() {
        return Err(format!(
            "error: {}: it creates only configmaps",
            crate::version::NOTE
        ));
    }
    let mut data = json!({});
    for literal in &arguments.literals {
        let (key, value) = literal.split_once('=').unwrap_or((literal, ""));
        data[key] = json!(value);
    }
    let map = json!({ "metadata": { "name": name }, "data": data });
    let created = ask(
        &connect(arguments)?,
        "POST",
        &path(arguments, ""),
        map.to_string().as_bytes(),
    );
    created.map_err(|reason| {
        if reason.contains("(Conflict)") {
            return format!(
                "error: failed to create configmap: configmaps \"{name}\" already exists"
            );
        }
        reason
    })?;
    println!("configmap/{name} created");
    Ok(())
}

pub fn get(arguments: &Arguments) -> Outcome<()> {
    let name = arguments.word(2);
    let answer = ask(&connect(arguments)?, "GET", &path(arguments, name), &[])
        .map_err(|reason| named(&reason))?;
    let found: Value = serde_json::from_slice(&answer.body).map_err(|_| told(&answer))?;
    match arguments.output.as_str() {
        "json" => print(&found),
        "" if name.is_empty() => {
            for map in found["items"].as_array().into_iter().flatten() {
                println!("{}", map["metadata"]["name"].as_str().unwrap_or_default());
            }
        }
        "" => println!("{name}"),
        other => {
            return Err(format!(
                "error: {}: it has no output {other:?} for configmaps",
                crate::version::NOTE
            ));
        }
    }
    Ok(())
}

pub fn delete(arguments: &Arguments) -> Outcome<()> {
    let name = arguments.word(2);
    ask(&connect(arguments)?, "DELETE", &path(arguments, name), &[])
        .map_err(|reason| named(&reason))?;
    println!(
        "configmap \"{name}\" deleted from {} namespace",
        arguments.namespace.as_deref().unwrap_or("default")
    );
    Ok(())
}

fn named(reason: &str) -> String {
    reason.replace("(NotFound): \"", "(NotFound): configmaps \"")
}
