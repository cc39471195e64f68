//! What a report makes of the sheets it is given.

use super::*;

fn report(sheets: &[(&str, &[f64])]) -> Report {
    let of = |values: &[f64]| {
        let sheet = |value: &f64| {
            let mut sheet = Sheet::default();
            sheet.cost("CPU", "µs", *value);
            sheet.note("lost", "", 0.0);
            sheet
        };
        values.iter().map(sheet).collect()
    };
    Report {
        scenario: "fanout",
        sockets: 10,
        rounds: 3,
        pinned: true,
        sheets: sheets.iter().map(|(name, values)| ((*name).to_owned(), of(values))).collect(),
    }
}

#[test]
fn ratios_are_of_the_first_servers_median_to_the_others() {
    let report = report(&[("carillon", &[9.0, 6.0, 7.0]), ("stock", &[14.0, 10.0, 20.0])]);
    let lines = report.lines();
    assert_eq!(lines[0].values[1].ratio_of_first, Some(0.5));
    assert_eq!(lines[0].values[0].ratio_of_first, None);
}

#[test]
fn what_is_no_cost_is_not_compared() {
    let report = report(&[("carillon", &[9.0]), ("stock", &[14.0])]);
    assert_eq!(report.lines()[1].values[1].ratio_of_first, None);
}

#[test]
fn the_table_has_a_column_for_each_server_and_ratio() {
    let mut out = Vec::new();
    report(&[("carillon", &[5.5]), ("stock", &[11.0]), ("floor", &[0.0])]).print(&mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    let rows: Vec<Vec<&str>> =
        text.lines().skip(2).map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["carillon", "stock", "floor", "carillon/stock", "carillon/floor"]);
    assert_eq!(rows[1], ["CPU,", "µs", "5.50", "11", "0", "0.50", "-"]);
}

#[test]
fn what_a_server_was_not_asked_to_do_is_no_zero() {
    let mut report = report(&[("carillon", &[9.0]), ("node", &[14.0])]);
    report.sheets[0].1[0].cost("stream: CPU", "µs", 5.0);
    let lines = report.lines();
    assert_eq!(lines[2].values[0].median, Some(5.0));
    assert_eq!((lines[2].values[1].median, lines[2].values[1].ratio_of_first), (None, None));
}

#[test]
fn the_picture_has_a_bar_for_each_server_as_long_as_its_median() {
    let report = report(&[("carillon", &[1.0, 2.0, 3.0]), ("a < b", &[8.0])]);
    let picture = plot("title", &report.lines()).to_string();
    let widths: Vec<&str> = picture.split("class=\"bar").skip(1).collect();
    assert_eq!(widths.len(), 4, "two figures of two servers: {picture}");
    assert!(
        widths[0].contains("width=\"140\"") && widths[1].contains("width=\"560\""),
        "{picture}"
    );
    assert!(picture.contains("a &lt; b") && picture.contains("0.25 of it"), "{picture}");
}

#[test]
fn whose_delays_are_the_generators_is_said() {
    let mut report = report(&[("carillon", &[1.0]), ("node", &[1.0])]);
    for ((_, sheets), percent) in report.sheets.iter_mut().zip([99.0, 12.0]) {
        sheets[0].note(BUSY, "%", percent);
    }
    let mut out = Vec::new();
    report.print(&mut out).unwrap();
    let said = String::from_utf8(out).unwrap();
    assert!(said.ends_with("core: the delays of carillon are its own.\n"), "{said}");
}
