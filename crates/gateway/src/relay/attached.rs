//! Whether attachments and their placeholders fit together. Clients trust a server in this: one that finds a
//! placeholder without its attachment leaves, so whoever relays could put the others out.

use notice::ATTACHMENTS_MAX;
use serde_json::Value;

/// `args` are JSON texts joined by commas. Without attachments nobody looks for placeholders.
pub(super) fn fit(args: &str, attachments: usize) -> bool {
    let of_all = || serde_json::from_str(&format!("[{args}]"));
    attachments == 0
        || attachments <= ATTACHMENTS_MAX && of_all().is_ok_and(|all| places_fit(&all, attachments))
}

/// Older clients look at nothing but the key.
fn places_fit(json: &Value, attachments: usize) -> bool {
    match json {
        Value::Object(fields) if fields.contains_key("_placeholder") => {
            let num = fields.get("num").and_then(Value::as_u64);
            let num = num.and_then(|num| usize::try_from(num).ok());
            fields["_placeholder"] == true && num.is_some_and(|num| num < attachments)
        }
        Value::Object(fields) => fields.values().all(|json| places_fit(json, attachments)),
        Value::Array(parts) => parts.iter().all(|json| places_fit(json, attachments)),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_placeholder_names_an_attachment() {
        let two = r#"1,{"a":[{"num":1,"_placeholder":true}]},{"_placeholder":true,"num":0}"#;
        assert!(fit(two, 2));
        assert!(!fit(two, 1));
        for bad in ["-1", "1", "0.5", "\"0\"", "null", "18446744073709551616"] {
            let args = format!(r#"{{"_placeholder":true,"num":{bad}}}"#);
            assert!(!fit(&args, 1), "{bad}");
        }
        assert!(!fit(r#"[{"_placeholder":true}]"#, 1));
        assert!(!fit(r#"{"_placeholder":1,"num":0}"#, 1));
        assert!(!fit(r#"{"\u005fplaceholder":true}"#, 1));
    }

    #[test]
    fn there_are_no_more_than_clients_take() {
        assert!(fit("1", ATTACHMENTS_MAX));
        assert!(!fit("1", ATTACHMENTS_MAX + 1));
    }

    #[test]
    fn without_attachments_nothing_is_a_placeholder() {
        assert!(fit(r#"{"_placeholder":true,"num":7}"#, 0));
    }
}
