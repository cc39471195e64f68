//! What a person can do about a connection that did not come about.

use std::io;

/// By what the error comes from; `usual` where it says nothing of how the two speak to each other.
pub(crate) fn advice(error: &anyhow::Error, usual: &'static str) -> &'static str {
    error.chain().find_map(of_cause).unwrap_or(usual)
}

fn of_cause(cause: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    if cause.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse) {
        return Some("what answers there speaks no HTTP; if it speaks TLS, write https://");
    }
    // An error of reading and writing does not name what it holds as its source.
    let held = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    let tls = cause.downcast_ref().or_else(|| held?.downcast_ref());
    match tls? {
        rustls::Error::InvalidCertificate(_) => Some(
            "its certificate is not trusted: --ca names a root that is, --pin the certificate itself",
        ),
        rustls::Error::InvalidMessage(_) => Some("what answers there speaks no TLS; write http://"),
        rustls::Error::AlertReceived(_) => Some(
            "it does not take what was shown to it: --cert and --key name a certificate that it trusts",
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    //! Errors as the libraries wrap them.

    use anyhow::anyhow;

    use super::*;

    #[test]
    fn what_tls_says_is_found_within_an_error_of_reading() {
        let told = |error| advice(&anyhow!(io::Error::other(error)).context("connect"), "usual");
        let unknown = rustls::CertificateError::UnknownIssuer;
        assert!(told(rustls::Error::InvalidCertificate(unknown)).contains("--pin"));
        let plain = rustls::InvalidMessage::InvalidContentType;
        assert!(told(rustls::Error::InvalidMessage(plain)).contains("http://"));
        assert_eq!(told(rustls::Error::DecryptError), "usual");
    }
}
