//! What a command goes by where it speaks TLS: whom it trusts, and what it shows of itself.

mod advice;
mod pinned;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use bytes::Bytes;
use gateway::Identity;
use http_body_util::Full;
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls::{
    ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier,
    client::WantsClientCert,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

pub(super) use self::advice::advice;
use self::pinned::Pinned;
use crate::{
    cli::{arguments::TlsArgs, remote::Remote},
    exit::Failure,
};

/// Connections by HTTP/1.1, plain or by TLS as an address says.
pub(super) type Pool = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// A pool that speaks TLS by these rules.
pub(super) fn pool(rules: ClientConfig) -> Pool {
    let connector = HttpsConnectorBuilder::new().with_tls_config(rules).https_or_http();
    Client::builder(TokioExecutor::new()).build(connector.enable_http1().build())
}

/// The rules for speaking to `remote`; where it speaks plainly, they are of no use and trust nobody.
pub(super) fn rules(remote: &Remote, args: &TlsArgs) -> Result<ClientConfig, Failure> {
    let mistaken = |error| Failure::usage(error, "--ca, --pin, --cert and --key name PEM files");
    if remote.is_secure() { made(args).map_err(mistaken) } else { plain().map_err(mistaken) }
}

/// The rules for a node that speaks to itself, by its loopback address, which its certificate need not name.
pub(super) fn of_oneself(identity: Option<&Identity>) -> anyhow::Result<ClientConfig> {
    let Some(identity) = identity else { return plain() };
    Ok(trusting_only(vec![identity.certificate().clone()])?.with_no_client_auth())
}

fn plain() -> anyhow::Result<ClientConfig> {
    Ok(builder()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

fn made(args: &TlsArgs) -> anyhow::Result<ClientConfig> {
    let trusting = match &args.pin[..] {
        [] => trusting(args.ca.as_deref())?,
        files => trusting_only(pins(files)?)?,
    };
    let (Some(cert), Some(key)) = (&args.cert, &args.key) else {
        return Ok(trusting.with_no_client_auth());
    };
    let what = || format!("read the certificate of {}", cert.display());
    let chain: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(cert).with_context(what)?.collect();
    let chain = chain.with_context(what)?;
    let key_file = key;
    let key = PrivateKeyDer::from_pem_file(key_file)
        .with_context(|| format!("read the key of {}", key_file.display()))?;
    trusting.with_client_auth_cert(chain, key).with_context(what)
}

fn pins(files: &[PathBuf]) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let pin = |file: &PathBuf| {
        let read = CertificateDer::from_pem_file(file);
        read.with_context(|| format!("read the certificate of {}", file.display()))
    };
    files.iter().map(pin).collect()
}

fn trusting_only(
    certificates: Vec<CertificateDer<'static>>,
) -> anyhow::Result<ConfigBuilder<ClientConfig, WantsClientCert>> {
    let pinned = Pinned { certificates, provider: Arc::new(default_provider()) };
    Ok(builder()?.dangerous().with_custom_certificate_verifier(Arc::new(pinned)))
}

fn trusting(ca: Option<&Path>) -> anyhow::Result<ConfigBuilder<ClientConfig, WantsClientCert>> {
    let Some(ca) = ca else {
        return builder()?.with_native_roots().context("read the roots that this machine trusts");
    };
    let what = || format!("read the roots of {}", ca.display());
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_file_iter(ca).with_context(what)? {
        roots.add(root.with_context(what)?).with_context(what)?;
    }
    anyhow::ensure!(!roots.is_empty(), "{}: it holds no certificate", what());
    Ok(builder()?.with_root_certificates(roots))
}

fn builder() -> anyhow::Result<ConfigBuilder<ClientConfig, WantsVerifier>> {
    ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .context("prepare tls")
}
