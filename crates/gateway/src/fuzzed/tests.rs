//! The seeds, and what is near them.

use super::{forwarded, introduction, namespace, packets, placeholders, polling_body, websocket};

#[path = "../../../../fuzz/near.rs"]
mod near;

#[test]
fn every_seed_and_what_is_near_it_is_read_without_harm() {
    near::each("forwarded", forwarded);
    near::each("introduction", introduction);
    near::each("websocket", websocket);
    near::each("polling_body", polling_body);
    near::each("packets", packets);
    near::each("namespace", namespace);
    near::each("placeholders", placeholders);
}
