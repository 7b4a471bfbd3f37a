//! One step of the walk: what it shows, the request, the answer, and whether that was the expected one.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use super::show;
use crate::process;

/// Longer than the longest wait that a step asks for.
const TIME_OUT: Duration = Duration::from_secs(30);

/// The answer to a request.
pub struct Answer {
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    /// The text at a JSON pointer of the body.
    pub fn text(&self, pointer: &str) -> anyhow::Result<&str> {
        let found = self.body.pointer(pointer).and_then(Value::as_str);
        found.with_context(|| format!("the answer has no text at {pointer}"))
    }

    /// A header.
    pub fn header(&self, name: &str) -> anyhow::Result<&str> {
        let found = self.headers.get(name).and_then(|value| value.to_str().ok());
        found.with_context(|| format!("the answer has no header {name}"))
    }

    /// The value that it sets for a cookie.
    pub fn cookie(&self, name: &str) -> anyhow::Result<&str> {
        let lines = self.headers.get_all("set-cookie").iter().filter_map(|line| line.to_str().ok());
        let mut pairs = lines.filter_map(|line| line.split(';').next()?.split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value).with_context(|| format!("no cookie {name} is set"))
    }
}

/// A walk to one origin.
pub struct Walk {
    http: reqwest::Client,
    origin: String,
    steps: u32,
}

impl Walk {
    /// A walk that has not begun.
    pub fn to(origin: &str) -> anyhow::Result<Self> {
        let http =
            reqwest::Client::builder().user_agent("tessera-demo").redirect(Policy::none()).timeout(TIME_OUT).build()?;
        Ok(Self { http, origin: origin.trim_end_matches('/').to_owned(), steps: 0 })
    }

    /// Where it goes.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// How many steps were taken.
    pub fn steps(&self) -> u32 {
        self.steps
    }

    /// Whether Tessera answers there.
    pub async fn is_tessera(&self) -> bool {
        let Ok(answer) = self.request(Method::GET, "/sessions/version").send().await else { return false };
        answer.json::<Value>().await.is_ok_and(|body| body.pointer("/version").is_some_and(Value::is_string))
    }

    /// A request, to be completed and given to [`Walk::step`].
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.origin))
    }

    /// Takes a step: prints what it shows, sends the request, prints both, and fails unless the answer has
    /// this status.
    pub async fn step(&mut self, shows: &str, request: RequestBuilder, status: u16) -> anyhow::Result<Answer> {
        ensure!(!process::interrupted(), "interrupted");
        self.steps += 1;
        println!("\n{:>2}. {shows}\n", self.steps);
        let request = request.build().context("a request that cannot be sent")?;
        print!("{}", show::request(&request));
        let response = self.http.execute(request).await.context("no answer")?;
        let (found, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.context("an answer that breaks off")?;
        print!("{}", show::answer(found, &headers, &text));
        ensure!(found.as_u16() == status, "step {} expected {status}, not {found}", self.steps);
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(Answer { headers, body })
    }
}
