//! Settings from the environment as OpenTelemetry names them, so that what a platform gives to all of its
//! processes holds here too. A `CARILLON_` variable says more.
//!
//! `OTEL_EXPORTER_OTLP_HEADERS` and `OTEL_RESOURCE_ATTRIBUTES` are read by the library itself.

use std::collections::BTreeMap;

use crate::settings::{Given, Settings, mistake::Mistake, origin::Origin, table, value::Value};

const ENDPOINT: &str = "telemetry.otlp_endpoint";
const RATIO: &str = "telemetry.trace_ratio";
const PARENT: &str = "telemetry.trace_parent";

/// Settings in milliseconds.
const TIMES: [(&str, &str); 3] = [
    ("OTEL_BSP_SCHEDULE_DELAY", "telemetry.trace_delay"),
    ("OTEL_EXPORTER_OTLP_TIMEOUT", "telemetry.trace_timeout"),
    ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "telemetry.trace_timeout"),
];

/// Settings taken as they are; of two for one setting, the later says more.
const TEXTS: [(&str, &str); 3] = [
    ("OTEL_BSP_MAX_QUEUE_SIZE", "telemetry.trace_queue"),
    ("OTEL_SERVICE_NAME", "telemetry.service_name"),
    ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", ENDPOINT),
];

/// Of OTLP's protocols.
const SPOKEN: &str = "http/protobuf";

type Environment = BTreeMap<String, String>;

pub(super) fn read(settings: &mut Settings, environment: &Environment) {
    if let Some(base) = given(environment, "OTEL_EXPORTER_OTLP_ENDPOINT") {
        let traces = format!("{}/v1/traces", base.trim_end_matches('/'));
        settings.give(ENDPOINT, &traces, origin("OTEL_EXPORTER_OTLP_ENDPOINT"));
    }
    let named = given(environment, "OTEL_RESOURCE_ATTRIBUTES").and_then(service);
    if let Some(service) = named {
        settings.give("telemetry.service_name", service, origin("OTEL_RESOURCE_ATTRIBUTES"));
    }
    for (variable, name) in TEXTS {
        if let Some(text) = given(environment, variable) {
            settings.give(name, text, origin(variable));
        }
    }
    for (variable, name) in TIMES {
        if let Some(millis) = given(environment, variable) {
            settings.give(name, &format!("{millis}ms"), origin(variable));
        }
    }
    sampler(settings, environment);
}

/// Whoever runs the platform has the last word on whether anything is recorded at all.
pub(super) fn switch_off(settings: &mut Settings, environment: &Environment) {
    for (variable, off) in [("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_EXPORTER", "none")] {
        if given(environment, variable).is_some_and(|text| text.eq_ignore_ascii_case(off)) {
            settings.give(ENDPOINT, "", origin(variable));
        }
    }
}

/// Of the ways to say it, one is spoken here. Where a setting of ours names the collector, that is over HTTP.
pub(super) fn protocol(settings: &mut Settings, environment: &Environment) {
    let entry = table::find(ENDPOINT).expect("it is in the table");
    let Some(Given { value, origin: Origin::Environment(by) }) = settings.given.get(ENDPOINT)
    else {
        return;
    };
    if !by.starts_with("OTEL_EXPORTER_") || *value == Value::Text(String::new()) {
        return;
    }
    let variables = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];
    let told = variables.iter().find_map(|it| Some((*it, given(environment, it)?)));
    let Some((variable, protocol)) = told.filter(|(_, protocol)| *protocol != SPOKEN) else {
        return;
    };
    let problem = format!("is not {SPOKEN}, which alone is spoken");
    let hint = format!(
        "set OTEL_EXPORTER_OTLP_TRACES_PROTOCOL={SPOKEN}, and OTEL_EXPORTER_OTLP_TRACES_ENDPOINT to where the \
         collector takes HTTP, such as http://collector:4318/v1/traces"
    );
    settings.mistakes.push(Mistake::hinted(entry, protocol, origin(variable), problem, hint));
}

fn sampler(settings: &mut Settings, environment: &Environment) {
    const VARIABLE: &str = "OTEL_TRACES_SAMPLER";
    let Some(sampler) = given(environment, VARIABLE) else { return };
    let (heeds_parent, kind) = match sampler.strip_prefix("parentbased_") {
        Some(kind) => ("true", kind),
        None => ("false", sampler),
    };
    let ratio = match kind {
        "always_on" => "1",
        "always_off" => "0",
        "traceidratio" => given(environment, "OTEL_TRACES_SAMPLER_ARG").unwrap_or("1"),
        _ => {
            let entry = table::find(RATIO).expect("it is in the table");
            let problem = "is not always_on, always_off or traceidratio, nor one of these behind parentbased_";
            let hint = format!("leave {VARIABLE} out, or set it to parentbased_traceidratio");
            let mistake = Mistake::hinted(entry, sampler, origin(VARIABLE), problem, hint);
            return settings.mistakes.push(mistake);
        }
    };
    settings.give(PARENT, heeds_parent, origin(VARIABLE));
    settings.give(RATIO, ratio, origin(VARIABLE));
}

