//! Planted secrets are found, and what only looks like one is not.

use std::fs;

use super::{kind, told};

const TOKEN: &str = "eyJhbGciOiJub25lIn0.eyJzdWIiOiI1In0.";

#[test]
fn a_planted_secret_is_named_by_file_and_line_and_not_repeated() {
    let folder = std::env::temp_dir().join(format!("xtask-secrets-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("a.log"), format!("fine\n{{\"url\":\"/ws?token={TOKEN}&x\"}}\n"))
        .unwrap();
    fs::write(folder.join("b.log"), "sid=AbCdEfGhIjKlMnOpQrStUvWx\n").unwrap();
    fs::write(folder.join("b.secrets"), "AbCdEfGhIjKlMnOpQrStUvWx\nshort\n").unwrap();
    let told = told(&folder).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!((told.files, told.lines, told.secrets.len()), (2, 3, 2), "{told:?}");
    assert!(told.secrets[0].ends_with("a.log:2: a token"), "{told:?}");
    assert!(told.secrets[1].contains("b.log:1: a session's id"), "{told:?}");
    assert!(!format!("{told:?}").contains("eyJ"));
}

#[test]
fn marks_and_keys_are_found_and_their_names_are_not() {
    for line in ["key=the-secret-of-operations", "-----BEGIN PRIVATE KEY-----"] {
        assert!(kind(line, &[]).is_some(), "{line}");
    }
    for line in ["secret-audit-1/ops", "eyJ.a.b", "token is malformed", ""] {
        assert!(kind(line, &[]).is_none(), "{line}");
    }
}
