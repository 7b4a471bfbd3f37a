//! The first words of a PostgreSQL connection: enough to tell a server that lets us in from a port
//! where something else listens or a password is missing, without a driver to build.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use reqwest::Url;

/// Protocol 3.0.
const VERSION: u32 = 196_608;
/// More than any message before a session is ready.
const LONGEST: u32 = 65_536;
const TIMEOUT: Duration = Duration::from_secs(3);

/// Begins a session and ends it. The reason is for people.
pub fn attempt(url: &Url) -> Result<(), String> {
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or("the URL names no host")?;
    let port = url.port().unwrap_or(5432);
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let addresses = (bare, port).to_socket_addrs().map_err(|error| error.to_string())?;
    let mut refusal = "the name has no address".to_owned();
    for address in addresses {
        match TcpStream::connect_timeout(&address, TIMEOUT) {
            // A plain start would be refused where encryption is demanded; the drivers will see.
            Ok(_) if url.query_pairs().any(|(name, value)| name == "sslmode" && value != "prefer") => {
                return Ok(());
            }
            Ok(mut stream) => {
                let timeouts = stream.set_read_timeout(Some(TIMEOUT)).and(stream.set_write_timeout(Some(TIMEOUT)));
                timeouts.map_err(|error| error.to_string())?;
                return talk(&mut stream, url);
            }
            Err(error) => refusal = error.to_string(),
        }
    }
    Err(refusal)
}

fn talk(stream: &mut (impl Read + Write), url: &Url) -> Result<(), String> {
    let user = if url.username().is_empty() { "postgres" } else { url.username() };
    let database = match url.path().trim_start_matches('/') {
        "" => user,
        database => database,
    };
    stream.write_all(&start_message(user, database)).map_err(|error| error.to_string())?;
    loop {
        let (kind, body) = message(stream).map_err(|error| format!("does not answer as PostgreSQL does ({error})"))?;
        match kind {
            b'R' if body.starts_with(&[0, 0, 0, 0]) => {}
            // Whether the password is right is for the driver to find out.
            b'R' if url.password().is_some() => return Ok(()),
            b'R' => {
                return Err(format!("asks for a password of `{user}` and the URL has none"));
            }
            b'E' => return Err(refusal(&body)),
            b'Z' => {
                drop(stream.write_all(&[b'X', 0, 0, 0, 4]));
                return Ok(());
            }
            b'S' | b'K' | b'N' | b'v' => {}
            _ => return Err("does not answer as PostgreSQL does".to_owned()),
        }
    }
}

fn start_message(user: &str, database: &str) -> Vec<u8> {
    let mut body = VERSION.to_be_bytes().to_vec();
    for text in ["user", user, "database", database, ""] {
        body.extend_from_slice(text.as_bytes());
        body.push(0);
    }
    let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX);
    [length.to_be_bytes().as_slice(), &body].concat()
}

fn message(stream: &mut impl Read) -> std::io::Result<(u8, Vec<u8>)> {
    let (mut kind, mut length) = ([0_u8; 1], [0_u8; 4]);
    stream.read_exact(&mut kind)?;
    stream.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length);
    if !(4..=LONGEST).contains(&length) {
        return Err(std::io::Error::other("a message of impossible length"));
    }
    let mut body = Vec::new();
    stream.take(u64::from(length - 4)).read_to_end(&mut body)?;
    let [kind] = kind;
    Ok((kind, body))
}

/// The sentence of an error message, its field `M`.
fn refusal(body: &[u8]) -> String {
    body.split(|byte| *byte == 0)
        .find_map(|field| field.strip_prefix(b"M"))
        .map_or_else(|| "refuses without a reason".to_owned(), |text| String::from_utf8_lossy(text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers with fixed bytes and keeps what it was told.
    struct Script {
        answers: std::io::Cursor<Vec<u8>>,
        told: Vec<u8>,
    }

    impl Read for Script {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            self.answers.read(into)
        }
    }

    impl Write for Script {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.told.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn answer(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap();
        [&[kind], length.to_be_bytes().as_slice(), body].concat()
    }

    fn talk_with(url: &str, answers: &[Vec<u8>]) -> (Result<(), String>, Vec<u8>) {
        let mut script = Script { answers: std::io::Cursor::new(answers.concat()), told: Vec::new() };
        let result = talk(&mut script, &Url::parse(url).unwrap());
        (result, script.told)
    }

    #[test]
    fn a_server_that_trusts_us_is_usable() {
        let answers = [answer(b'R', &[0; 4]), answer(b'S', b"a\0b\0"), answer(b'Z', b"I")];
        let (result, told) = talk_with("postgres://me@h/db", &answers);
        assert_eq!(result, Ok(()));
        assert_eq!(told, b"\0\0\0\x1d\0\x03\0\0user\0me\0database\0db\0\0X\0\0\0\x04");
    }

    #[test]
    fn a_password_is_asked_only_of_those_who_have_one() {
        let answers = [answer(b'R', &[0, 0, 0, 10])];
        assert_eq!(talk_with("postgres://me:x@h/db", &answers).0, Ok(()));
        assert!(talk_with("postgres://me@h/db", &answers).0.unwrap_err().contains("asks for a password of `me`"));
    }

    #[test]
    fn refusals_and_strangers_are_told_apart() {
        let answers = [answer(b'E', b"SFATAL\0Mrole \"me\" does not exist\0\0")];
        assert_eq!(talk_with("postgres://me@h/db", &answers).0.unwrap_err(), "role \"me\" does not exist");
        let stranger = [b"HTTP/1.1 400 Bad Request\r\n".to_vec()];
        assert!(talk_with("postgres://me@h/db", &stranger).0.unwrap_err().contains("does not answer"));
        assert!(talk_with("postgres://me@h/db", &[]).0.unwrap_err().contains("does not answer"));
    }
}
