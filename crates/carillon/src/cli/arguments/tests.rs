//! Whether what the documents and the help tell people to type is taken.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use clap::error::ErrorKind;

use crate::cli::arguments::parse;

/// What stands for a letter's id in a document, and one.
const ID: [&str; 2] = ["ID", "1763683200000-0"];

/// The pages that people read, and the help.
fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut documents = vec![root.join("crates/carillon/src/cli/arguments/examples.rs")];
    for folder in ["", "docs", "docs/runbooks", "helm/carillon"] {
        let files = fs::read_dir(root.join(folder)).unwrap().map(|file| file.unwrap().path());
        documents.extend(files.filter(|path| path.extension().is_some_and(|it| it == "md")));
    }
    documents
}

/// The arguments of each command of ours in a line: what begins it, stands in backticks, or follows on
/// something of a shell's.
fn commands(line: &str) -> Vec<Vec<&str>> {
    let parts = line.split(['`', '|', ';', ')', '>', '&']).flat_map(|part| part.split("$("));
    let told = parts.filter_map(|part| {
        // What a command does is told behind it, at some distance.
        let part = part.trim_start_matches(['"', ' ']).split("  ").next()?.split(" #").next()?;
        let begins = ["cargo run -- ", "cargo run --release -- ", "carillon "];
        let ours = begins.iter().find_map(|begin| part.strip_prefix(begin))?;
        Some(ours.split_whitespace().map(|word| word.trim_matches('\'')).collect())
    });
    told.collect()
}

/// What is wrong with a command. One that is only named, without what it needs, is not.
fn wrong(words: &[&str]) -> Option<String> {
    let known = |word: &&str| if *word == ID[0] { ID[1].into() } else { OsString::from(word) };
    let arguments = [OsString::from("carillon")].into_iter().chain(words.iter().map(known));
    let error = parse(arguments).err()?;
    let lacks = matches!(
        error.kind(),
        ErrorKind::MissingRequiredArgument | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    // Help that was asked for goes to standard output.
    (error.use_stderr() && (words.len() > 1 || !lacks)).then(|| error.to_string())
}

#[test]
fn every_command_that_is_told_of_is_taken() {
    let (mut seen, mut faults) = (0, Vec::new());
    for path in documents() {
        for (index, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
            for words in commands(line) {
                seen += 1;
                let at = format!("{}:{}", path.display(), index + 1);
                faults.extend(wrong(&words).map(|wrong| format!("{at}: {words:?}: {wrong}")));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(seen > 50, "only {seen} commands were found: has the way of writing them changed?");
}

#[test]
fn a_command_that_is_not_there_is_found() {
    let line = "X=\"$(carillon token --user 5)\" carillon dead list; carillon prob  # see `carillon dead drop ID`";
    let told = commands(line);
    let wrong: Vec<_> = told.iter().map(|words| wrong(words).is_some()).collect();
    assert_eq!(wrong, [false, false, true, false]);
}
