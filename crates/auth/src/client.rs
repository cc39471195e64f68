//! Asks over HTTP or HTTPS, with a limit for everything.

use std::{fs, io, path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client as Pool, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use thiserror::Error;

/// The largest answer that is read.
const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// How long a connection is kept that nobody uses.
const IDLE: Duration = Duration::from_secs(30);
/// How many of these.
const IDLE_MAX: usize = 32;

/// Clones share their connections.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pool: Pool<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

/// Why no answer came that could be read. Nothing of the question or the answer is in it.
#[derive(Debug, Error)]
pub(crate) enum AskError {
    #[error("no answer within {0:?}")]
    Late(Duration),
    #[error("no answer")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("answered {0}")]
    Status(StatusCode),
    #[error("answered more than {ANSWER_BYTES_MAX} bytes")]
    TooLarge,
    #[error("answered what cannot be read: {0}")]
    Unreadable(String),
}

/// Why there are no roots to trust.
#[derive(Debug, Error)]
pub enum RootsError {
    #[error("read the roots that HTTPS trusts")]
    Native(#[source] io::Error),
    #[error("read the certificates of auth.ca")]
    File(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Client {
    pub(crate) fn new(ca: Option<&Path>) -> Result<Self, RootsError> {
        let builder = HttpsConnectorBuilder::new();
        let builder = match ca {
            Some(ca) => builder.with_tls_config(trusting(ca)?),
            None => builder
                .with_provider_and_native_roots(aws_lc_rs::default_provider())
                .map_err(RootsError::Native)?,
        };
        let pool = Pool::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(IDLE_MAX)
            .build(builder.https_or_http().enable_http1().build());
        Ok(Self { pool })
    }

    pub(crate) async fn get(&self, url: &Uri, limit: Duration) -> Result<Bytes, AskError> {
        let request = Request::get(url).header(header::ACCEPT, "application/json");
        self.ask(request.body(Full::default()), limit).await
    }

    pub(crate) async fn post(
        &self,
        url: &Uri,
        json: Bytes,
        limit: Duration,
    ) -> Result<Bytes, AskError> {
        let request = Request::post(url)
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, "application/json");
        self.ask(request.body(Full::new(json)), limit).await
    }

    /// The body of an answer that says 200, the whole of it within `limit`.
    async fn ask(
        &self,
        request: http::Result<Request<Full<Bytes>>>,
        limit: Duration,
    ) -> Result<Bytes, AskError> {
        let request = request.map_err(|error| AskError::Broken(error.into()))?;
        let asking = async {
            let answer = self.pool.request(request).await;
            let answer = answer.map_err(|error| AskError::Broken(error.into()))?;
            if answer.status() != StatusCode::OK {
                return Err(AskError::Status(answer.status()));
            }
            read(answer).await
        };
        tokio::time::timeout(limit, asking).await.unwrap_or(Err(AskError::Late(limit)))
    }
}

async fn read(answer: Response<hyper::body::Incoming>) -> Result<Bytes, AskError> {
    match Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(AskError::TooLarge),
        Err(error) => Err(AskError::Broken(error)),
    }
}

fn trusting(ca: &Path) -> Result<ClientConfig, RootsError> {
    let pem = fs::read(ca).map_err(|error| RootsError::File(error.into()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| RootsError::File(error.into()))?;
        roots.add(certificate).map_err(|error| RootsError::File(error.into()))?;
    }
    if roots.is_empty() {
        return Err(RootsError::File("it holds no certificate".into()));
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| RootsError::File(error.into()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
