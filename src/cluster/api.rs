//! K3s's API, asked on a server over a stream to it that someone else opened. It takes no program of
//! K3s's: `k3s kubectl` costs a server 170 to 400 ms of processor time a call.
//!
//! Everything that a server says is bounded, and of what it lists a few fields are kept (`objects`).

mod details;
mod marks;

use std::io::{Read, Write};

use openssl::ssl::SslStream;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::kubeconfig::Access;
use super::objects::{ApiVersionsJson, ListPage, ListedObject};
use super::{ApiJsonError, Nodes, Pods};
use crate::https::http::{HttpAnswer, HttpConnection, HttpError};
use crate::https::tls;

/// Where a server serves it for programs of its own; K3s's serving certificate has this address.
pub(crate) const HOST: &str = "127.0.0.1";

/// How many objects are listed at once, as kubectl does it.
const PAGE: usize = 500;
/// How long a page of a list may be; a pod takes some kilobytes.
const LONGEST_PAGE: usize = 16 << 20;
/// How long all pages of a list may be.
const LONGEST_LIST: usize = 128 << 20;
/// How long an object may be: etcd takes no larger ones.
const LONGEST_OBJECT: usize = 2 << 20;
/// How long any other answer may be.
const LONGEST: usize = 64 * 1024;
/// How much of a reason is told.
const TOLD: usize = 200;

/// Why the API did not say what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ApiError {
    /// The server and the administrator do not trust each other: one of them has other certificates
    /// now.
    #[error("{0}")]
    Refused(String),
    #[error("{0}")]
    Failed(String),
}

impl From<HttpError> for ApiError {
    fn from(error: HttpError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// The API on one connection.
pub(crate) struct Api<S> {
    connection: HttpConnection<SslStream<S>>,
}

impl<S: Read + Write> Api<S> {
    /// Over a stream to what has this name or address in its certificate.
    pub(crate) fn connect_as(stream: S, name: &str, access: &Access) -> Result<Self, ApiError> {
        let stream = tls::connect(stream, name, &access.ca_pem, Some(&access.identity));
        let stream = stream.map_err(|failure| ApiError::Refused(failure.to_string()))?;
        Ok(Self {
            connection: HttpConnection::new(stream, name),
        })
    }

    /// Whether the server itself is ready (`/readyz`); if it is not, why. Without an answer it is not
    /// known.
    pub(crate) fn unready(&mut self) -> Result<Option<String>, ApiError> {
        let answer = self.answer("/readyz", LONGEST)?;
        Ok(match (answer.status, answer.body.as_slice()) {
            (200, b"ok") => None,
            (200, _) => Some("it does not say ok".into()),
            (status, body) => Some(said(status, body)),
        })
    }

    /// The server that answers, by the address that it advertises (docs/facts.md, "External load
    /// balancers").
    pub(crate) fn advertised(&mut self) -> Result<String, ApiError> {
        let body = self.get("/api", LONGEST)?;
        let versions = serde_json::from_slice::<ApiVersionsJson>(&body);
        let versions = versions.map_err(|error| ApiJsonError::from(error).to_string());
        let first = versions.map_err(ApiError::Failed)?.advertised();
        first.ok_or_else(|| ApiError::Failed("it does not say which server it is".into()))
    }

    pub(crate) fn nodes(&mut self) -> Result<Nodes, ApiError> {
        self.list("/api/v1/nodes").map(Nodes)
    }

    pub(crate) fn pods(&mut self) -> Result<Pods, ApiError> {
        self.list("/api/v1/pods").map(Pods)
    }

    /// All objects of a kind, page by page. The pages are of one moment, which their tokens name.
    fn list<T: ListedObject>(&mut self, path: &str) -> Result<Vec<T>, ApiError> {
        let (mut all, mut left) = (Vec::new(), LONGEST_LIST);
        let mut page = format!("{path}?limit={PAGE}");
        loop {
            let body = self.get(&page, left.min(LONGEST_PAGE))?;
            left -= body.len();
            let parsed =
                ListPage::parse(&body).map_err(|error| ApiError::Failed(error.to_string()))?;
            let (items, more) = parsed.take();
            all.extend(items);
            let Some(more) = more else { return Ok(all) };
            if !is_token(&more) {
                let why = "the next page of a list has an impossible name";
                return Err(ApiError::Failed(why.into()));
            }
            page = format!("{path}?limit={PAGE}&continue={more}");
        }
    }

    /// One object, if it is of that kind.
    fn one<T: DeserializeOwned>(&mut self, path: &str) -> Result<T, ApiError> {
        let body = self.get(path, LONGEST_OBJECT)?;
        serde_json::from_slice(&body)
            .map_err(|error| ApiError::Failed(ApiJsonError::from(error).to_string()))
    }

    fn get(&mut self, path: &str, most: usize) -> Result<Vec<u8>, ApiError> {
        let answer = self.answer(path, most)?;
        match answer.status {
            200 => Ok(answer.body),
            status => Err(ApiError::Failed(said(status, &answer.body))),
        }
    }

    /// What it answers to an administrator whom it accepts.
    fn answer(&mut self, path: &str, most: usize) -> Result<HttpAnswer, ApiError> {
        self.asked("GET", path, None, most)
    }

    fn asked(
        &mut self,
        method: &'static str,
        path: &str,
        json: Option<&str>,
        most: usize,
    ) -> Result<HttpAnswer, ApiError> {
        let answer = self.connection.ask(method, path, json, most)?;
        match answer.status {
            status @ (401 | 403) => Err(ApiError::Refused(said(status, &answer.body))),
            _ => Ok(answer),
        }
    }
}

/// Whether it can stand in a URL as it is: tokens are unpadded base64 in the alphabet for URLs.
fn is_token(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_=.".contains(&byte);
    text.len() <= LONGEST && text.bytes().all(fits)
}

/// What an answer says that is no success: the message of the API's `Status`, or else its last line.
fn said(status: u16, body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Status {
        message: String,
    }
    let text = String::from_utf8_lossy(body);
    let message = serde_json::from_slice::<Status>(body).map(|status| status.message);
    let message = message.unwrap_or_else(|_| text.trim().lines().last().unwrap_or("").to_owned());
    let plain = message.chars().filter(|letter| !letter.is_control());
    let plain: String = plain.take(TOLD).collect();
    format!("K3s's API answers {status}: {plain}")
}

#[cfg(test)]
pub(crate) mod tests;
