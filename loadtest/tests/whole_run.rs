//! Small runs from end to end: on the cheapest server there is, and on a cluster that needs no
//! build of ours.
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

fn number(report: &Value, name: &str) -> f64 {
    figure(report, name).parse().unwrap()
}

fn report(arguments: &[&str], name: &str) -> Value {
    let json = env::temp_dir().join(format!("loadtest-{name}-{}.json", std::process::id()));
    let output = loadtest(&[arguments, &["--json", json.to_str().unwrap()]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report = serde_json::from_slice(&fs::read(&json).unwrap()).unwrap();
    fs::remove_file(&json).unwrap();
    report
}

#[test]
fn every_message_reaches_every_socket_once_and_in_order() {
    let target = format!("floor={}", example("floor").display());
    let arguments = ["fanout", "--target", &target, "--sockets", "50", "--rate", "20"];
    let report = report(&[&arguments[..], &["--seconds", "1"]].concat(), "fanout");
    let counts = ["deliveries", "lost", "out of order", "departed"];
    assert_eq!(counts.map(|name| figure(&report, name)), ["1000.0", "0.0", "0.0", "0.0"]);
}

#[test]
fn every_message_of_a_burst_reaches_every_socket_once_and_in_order() {
    let target = format!("floor={}", example("floor").display());
    let arguments = ["fanout", "--target", &target, "--sockets", "50", "--burst", "20"];
    let report = report(&arguments, "burst");
    let counts = ["deliveries", "lost", "out of order", "departed"];
    assert_eq!(counts.map(|name| figure(&report, name)), ["1000.0", "0.0", "0.0", "0.0"]);
}

#[test]
fn a_plain_websocket_server_is_measured_by_its_path_and_by_its_address() {
    let peer = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/node");
    let small = ["--sockets", "20", "--rate", "20", "--seconds", "1", "--settle-seconds", "1"];
    let counts = ["deliveries", "lost", "out of order", "departed"];
    let by_path = format!("ws={}", peer.display());
    let report = report(&[&["fanout", "--target", &by_path][..], &small].concat(), "ws");
    assert_eq!(counts.map(|name| figure(&report, name)), ["400.0", "0.0", "0.0", "0.0"]);

    let [public, publish] = free_addresses();
    let mut node = Command::new("node");
    let mut node = node.arg(peer.join("plain.js")).args([&public, &publish]).spawn().unwrap();
    for address in [&public, &publish] {
        while std::net::TcpStream::connect(address).is_err() {
            assert!(node.try_wait().unwrap().is_none(), "the server ended");
        }
    }
    let target = format!("ws={public},{publish},{}", node.id());
    let report = self::report(&[&["fanout", "--target", &target][..], &small].concat(), "there");
    assert_eq!(counts.map(|name| figure(&report, name)), ["400.0", "0.0", "0.0", "0.0"]);
    assert!(node.try_wait().unwrap().is_none(), "whoever started it ends it");
    node.kill().unwrap();
    node.wait().unwrap();
}

fn free_addresses() -> [String; 2] {
    let free = [(); 2].map(|()| std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    free.map(|listener| listener.local_addr().unwrap().to_string())
}

#[test]
fn clients_by_tls_and_by_a_change_over_are_seated_and_stay() {
    for way in ["--tls", "--upgrade"] {
        let small = ["--sockets", "20", "--settle-seconds", "1", way];
        let target = carillon();
        let report = report(&[&["idle", "--target", &target][..], &small].concat(), &way[2..]);
        assert_eq!(figure(&report, "departed"), "0.0", "{way}");
    }
    let output = loadtest(&["idle", "--target", "floor=/bin/true", "--tls"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.starts_with("failed to speak TLS to floor"), "{said}");
}

#[test]
fn what_is_told_to_everyone_and_to_one_reaches_them_on_whichever_node() {
    let peer = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/node");
    for target in [carillon(), format!("node={}", peer.display())] {
        let small = ["--sockets", "20", "--rate", "10", "--single-rate", "20", "--seconds", "1"];
        let arguments = [&["spread", "--nodes", "2", "--target", &target][..], &small].concat();
        let report = report(&arguments, "spread");
        let none = ["to everyone: lost", "to one user: lost", "departed"];
        assert_eq!(none.map(|name| figure(&report, name)), ["0.0"; 3], "{target}");
        assert!(number(&report, "to one user: Redis commands") >= 1.0, "{target}");
    }
}

#[test]
fn every_user_gets_a_notice_of_its_own_with_each_call() {
    let peer = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/node");
    for target in
        [format!("floor={}", example("floor").display()), format!("node={}", peer.display())]
    {
        let arguments = ["users", "--target", &target, "--sockets", "50", "--times", "3"];
        let report = report(&arguments, "users");
        let counts = ["delivered", "lost", "out of order", "departed"];
        assert_eq!(counts.map(|name| figure(&report, name)), ["150.0", "0.0", "0.0", "0.0"]);
    }
}

#[test]
fn what_is_handed_in_at_one_node_of_a_cluster_reaches_the_users_at_the_other() {
    let peer = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/node");
    let target = format!("node={}", peer.display());
    let small = ["--users", "10", "--notices", "100", "--rate", "20", "--absent", "10"];
    let arguments = [&["cluster", "--target", &target, "--seconds", "1"][..], &small].concat();
    let report = report(&arguments, "cluster");

    for part in ["first burst", "emit burst", "task burst"] {
        let counts = ["delivered", "lost", "out of order"];
        let counted = counts.map(|name| figure(&report, &format!("{part}: {name}")));
        assert_eq!(counted, ["100.0", "0.0", "0.0"], "{part}");
    }
    assert_eq!(figure(&report, "paced: delivered"), "20.0");
    let bytes = number(&report, "absent: B's bytes of a notice");
    assert!(bytes > 256.0, "every node of this peer hears every notice: {bytes}");
}

/// Our own node, built if it is not.
fn carillon() -> String {
    let args = ["build", "--quiet", "--workspace", "--bin", "carillon"];
    assert!(Command::new(env!("CARGO")).args(args).status().unwrap().success());
    format!(
        "carillon={}",
        Path::new(env!("CARGO_BIN_EXE_loadtest")).with_file_name("carillon").display()
    )
}

#[test]
fn clients_that_stand_still_are_gone_in_time_and_the_good_ones_miss_nothing() {
    let target = carillon();
    let small = ["--good", "5", "--still", "5", "--rate", "50", "--seconds", "1", "--stall", "2"];
    let report = report(&[&["hostile", "--target", &target][..], &small].concat(), "hostile");
    let none = ["alone: delay: lost", "beside the still: delay: lost", "still ones left"];
    assert_eq!(none.map(|name| figure(&report, name)), ["0.0"; 3]);
    assert_eq!(figure(&report, "good ones departed"), "0.0");
}

#[test]
fn a_storm_is_refused_where_the_node_is_full_and_seated_where_it_is_not() {
    let target = carillon();
    let small = ["--accepted", "20", "--refused", "20"];
    let report = report(&[&["storm", "--target", &target][..], &small].concat(), "storm");
    assert_eq!(figure(&report, "refused"), "20.0");
    let told = number(&report, "of them told 503");
    assert!(told > 0.0, "nobody was told why");
}

#[test]
fn a_rolling_restart_cuts_everybody_and_costs_nobody_an_end() {
    let target = carillon();
    let small = ["--sockets", "30", "--rate", "100", "--grace", "8"];
    let report = report(&[&["restart", "--target", &target][..], &small].concat(), "restart");
    let none = ["ends lost", "ends to somebody else", "gaps told", "not back"];
    assert_eq!(none.map(|name| figure(&report, name)), ["0.0"; 4]);
    let [owed, cuts] = ["ends owed", "cuts"].map(|name| number(&report, name));
    assert!(owed > 1_000.0 && cuts >= 30.0, "{owed} ends, {cuts} cuts");
    assert_eq!(figure(&report, "cuts told before"), figure(&report, "cuts"));
    assert_eq!(figure(&report, "nodes that left with 0"), "3.0");
}

#[test]
fn clients_of_a_killed_node_come_back_to_the_other_and_have_what_they_missed() {
    let peer = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/node");
    let targets = [carillon(), format!("node={}", peer.display())];
    let small = ["--sockets", "30", "--others", "5", "--rate", "100"];
    let short = ["--seconds", "1", "--settle-seconds", "1"];
    for (target, keeps) in targets.iter().zip([true, false]) {
        let report = report(&[&["cut", "--target", target][..], &small, &short].concat(), "cut");
        let came = ["cuts", "attempts to come back", "not back"];
        assert_eq!(came.map(|name| figure(&report, name)), ["30.0", "30.0", "0.0"], "{target}");
        let lost = figure(&report, "ends lost");
        assert_eq!(lost == "0.0", keeps, "{target} lost {lost}: only ours keeps them");
    }
}

#[test]
fn a_server_without_limits_is_not_held_to_them() {
    for scenario in ["hostile", "storm", "restart"] {
        let output = loadtest(&[scenario, "--target", "floor=/bin/true"]);
        assert!(!output.status.success());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.starts_with("failed to hold floor to its limits"), "{said}");
    }
}

#[test]
fn a_server_that_works_in_no_cluster_is_refused() {
    for (scenario, said) in [
        ("cluster", "failed to play a pair of"),
        ("tasks", "failed to play tasks"),
        ("cut", "failed to play a pair of"),
    ] {
        let output = loadtest(&[scenario, "--target", "floor=/bin/true"]);
        assert!(!output.status.success());
        assert!(String::from_utf8_lossy(&output.stderr).starts_with(said), "{scenario}");
    }
}

#[test]
fn a_server_that_ends_at_once_is_said_so() {
    let output = loadtest(&["idle", "--target", "floor=/bin/true", "--sockets", "1"]);
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.starts_with("failed to wait for floor: it ended at once\nhint: "), "{said}");
}
