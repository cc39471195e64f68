//! How deep JSON nests. Clients recurse over it, the older ones without a limit of their own.

/// The deepest nesting of objects and arrays, the message itself counted.
pub(crate) const DEPTH_MAX: usize = 128;

/// Whether JSON, or several values of it joined by commas, nests deeper than 128 levels. Does not recurse
/// itself.
pub fn is_too_deep(json: &str) -> bool {
    let mut depth = 0_usize;
    let mut in_text = false;
    let mut bytes = json.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => in_text = !in_text,
            // Inside a text only: the escaped byte says nothing about the shape.
            b'\\' => {
                bytes.next();
            }
            b'{' | b'[' if !in_text => depth += 1,
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH_MAX {
            return true;
        }
    }
    false
}
