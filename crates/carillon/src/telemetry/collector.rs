//! The way to the collector: HTTP over the runtime that is there, with the TLS that is there.

use std::{fmt, sync::Arc};

use anyhow::Context as _;
use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use opentelemetry_http::{HttpClient, HttpError};
use parking_lot::Mutex;
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs::default_provider};

/// The longest answer that is read: it says at most what was not taken.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

pub(super) struct Collector {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    trouble: Trouble,
}

/// Why there was no answer the last time. The library says no more than that there was none.
#[derive(Clone, Debug, Default)]
pub(super) struct Trouble(Arc<Mutex<Option<String>>>);

impl Trouble {
    pub(super) fn take(&self) -> Option<String> {
        self.0.lock().take()
    }
}

impl Collector {
    /// Trusts what this machine trusts, where `endpoint` is to be trusted at all.
    pub(super) fn at(endpoint: &str, trouble: &Trouble) -> anyhow::Result<Self> {
        let rules = ClientConfig::builder_with_provider(default_provider().into())
            .with_safe_default_protocol_versions()
            .context("prepare tls")?;
        let rules = if endpoint.starts_with("https:") {
            rules.with_native_roots().context("read the roots that this machine trusts")?
        } else {
            rules.with_root_certificates(RootCertStore::empty())
        };
        let connector = HttpsConnectorBuilder::new().with_tls_config(rules.with_no_client_auth());
        let connector = connector.https_or_http().enable_http1().build();
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { client, trouble: trouble.clone() })
    }

    async fn ask(&self, request: Request<Bytes>) -> anyhow::Result<Response<Bytes>> {
        let (parts, body) = self.client.request(request.map(Full::new)).await?.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(anyhow::Error::from_boxed)?;
        Ok(Response::from_parts(parts, body.to_bytes()))
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        self.ask(request).await.map_err(|error| {
            let why = format!("{error:#}");
            *self.trouble.0.lock() = Some(why.clone());
            why.into()
        })
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Collector")
    }
}
