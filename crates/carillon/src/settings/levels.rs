//! The levels in a filter of log lines. `tracing-subscriber` takes a word that is no level for the name of a target,
//! so that `inof` would silence everything; here it is a mistake.

use tracing_subscriber::filter::LevelFilter;

const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];

/// How alike a word must be to a level for that to be suggested, from 0 to 1.
const ALIKE_MIN: f64 = 0.5;

/// What is wrong with the first word of `filter` that stands where a level should, and what to do.
pub(crate) fn misspelt(filter: &str) -> Option<(String, String)> {
    let word = filter.split(',').find_map(not_a_level)?;
    let alike = |level: &&&str| strsim::normalized_damerau_levenshtein(word, level);
    let nearest = LEVELS.iter().max_by(|one, other| alike(one).total_cmp(&alike(other)));
    let hint = match nearest.filter(|level| alike(level) >= ALIKE_MIN) {
        Some(level) => format!("did you mean {level}?"),
        None => format!(
            "write {word}=debug for the lines of one part; levels are {}",
            LEVELS.join(", ")
        ),
    };
    Some((format!("{word:?} is no level"), hint))
}

/// What a part such as `info`, `gateway=debug` or `gateway` has in the place of its level, if that is none. One that
/// chooses by spans or fields is left to the library.
fn not_a_level(part: &str) -> Option<&str> {
    let part = part.trim();
    let word = part.rsplit_once('=').map_or(part, |(_, level)| level).trim();
    let is_plain = !word.is_empty() && !part.contains(['[', ']', '{', '}', '"']);
    (is_plain && word.parse::<LevelFilter>().is_err()).then_some(word)
}

#[cfg(test)]
mod tests {
    //! Which words are told.

    use super::*;

    #[test]
    fn a_filter_of_levels_and_parts_is_right() {
        for right in
            ["info", "INFO, gateway=debug", "off", "warn,audit=info", "[span{a=b}]=trace", ""]
        {
            assert_eq!(misspelt(right), None, "{right}");
        }
    }

    #[test]
    fn a_misspelt_level_is_told_with_the_one_that_was_meant() {
        let hint = |filter| misspelt(filter).unwrap();
        assert_eq!(
            hint("inof"),
            ("\"inof\" is no level".to_owned(), "did you mean info?".to_owned())
        );
        assert_eq!(hint("info,gateway=debgu").1, "did you mean debug?");
        assert!(hint("info,gateway").1.starts_with("write gateway=debug"));
    }
}
