//! What an operator may add to the status table.

use std::collections::HashMap;

use crate::{StatusTable, StatusTableError};

fn table(entries: &[(&str, &str)]) -> Result<StatusTable, StatusTableError> {
    let own = |(key, event): &(&str, &str)| ((*key).to_owned(), (*event).to_owned());
    StatusTable::new(entries.iter().map(own).collect::<HashMap<_, _>>())
}

#[test]
fn an_added_status_stands_for_its_event() {
    let table = table(&[("200", "file.queued"), ("-7", "file.error")]).unwrap();
    assert_eq!(table.event(200).unwrap().as_str(), "file.queued");
    assert_eq!(table.event(-7).unwrap().as_str(), "file.error");
    assert_eq!(table.event(201), None);
}

#[test]
fn all_mistakes_are_reported_at_once_and_in_order() {
    let entries = [
        ("ten", "a.b"),
        ("+5", "a.b"),
        ("05", "a.b"),
        ("1000", "a.b"),
        ("300", "error"),
        ("7", ""),
    ];
    let error = table(&entries).unwrap_err();
    assert_eq!(
        error.mistakes(),
        [
            "read status \"+5\": expected an integer in decimal, like \"200\"",
            "read status \"05\": expected an integer in decimal, like \"200\"",
            "read status \"1000\": it always means file.complete, expected another",
            "read the event of status \"300\": event \"error\" is reserved",
            "read the event of status \"7\": event is empty",
            "read status \"ten\": expected an integer in decimal, like \"200\"",
        ]
    );
    assert_eq!(error.to_string(), error.mistakes().join("; "));
}
