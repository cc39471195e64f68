//! A small run from end to end, on the cheapest server there is.
#![expect(clippy::unwrap_used, reason = "a broken harness should stop the test")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

/// Cargo builds the examples before it runs the tests, beside the binary.
fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_loadtest")).with_file_name("examples").join(name)
}

fn loadtest(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_loadtest")).args(arguments).arg("--no-pin").output().unwrap()
}

fn figure(report: &Value, name: &str) -> String {
    let figures = report["figures"].as_array().unwrap();
    let figure = figures.iter().find(|figure| figure["name"] == name).unwrap();
    figure["values"][0]["median"].to_string()
}

#[test]
fn every_message_reaches_every_socket_once_and_in_order() {
    let json = env::temp_dir().join(format!("loadtest-{}.json", std::process::id()));
    let target = format!("floor={}", example("floor").display());
    let arguments = ["fanout", "--target", &target, "--sockets", "50", "--rate", "20"];
    let rest = ["--seconds", "1", "--json", json.to_str().unwrap()];
    let output = loadtest(&[&arguments[..], &rest].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let report: Value = serde_json::from_slice(&fs::read(&json).unwrap()).unwrap();
    fs::remove_file(&json).unwrap();
    let counts = ["deliveries", "lost", "out of order", "departed"];
    assert_eq!(counts.map(|name| figure(&report, name)), ["1000.0", "0.0", "0.0", "0.0"]);
}

#[test]
fn a_server_that_ends_at_once_is_said_so() {
    let output = loadtest(&["idle", "--target", "floor=/bin/true", "--sockets", "1"]);
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.starts_with("failed to wait for floor: it ended at once\nhint: "), "{said}");
}
