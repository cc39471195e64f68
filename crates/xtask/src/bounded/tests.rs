//! A program ends in its time, or is ended.

use std::{
    fs,
    process::{Command, ExitCode},
    sync::mpsc,
    thread,
    time::Duration,
};

use super::{HUNG, run};

const LONG: Duration = Duration::from_mins(1);

fn run_shell(limit: Duration, script: &str) -> String {
    let code = run(limit, "sh", &["-c".into(), script.into()]).unwrap();
    format!("{code:?}")
}

#[test]
fn the_code_of_a_program_is_passed_on() {
    assert_eq!(run_shell(LONG, "exit 0"), format!("{:?}", ExitCode::SUCCESS));
    assert_eq!(run_shell(LONG, "exit 7"), format!("{:?}", ExitCode::from(7)));
}

#[test]
fn a_program_ended_by_a_signal_has_failed() {
    assert_eq!(run_shell(LONG, "kill -KILL $$"), format!("{:?}", ExitCode::FAILURE));
}

#[test]
fn a_program_that_hangs_is_ended_with_its_children() {
    let pipe = std::env::temp_dir().join(format!("xtask-bounded-{}", std::process::id()));
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let (ended, end) = mpsc::sync_channel(1);
    let reading = pipe.clone();
    // Reading ends when the last process that could write has gone.
    let reader = thread::spawn(move || ended.send(fs::read(reading)));

    let code = run_shell(Duration::from_secs(1), &format!("sleep 600 > {} & wait", pipe.display()));

    assert_eq!(code, format!("{:?}", ExitCode::from(HUNG)));
    let outcome = end.recv_timeout(LONG);
    fs::remove_file(&pipe).unwrap();
    assert!(outcome.is_ok(), "the child outlived its parent");
    reader.join().unwrap().unwrap();
}
