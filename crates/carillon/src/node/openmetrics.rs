//! The text form of metrics as `OpenMetrics` has it, with exemplars.
//!
//! The library writes the older form alone, and keeps no exemplars. The two differ in little: a counter's
//! family is named without `_total`, the ends of buckets are written as floats, a bucket may have an exemplar
//! behind it, and the end is marked.

use std::{
    borrow::Cow,
    time::{Duration, SystemTime},
};

use gateway::{Exemplar, Exemplars};

pub(super) const TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Turns the older form into this one. `exemplars` are those of the one latency that has any, each with the
/// upper end of its bucket.
pub(super) fn of_text(text: &str, exemplars: &[(f64, Exemplar)]) -> String {
    let exemplars: Vec<_> =
        exemplars.iter().map(|(end, exemplar)| (bucket(*end), words(exemplar))).collect();
    let mut lines = String::with_capacity(text.len() + 1024);
    let mut source = text.lines().peekable();
    while let Some(line) = source.next() {
        // The help of a family stands before its type, and must bear the same name.
        let of_type = if line.starts_with("# HELP ") { source.peek() } else { Some(&line) };
        if of_type.is_some_and(|line| line.starts_with("# TYPE ") && line.ends_with(" counter")) {
            lines.push_str(&line.replacen("_total ", " ", 1));
        } else {
            lines.push_str(&with_point(line));
        }
        if let Some((_, words)) = exemplars.iter().find(|(bucket, _)| line.starts_with(bucket)) {
            lines.push_str(words);
        }
        lines.push('\n');
    }
    lines.push_str("# EOF\n");
    lines
}

/// The upper end of a bucket has a point in it here: `1.0`, where the older form has `1`.
fn with_point(line: &str) -> Cow<'_, str> {
    let end = line.split_once("le=\"").and_then(|(_, rest)| rest.split_once('"'));
    match end {
        Some((end, _)) if end.bytes().all(|byte| byte.is_ascii_digit()) => {
            line.replacen(&format!("le=\"{end}\""), &format!("le=\"{end}.0\""), 1).into()
        }
        _ => line.into(),
    }
}

/// How the line of a bucket begins, in the older form.
fn bucket(end: f64) -> String {
    let end = if end.is_infinite() { "+Inf".to_owned() } else { end.to_string() };
    format!("{}_bucket{{le=\"{end}\"}} ", Exemplars::OF)
}

fn words(exemplar: &Exemplar) -> String {
    let Exemplar { trace, took, at } = exemplar;
    let at = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let (took, at) = (took.as_secs_f64(), at.as_secs_f64());
    format!(" # {{trace_id=\"{trace:032x}\"}} {took} {at:.3}")
}

#[cfg(test)]
mod tests {
    //! What differs between the two forms, and what does not.

    use super::*;

    const TEXT: &str = "\
# HELP carillon_conflated_total Left out.
# TYPE carillon_conflated_total counter
carillon_conflated_total 7
# HELP carillon_delivery_seconds How long.
# TYPE carillon_delivery_seconds histogram
carillon_delivery_seconds_bucket{le=\"0.001\"} 1
carillon_delivery_seconds_bucket{le=\"1\"} 2
carillon_delivery_seconds_bucket{le=\"+Inf\"} 2
";

    #[test]
    fn a_counters_family_has_no_suffix_its_number_has_and_the_end_is_marked() {
        let text = of_text(TEXT, &[]);
        let begins = "# HELP carillon_conflated Left out.\n# TYPE carillon_conflated counter\n\
                      carillon_conflated_total 7\n# HELP carillon_delivery_seconds How long.\n";
        assert!(text.starts_with(begins), "{text}");
        assert!(
            text.ends_with(
                "{le=\"0.001\"} 1\n\
            carillon_delivery_seconds_bucket{le=\"1.0\"} 2\n\
            carillon_delivery_seconds_bucket{le=\"+Inf\"} 2\n# EOF\n"
            ),
            "{text}"
        );
    }

    #[test]
    fn an_exemplar_stands_behind_its_bucket() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_500);
        let exemplar = Exemplar { trace: 0xab, took: Duration::from_millis(250), at };
        let text = of_text(TEXT, &[(1.0, exemplar)]);
        let line = "le=\"1.0\"} 2 # {trace_id=\"000000000000000000000000000000ab\"} 0.25 1.500\n";
        assert!(text.contains(line), "{text}");
        assert_eq!(text.matches("trace_id").count(), 1);
    }
}
