//! Settings from the environment: `CARILLON_PUBLIC__ADDR` is `public.addr`.

use std::collections::BTreeMap;

use crate::settings::{Settings, origin::Origin};

const PREFIX: &str = "CARILLON_";
/// Names the settings file.
pub(super) const FILE: &str = "CARILLON_CONFIG";
/// The key that `carillon publish` shows; no setting of a node.
pub(crate) const API_KEY: &str = "CARILLON_API_KEY";
/// The token that `carillon probe` shows; no setting of a node.
pub(crate) const TOKEN: &str = "CARILLON_TOKEN";

/// How the environment names a setting.
pub(super) fn variable(name: &str) -> String {
    format!("{PREFIX}{}", name.replace('.', "__").to_uppercase())
}

pub(super) fn read(settings: &mut Settings, environment: &BTreeMap<String, String>) {
    for (variable, value) in environment {
        let Some(key) = variable.strip_prefix(PREFIX) else { continue };
        if [FILE, API_KEY, TOKEN].contains(&variable.as_str()) || is_service_link(key) {
            continue;
        }
        let name = key.to_lowercase().replace("__", ".");
        settings.give(&name, value, Origin::Environment(variable.clone()));
    }
}

/// Whether Kubernetes put the variable there for a service called `carillon…`. It does so in every
/// pod beside the service, and nobody typed it.
fn is_service_link(key: &str) -> bool {
    let of_a_port = || {
        let rest = key.split_once("PORT_").map(|(_, rest)| rest);
        rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let single = !key.contains("__");
    single
        && (key.ends_with("SERVICE_HOST")
            || key.contains("SERVICE_PORT")
            || key == "PORT"
            || key.ends_with("_PORT")
            || of_a_port())
}
