//! Which pairs of files will do, and what is said of the others.

use super::{IdentityError as E, *};
use crate::tls::papers::Papers;

fn refused(papers: &Papers, cert: &str, key: &str) -> IdentityError {
    Identity::read(&papers.path(cert), &papers.path(key)).expect_err("it will not do")
}

#[test]
fn a_certificate_with_its_key_will_do_and_says_when_it_ends() {
    let papers = Papers::new();
    let identity = Identity::read(&papers.path("first.pem"), &papers.path("first.key")).unwrap();
    let days = identity.until().duration_since(SystemTime::now()).unwrap().as_secs() / 3600 / 24;
    assert_eq!(days, 99);
    assert!(!identity.ends_soon(SystemTime::now()));
    assert!(identity.ends_soon(SystemTime::now() + Duration::from_hours(24 * 87)));
}

#[test]
fn two_files_that_will_not_do_are_told_apart() {
    let papers = Papers::new();
    papers.issue("other", &["-days", "1"]);
    fs::write(papers.path("words.pem"), "words").unwrap();
    fs::write(
        papers.path("broken.pem"),
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    )
    .unwrap();
    assert!(matches!(refused(&papers, "none.pem", "first.key"), E::CertUnreadable(_)));
    assert!(matches!(refused(&papers, "first.pem", "none.key"), E::KeyUnreadable(_)));
    assert!(matches!(refused(&papers, "words.pem", "first.key"), E::NoCert));
    assert!(matches!(refused(&papers, "broken.pem", "first.key"), E::BadCert(_)));
    assert!(matches!(refused(&papers, "first.pem", "words.pem"), E::NoKey));
    assert!(matches!(refused(&papers, "first.pem", "other.key"), E::Mismatch));
}

#[test]
fn a_certificate_will_not_do_once_it_has_expired() {
    let papers = Papers::new();
    let identity = Identity::read(&papers.path("first.pem"), &papers.path("first.key")).unwrap();
    let at = |now| identity.files.identity(identity.texts.clone(), now);
    assert!(at(identity.until() - Duration::from_secs(1)).is_ok());
    let error = at(identity.until()).unwrap_err().to_string();
    assert!(error.starts_with("holds a certificate that expired at 20"), "{error}");
}

#[test]
fn a_key_is_shown_by_nothing_that_prints_an_identity() {
    let papers = Papers::new();
    let identity = Identity::read(&papers.path("first.pem"), &papers.path("first.key")).unwrap();
    let shown = format!("{identity:?}");
    assert!(shown.contains("first.key") && shown.len() < 400, "{shown}");
}
