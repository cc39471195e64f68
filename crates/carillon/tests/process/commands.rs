//! Commands that run no node: what they say, and how they end.

use super::harness::{carillon, command, fed};

#[test]
fn right_settings_are_right() {
    let ended = carillon(&["check"]);
    assert_eq!((ended.code, ended.out.as_str()), (0, "the settings are right\n"));
}

#[test]
fn check_tells_every_mistake_with_a_form_that_would_do_and_ends_with_64() {
    let ended = carillon(&[
        "check",
        "--set",
        "public.adr=x",
        "--public-addr",
        "localhost",
        "--set",
        "drain.grace=soon",
    ]);
    assert_eq!(ended.code, 64);
    for told in [
        "3 mistakes",
        "public.adr = x (flag --set)",
        "did you mean public.addr?",
        "(flag --public-addr)",
        "127.0.0.1:8000",
        "drain.grace",
    ] {
        assert!(ended.err.contains(told), "{told}: {}", ended.err);
    }
    assert_eq!(ended.err.matches("hint:").count(), 3);
}

#[test]
fn serve_with_wrong_settings_ends_with_64_before_it_listens() {
    let ended = carillon(&["serve", "--public-addr", "0.0.0.0:0"]);
    assert_eq!(ended.code, 64);
    assert!(ended.err.contains("auth.allow_anonymous") && ended.err.contains("public.plaintext"));
}

#[test]
fn wrong_arguments_end_with_64() {
    for args in [
        &["--no-such"][..],
        &["serv"],
        &["check", "--set", "public.addr"],
        &["publish"],
        &["listen"],
    ] {
        assert_eq!(carillon(args).code, 64, "{args:?}");
    }
}

#[test]
fn help_teaches_with_examples_and_tells_of_every_setting() {
    let ended = carillon(&["--help"]);
    assert_eq!(ended.code, 0);
    assert!(ended.out.contains("carillon demo") && ended.out.contains("Examples:"));
    let serve = carillon(&["serve", "--help"]).out;
    for name in ["public.addr", "limits.stall", "recovery.keep_age", "CARILLON_PUBLIC__ADDR"] {
        assert!(serve.contains(name), "{name}");
    }
    for command in [
        "demo",
        "check",
        "config",
        "doctor",
        "healthcheck",
        "publish",
        "listen",
        "explain",
        "token",
        "probe",
    ] {
        let help = carillon(&[command, "--help"]).out;
        assert!(help.contains(&format!("Examples:\n  carillon {command}")), "{help}");
        assert!(help.lines().count() < 60, "{help}");
    }
}

#[test]
fn config_shows_where_each_setting_came_from_and_no_secret() {
    let key = "0123456789abcdef";
    let mut command = command(&["config", "--public-addr", "127.0.0.1:9000"]);
    let output = command.env("CARILLON_INTERNAL__API_KEYS", key).output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(out.contains("addr = \"127.0.0.1:9000\"  # flag --public-addr"), "{out}");
    assert!(
        out.contains("# environment CARILLON_INTERNAL__API_KEYS") && !out.contains(key),
        "{out}"
    );
}

#[test]
fn explain_says_what_becomes_of_each_message() {
    let sample = include_str!("../../../notice/samples/error.json");
    let ended = fed(&["explain"], sample);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(
        ended.out.starts_with("0: file.error to user:5@/notice: the end of task copy_"),
        "{}",
        ended.out
    );

    let ended =
        fed(&["explain", "-"], "{\"identity\":\"a\",\"userIdentity\":5,\"status\":100}\n{broken\n");
    assert_eq!(ended.code, 1);
    assert!(
        ended.out.contains("0: file.progress") && ended.out.contains("1: refused (json)"),
        "{}",
        ended.out
    );
}

#[test]
fn explain_knows_the_status_numbers_of_the_settings() {
    let message = r#"{"identity":"a","userIdentity":5,"status":200}"#;
    assert_eq!(fed(&["explain"], message).code, 1);
    let ended = fed(&["explain", "--set", "ingest.status=200=file.queued"], message);
    assert!(ended.out.contains("file.queued"), "{}", ended.out);
}
