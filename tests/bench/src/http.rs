//! HTTP/1.1 as the load generator speaks it: a request is bytes made once, an answer is read where it lies.

use std::str;

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The longest answer that is read, in bytes.
const LONGEST: usize = 1024 * 1024;

/// A request, ready to be sent again and again.
#[derive(Clone, Debug)]
pub struct Request(Vec<u8>);

/// An answer in the buffer of its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer<'a> {
    /// Its status.
    pub status: u16,
    /// Status line and headers.
    pub head: &'a str,
    /// Its body.
    pub body: &'a [u8],
}

impl Request {
    /// `GET path`, with more header lines.
    pub fn get(path: &str, headers: &[(&str, &str)]) -> Self {
        Self::new("GET", path, headers, None)
    }

    /// `POST path` with a body of a type.
    pub fn post(path: &str, headers: &[(&str, &str)], media_type: &str, body: &str) -> Self {
        Self::new("POST", path, headers, Some((media_type, body)))
    }

    fn new(verb: &str, path: &str, headers: &[(&str, &str)], body: Option<(&str, &str)>) -> Self {
        let mut text = format!("{verb} {path} HTTP/1.1\r\nHost: localhost\r\n");
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        let (media_type, body) = body.unwrap_or_default();
        if !media_type.is_empty() {
            text.push_str(&format!("Content-Type: {media_type}\r\n"));
        }
        if verb == "POST" {
            text.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        Self(format!("{text}\r\n{body}").into_bytes())
    }
}

impl<'a> Answer<'a> {
    /// Reads one from the bytes that have arrived; `None` while it is not complete.
    ///
    /// # Errors
    /// When it is not an answer whose length is announced.
    pub fn read(bytes: &'a [u8]) -> anyhow::Result<Option<Self>> {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
        let (head, rest) = bytes.split_at(end);
        let head = str::from_utf8(head).context("headers that are not text")?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.with_context(|| format!("no status in {head:?}"))?;
        let found = field(head, "content-length");
        let length: usize = found.and_then(|length| length.parse().ok()).context("an answer without a length")?;
        let body = rest.get(4..4 + length);
        ensure!(rest.len() <= 4 + length, "more than one answer to one request");
        Ok(body.map(|body| Self { status, head, body }))
    }

    /// The body as text.
    ///
    /// # Errors
    /// When it is none.
    pub fn text(&self) -> anyhow::Result<&'a str> {
        str::from_utf8(self.body).context("a body that is not text")
    }
}

fn field<'a>(head: &'a str, wanted: &str) -> Option<&'a str> {
    let fields = head.lines().filter_map(|line| line.split_once(':'));
    fields.filter(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim()).next()
}

/// A connection that is kept open.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Opens one to a port of this machine, and to nothing else.
    ///
    /// # Errors
    /// When nothing listens there.
    pub async fn open(port: u16) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(16 * 1024) })
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// When the connection ends before, or the answer cannot be read.
    pub async fn exchange(&mut self, request: &Request) -> anyhow::Result<Answer<'_>> {
        self.stream.write_all(&request.0).await?;
        self.buffer.clear();
        loop {
            ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "the connection was closed");
            ensure!(self.buffer.len() <= LONGEST, "an answer without end");
            if Answer::read(&self.buffer)?.is_some() {
                break;
            }
        }
        match Answer::read(&self.buffer)? {
            Some(answer) => Ok(answer),
            None => bail!("an answer that went away"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_when_it_is_complete() {
        let whole = b"HTTP/1.1 201 Created\r\nContent-length: 3\r\nX-Session-Token:  t\r\n\r\nabc";
        for cut in 0..whole.len() {
            assert_eq!(Answer::read(&whole[..cut]).unwrap(), None, "{cut}");
        }
        let answer = Answer::read(whole).unwrap().unwrap();
        assert_eq!(
            (answer.status, answer.body, field(answer.head, "x-session-token")),
            (201, b"abc".as_slice(), Some("t"))
        );
    }

    #[test]
    fn what_is_not_one_answer_is_refused() {
        let without_length = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
        assert!(Answer::read(without_length).is_err());
        assert!(Answer::read(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab").is_err());
        assert!(Answer::read(b"nonsense\r\n\r\n").is_err());
    }

    #[test]
    fn a_request_announces_its_body() {
        let Request(bytes) = Request::post("/x", &[("Cookie", "a=b")], "text/plain", "body");
        let expected = "POST /x HTTP/1.1\r\nHost: localhost\r\nCookie: a=b\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nbody";
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
        let Request(bytes) = Request::get("/x", &[]);
        assert_eq!(String::from_utf8(bytes).unwrap(), "GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n");
    }
}
