//! Where a node may listen, what that asks for, and where others find it.

use super::{File, config, mistakes, names};

#[test]
fn an_open_public_address_needs_two_admissions() {
    let open = ("public.addr", "0.0.0.0:8000");
    let (anyone, plain) = (("auth.allow_anonymous", "true"), ("public.plaintext", "true"));
    assert_eq!(mistakes(&[open]).len(), 2);
    assert_eq!(mistakes(&[open, anyone]).len(), 1);
    assert_eq!(mistakes(&[open, plain]).len(), 1);
    assert_eq!(mistakes(&[open, anyone, plain]), []);
    assert_eq!(mistakes(&[("public.addr", "[::1]:8000")]), []);
}

#[test]
fn an_open_internal_address_needs_keys() {
    let open = ("internal.addr", "0.0.0.0:8001");
    assert_eq!(names(&mistakes(&[open])), ["internal.addr"]);
    assert_eq!(mistakes(&[open, ("internal.api_keys", "0123456789abcdef")]), []);
    let file = File::holding("keys", "0123456789abcdef\n");
    assert_eq!(mistakes(&[open, ("internal.api_key_files", file.0.to_str().unwrap())]), []);
}

#[test]
fn a_node_may_be_found_by_the_address_that_kubernetes_tells_its_pod() {
    for (told, meant) in [("10.0.0.7:1", "10.0.0.7:1"), ("fd00::7:1", "[fd00::7]:1")] {
        let found = config(&[("internal.advertise", told)]).internal.advertise;
        assert_eq!(found.as_deref(), Some(meant));
    }
}

#[test]
fn conformance_is_refused_beyond_loopback() {
    let told = mistakes(&[
        ("public.conformance", "socket"),
        ("public.addr", "0.0.0.0:8000"),
        ("auth.allow_anonymous", "true"),
        ("public.plaintext", "true"),
    ]);
    assert_eq!(names(&told), ["public.conformance"]);
}