/// Empty means not given, as the specification has it.
fn given<'a>(environment: &'a Environment, variable: &str) -> Option<&'a str> {
    let text = environment.get(variable)?.trim();
    (!text.is_empty()).then_some(text)
}

fn origin(variable: &str) -> Origin {
    Origin::Environment(variable.to_owned())
}

/// The service's name among attributes such as `service.name=push,deployment.environment=test`.
fn service(attributes: &str) -> Option<&str> {
    let mut pairs = attributes.split(',').filter_map(|pair| pair.trim().split_once('='));
    pairs.find_map(|(name, value)| (name.trim() == "service.name").then(|| value.trim()))
}

#[cfg(test)]
mod tests {
    //! What a platform's variables come to.

    use super::*;
    use crate::settings::{Mistakes, Sources, Telemetry};

    fn read_from(variables: &[(&str, &str)]) -> Result<Telemetry, Mistakes> {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let environment = variables.iter().map(pair).collect();
        let sources = Sources { environment, ..Sources::default() };
        Ok(Settings::load(&sources).into_config()?.telemetry)
    }

    #[test]
    fn a_platforms_variables_say_where_traces_go_and_under_which_name() {
        let told = read_from(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/"),
            ("OTEL_RESOURCE_ATTRIBUTES", "team=a,service.name=push"),
            ("OTEL_BSP_SCHEDULE_DELAY", "250"),
        ]);
        let traces = told.unwrap().traces.unwrap();
        assert_eq!(traces.endpoint, "http://collector:4318/v1/traces");
        assert_eq!((&*traces.service, traces.delay.as_millis()), ("push", 250));
    }

    #[test]
    fn our_own_variable_says_more_and_a_switch_the_last_word() {
        let ours = ("CARILLON_TELEMETRY__OTLP_ENDPOINT", "http://ours:4318");
        let theirs = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://theirs:4318/in");
        let endpoint =
            |variables: &[_]| read_from(variables).unwrap().traces.map(|traces| traces.endpoint);
        assert_eq!(endpoint(&[theirs]).unwrap(), "http://theirs:4318/in");
        assert_eq!(endpoint(&[ours, theirs]).unwrap(), "http://ours:4318/v1/traces");
        assert_eq!(endpoint(&[ours, ("OTEL_SDK_DISABLED", "true")]), None);
        assert_eq!(endpoint(&[ours, ("OTEL_TRACES_EXPORTER", "none")]), None);
    }

    #[test]
    fn a_protocol_that_is_not_spoken_is_told_with_the_one_that_is_unless_ours_says_more() {
        let grpc = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
        let theirs = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4317");
        let Err(Mistakes(told)) = read_from(&[grpc, theirs]) else { panic!("taken") };
        let told = told[0].to_string();
        assert!(told.contains("OTEL_EXPORTER_OTLP_PROTOCOL") && told.contains(":4318"), "{told}");
        let for_traces = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf");
        assert!(read_from(&[grpc, theirs, for_traces]).is_ok());
        let ours = ("CARILLON_TELEMETRY__OTLP_ENDPOINT", "http://ours:4318");
        assert!(read_from(&[grpc, theirs, ours]).is_ok());
        // Who sends nothing speaks nothing.
        assert!(read_from(&[grpc]).is_ok());
        assert!(read_from(&[grpc, theirs, ("OTEL_SDK_DISABLED", "true")]).is_ok());
    }

    #[test]
    fn a_sampler_that_is_not_known_is_told_with_those_that_are() {
        let sampler = |name| read_from(&[("OTEL_TRACES_SAMPLER", name)]);
        for name in ["always_on", "parentbased_always_off", "parentbased_traceidratio"] {
            assert!(sampler(name).is_ok(), "{name}");
        }
        let Err(Mistakes(told)) = sampler("jaeger_remote") else { panic!("taken") };
        assert!(told[0].to_string().contains("OTEL_TRACES_SAMPLER"), "{}", told[0]);
        assert!(
            read_from(&[("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "7")])
                .is_err()
        );
    }
}
