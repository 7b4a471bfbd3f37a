use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::ports::free_port;

/// A replica that answers with its name and what it was sent, or hangs up once it has read the request.
struct Replica {
    port: u16,
    seen: Arc<AtomicUsize>,
}

impl Replica {
    async fn start(name: &'static str, answers: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let seen = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let counter = Arc::clone(&counter);
                tokio::spawn(async move {
                    let request = read_request(&mut stream).await;
                    counter.fetch_add(1, Ordering::Relaxed);
                    if answers {
                        let body = format!("{name}\n{request}");
                        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nx-own: 1\r\n\r\n", body.len());
                        let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
                    }
                });
            }
        });
        Self { port, seen }
    }

    fn seen(&self) -> usize {
        self.seen.load(Ordering::Relaxed)
    }
}

/// A request with its body, whose end is told by its length.
async fn read_request(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
            if body.len() >= length {
                return text;
            }
        }
        match stream.read_u8().await {
            Ok(byte) => read.push(byte),
            Err(_) => return text,
        }
    }
}

/// Sends this as it is, and answers all that comes back.
async fn say(address: &str, port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect((address, port)).await.expect("the gateway");
    stream.write_all(request.as_bytes()).await.expect("said");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("an answer");
    String::from_utf8(answer).expect("text")
}

async fn get(port: u16, path: &str) -> String {
    say("127.0.0.1", port, &format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")).await
}

async fn gateway(seed: u64) -> Gateway {
    Gateway::start(free_port(), seed, None).await
}

#[tokio::test]
async fn each_path_goes_to_its_service_as_it_came() {
    let gateway = gateway(1).await;
    for service in ["auth", "sessions", "verify", "oauth"] {
        gateway.set(service, vec![Replica::start(service, true).await.port]);
    }
    for (path, service) in [
        ("/sessions/1", "sessions"),
        ("/sessionsx", "auth"),
        ("/methods/email/verifiers/a%20b?x=%2F%2f", "verify"),
        ("/auth/logout", "oauth"),
        ("/auth/logout/x", "auth"),
        ("/a~b:c@d!e", "auth"),
        ("/", "auth"),
    ] {
        let answer = get(gateway.port, path).await;
        assert!(answer.contains(&format!("\r\n\r\n{service}\nGET {path} HTTP/1.1\r\n")), "{path}: {answer}");
    }
}

#[tokio::test]
async fn a_path_that_can_be_read_in_two_ways_reaches_no_service() {
    let (gateway, replica) = (gateway(1).await, Replica::start("auth", true).await);
    gateway.set("auth", vec![replica.port]);
    for path in ["//sign_in", "/a//b", "/sign_in;x", "/a%2fb", "/a%5Cb", "/a/../b", "/./a", "/a%2E%2e/b"] {
        let answer = get(gateway.port, path).await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{path}: {answer}");
    }
    assert_eq!(replica.seen(), 0);
}

#[tokio::test]
async fn host_and_origin_stay_and_the_client_is_named() {
    let (gateway, replica) = (gateway(1).await, Replica::start("auth", true).await);
    gateway.set("auth", vec![replica.port]);
    let request = "POST /sign_in HTTP/1.1\r\nhost: localhost:1\r\norigin: http://localhost:1\r\nx-hop: 1\r\n\
                   x-forwarded-for: 192.0.2.1\r\nconnection: close, x-hop\r\ncontent-length: 4\r\n\r\nbody";
    let answer = say("::1", gateway.port, request).await;
    for line in ["host: localhost:1\r\n", "origin: http://localhost:1\r\n", "x-forwarded-for: 192.0.2.1, ::1\r\n"] {
        assert!(answer.contains(line), "{line}: {answer}");
    }
    assert!(answer.ends_with("\r\n\r\nbody") && answer.contains("x-own: 1\r\n"), "{answer}");
    assert!(!answer.contains("x-hop"), "{answer}");
}

#[tokio::test]
async fn a_replica_that_refuses_is_passed_over() {
    let (gateway, replica) = (gateway(1).await, Replica::start("auth", true).await);
    gateway.set("auth", vec![free_port(), replica.port, free_port()]);
    for _ in 0..20 {
        assert!(get(gateway.port, "/sign_in").await.starts_with("HTTP/1.1 200 "));
    }
    assert_eq!(replica.seen(), 20);
}

#[tokio::test]
async fn a_request_that_a_replica_has_seen_is_never_sent_to_another() {
    let gateway = gateway(1).await;
    let (dying, well) = (Replica::start("dying", false).await, Replica::start("well", true).await);
    gateway.set("auth", vec![dying.port, well.port]);
    let mut cut = 0;
    for _ in 0..40 {
        let answer = get(gateway.port, "/sign_in").await;
        cut += usize::from(answer.starts_with("HTTP/1.1 502 "));
    }
    assert_eq!((dying.seen(), dying.seen() + well.seen()), (cut, 40));
    assert!(cut > 0, "none went to the dying one");
}

#[tokio::test]
async fn requests_are_spread_and_the_same_seed_spreads_them_alike() {
    let (one, other) = (Replica::start("one", true).await, Replica::start("other", true).await);
    let mut spreads = Vec::new();
    for _ in 0..2 {
        let gateway = gateway(7).await;
        gateway.set("auth", vec![one.port, other.port]);
        let mut spread = Vec::new();
        for _ in 0..30 {
            spread.push(get(gateway.port, "/").await.contains("\r\n\r\none\n"));
        }
        spreads.push(spread);
    }
    assert_eq!(spreads[0], spreads[1]);
    assert!(spreads[0].contains(&true) && spreads[0].contains(&false), "{spreads:?}");
}

#[tokio::test]
async fn without_a_replica_the_client_may_try_again() {
    let gateway = gateway(1).await;
    for replicas in [vec![], vec![free_port()]] {
        gateway.set("auth", replicas);
        let answer = get(gateway.port, "/sign_in").await;
        assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("retry-after: 1\r\n"), "{answer}");
    }
}

#[tokio::test]
async fn nothing_listens_when_it_is_gone() {
    let gateway = gateway(1).await;
    let port = gateway.port;
    drop(gateway);
    let gone = async || TcpStream::connect(("127.0.0.1", port)).await.is_err().then_some(());
    crate::eventually("the end of the gateway", Duration::from_secs(5), gone).await;
}
