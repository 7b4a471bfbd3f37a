//! How a listener stops, as clients meet it.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpResponse, web};
use tessera_common::clock::Clock;
use tessera_common::random::Random;
use tessera_common::server::{EdgeSettings, Endpoints, Listener, Origin, Serving, listen};
use tokio::sync::{Notify, watch};

fn start() -> (Serving, SocketAddr) {
    start_with(1, |_| {})
}

/// A listener with so many threads that serves what is configured.
fn start_with(
    workers: usize,
    configure: impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
) -> (Serving, SocketAddr) {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
    socket.set_nonblocking(true).expect("set");
    let address = socket.local_addr().expect("bound");
    let listener = Listener { sockets: vec![socket], endpoints: Endpoints::default(), workers, tls: None };
    let edge = EdgeSettings {
        origin: Origin::try_from(format!("http://{address}")).expect("an origin"),
        allowed_origins: vec![],
        allow_loopback_origins: false,
        trusted_proxies: vec![],
        callers_are_ours: false,
    };
    (listen(listener, edge, Clock::machine(), Random::system(), configure).expect("listening"), address)
}

fn connect(address: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect(address).expect("connected");
    socket.set_read_timeout(Some(Duration::from_secs(30))).expect("set");
    socket
}

/// The head of the answer to a request that wants to keep its connection; `None` when it was closed without one.
fn answer(socket: &mut TcpStream, path: &str) -> Option<String> {
    socket.write_all(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").as_bytes()).ok()?;
    let mut said = Vec::new();
    let mut chunk = [0; 1024];
    while !said.windows(4).any(|four| four == b"\r\n\r\n") {
        let read = socket.read(&mut chunk).ok().filter(|read| *read > 0)?;
        said.extend_from_slice(&chunk[..read]);
    }
    Some(String::from_utf8(said).expect("text").to_lowercase())
}

fn ask(socket: &mut TcpStream) -> String {
    answer(socket, "/nothing").expect("an answer")
}

/// Stops a listener that somebody is connected to, who asks once nobody else can connect; the head of the answer.
async fn asked_while_it_stops() -> Option<String> {
    let (serving, address) = start();
    let mut connected = connect(address);
    let client = tokio::task::spawn_blocking(move || {
        // Put off at first, refused afterwards.
        let not_let_in = loop {
            match TcpStream::connect_timeout(&address, Duration::from_millis(100)) {
                Err(error) => break error.kind(),
                // Each that is let in is work for the listener.
                Ok(_) => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        assert!(matches!(not_let_in, ErrorKind::ConnectionRefused | ErrorKind::TimedOut), "{not_let_in:?}");
        answer(&mut connected, "/nothing")
    });
    serving.finish().await;
    serving.stop(true).await.expect("it had not failed");
    client.await.expect("the client ends")
}

// The clients block.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_connected_is_answered_when_nobody_else_can_connect() {
    // On a busy machine a client may come later than it is waited for.
    for _ in 0..5 {
        if let Some(answer) = asked_while_it_stops().await {
            assert!(answer.starts_with("http/1.1 404"), "{answer}");
            assert!(answer.contains("connection: close"), "{answer}");
            return;
        }
    }
    panic!("five times closed without an answer");
}

// The clients block.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_it_is_about_to_stop_each_answer_ends_its_connection() {
    let (serving, address) = start();
    let mut client = connect(address);
    let answer = ask(&mut client);
    assert!(!answer.contains("connection: close"), "{answer}");
    serving.end_connections();
    let mut left = connect(address);
    for client in [&mut client, &mut left] {
        let answer = ask(client);
        assert!(answer.contains("connection: close"), "{answer}");
        let mut rest = Vec::new();
        client.read_to_end(&mut rest).expect("closed in order");
    }
}

// The clients block.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_dropped_is_cut_off() {
    let (serving, address) = start();
    let mut client = connect(address);
    let _ = ask(&mut client);
    drop(serving);
    let closed =
        tokio::task::spawn_blocking(move || client.read_to_end(&mut Vec::new())).await.expect("the client ends");
    assert!(!closed.is_err_and(|error| error.kind() == ErrorKind::WouldBlock), "it stays open");
}

/// What a thread of a listener has opened, as a connection to a database that all threads use. It says when it ends.
struct Opened(watch::Sender<bool>);

impl Drop for Opened {
    fn drop(&mut self) {
        self.0.send_replace(true);
    }
}

// The clients block.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_idle_thread_has_opened_lasts_until_the_last_answer() {
    let (has_ended, mut ended) = watch::channel(false);
    let (begun, goes_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (told, waited_for) = (begun.clone(), goes_on.clone());
    let (serving, address) = start_with(2, move |config| {
        let (has_ended, told, waited_for) = (has_ended.clone(), told.clone(), waited_for.clone());
        let open = move || {
            let opened = Opened(has_ended.clone());
            tokio::spawn(async move {
                let _opened = opened;
                std::future::pending::<()>().await;
            });
            std::future::ready(HttpResponse::NoContent().finish())
        };
        let wait = move || {
            let (told, waited_for) = (told.clone(), waited_for.clone());
            async move {
                told.notify_one();
                waited_for.notified().await;
                HttpResponse::NoContent().finish()
            }
        };
        config.route("/open", web::get().to(open)).route("/wait", web::get().to(wait));
    });
    // One after the other, so that each thread has one of them.
    let asked = |path: &'static str| tokio::task::spawn_blocking(move || answer(&mut connect(address), path));
    assert!(asked("/open").await.expect("the client ends").is_some_and(|answer| answer.contains(" 204 ")));
    let waiting = asked("/wait");
    begun.notified().await;
    let stopping = tokio::spawn(async move {
        serving.finish().await;
        serving.stop(true).await
    });
    let early = tokio::time::timeout(Duration::from_secs(1), ended.wait_for(|ended| *ended)).await.is_ok();
    assert!(!early, "it ended before the last answer");
    goes_on.notify_one();
    assert!(waiting.await.expect("the client ends").is_some_and(|answer| answer.contains(" 204 ")));
    stopping.await.expect("it stops").expect("it had not failed");
    let _ = ended.wait_for(|ended| *ended).await.expect("it has ended");
}

/// Connects and asks, over and over, until it is refused; whether each that was let in was answered.
fn knock(address: SocketAddr) -> bool {
    let mut answered = true;
    while let Ok(mut socket) = TcpStream::connect(address) {
        socket.set_read_timeout(Some(Duration::from_secs(30))).expect("set");
        answered &= answer(&mut socket, "/nothing").is_some();
    }
    answered
}

// The clients block.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_let_in_and_cut_off_however_many_connect_meanwhile() {
    for _ in 0..4 {
        let (serving, address) = start_with(2, |_| {});
        let clients: Vec<_> = (0..4).map(|_| tokio::task::spawn_blocking(move || knock(address))).collect();
        serving.finish().await;
        for client in clients {
            assert!(client.await.expect("the client ends"), "somebody was let in and cut off");
        }
        serving.stop(true).await.expect("it had not failed");
    }
}
