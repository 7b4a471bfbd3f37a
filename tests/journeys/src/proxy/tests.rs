use super::*;
use std::io::ErrorKind;
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(10);
/// Long enough for loopback; what has not come by then is not coming.
const NEVER: Duration = Duration::from_millis(150);

/// Says everything back, with its own letter before.
async fn echo(letter: u8) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = stream.write_all(&[letter]).await;
                let (mut from, mut to) = stream.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    });
    port
}

async fn open(proxy: &Proxy) -> std::io::Result<TcpStream> {
    TcpStream::connect(("127.0.0.1", proxy.port())).await
}

async fn hear(stream: &mut TcpStream, bytes: usize) -> std::io::Result<Vec<u8>> {
    let mut heard = vec![0; bytes];
    timeout(SOON, stream.read_exact(&mut heard)).await.expect("in time")?;
    Ok(heard)
}

async fn is_silent(stream: &mut TcpStream) -> bool {
    timeout(NEVER, stream.read_u8()).await.is_err()
}

/// A connection through which something went already.
async fn talking(proxy: &Proxy) -> TcpStream {
    let mut stream = open(proxy).await.expect("a connection");
    stream.write_all(b"hello").await.expect("said");
    assert_eq!(hear(&mut stream, 6).await.expect("heard"), b"ahello");
    stream
}

#[tokio::test]
async fn everything_goes_through_and_ends_are_passed_on() {
    let proxy = Proxy::to(&[echo(b'a').await]).await;
    let mut stream = talking(&proxy).await;
    let long = vec![7; 100 * BUFFER];
    let (mut from, mut to) = stream.split();
    let (sent, mut heard) = (async { to.write_all(&long).await.and(to.shutdown().await) }, Vec::new());
    let (sent, read) = tokio::join!(sent, from.read_to_end(&mut heard));
    assert!(sent.is_ok() && read.is_ok(), "{sent:?} {read:?}");
    assert_eq!(heard.len(), long.len());
}

#[tokio::test]
async fn refused_connections_are_refused_while_open_ones_go_on() {
    let mut proxy = Proxy::to(&[echo(b'a').await]).await;
    let mut open_one = talking(&proxy).await;
    proxy.set(Mode::Refuse).await;
    assert_eq!(open(&proxy).await.expect_err("refused").kind(), ErrorKind::ConnectionRefused);
    open_one.write_all(b"x").await.expect("said");
    assert_eq!(hear(&mut open_one, 1).await.expect("heard"), b"x");
    proxy.set(Mode::Pass).await;
    let _ = talking(&proxy).await;
}

#[tokio::test]
async fn new_connections_that_are_dropped_hear_nothing_for_good() {
    let mut proxy = Proxy::to(&[echo(b'a').await]).await;
    let mut open_one = talking(&proxy).await;
    proxy.set(Mode::DropNew).await;
    let mut dropped = open(&proxy).await.expect("accepted");
    assert!(is_silent(&mut dropped).await);
    open_one.write_all(b"x").await.expect("said");
    assert_eq!(hear(&mut open_one, 1).await.expect("heard"), b"x");
    proxy.set(Mode::Pass).await;
    assert!(is_silent(&mut dropped).await);
    let _ = talking(&proxy).await;
}

#[tokio::test]
async fn delayed_pieces_come_late() {
    let mut proxy = Proxy::to(&[echo(b'a').await]).await;
    let mut stream = talking(&proxy).await;
    proxy.set(Mode::Delay(2 * NEVER)).await;
    stream.write_all(b"x").await.expect("said");
    assert!(is_silent(&mut stream).await);
    assert_eq!(hear(&mut stream, 1).await.expect("heard"), b"x");
}

#[tokio::test]
async fn a_stopped_proxy_holds_what_is_under_way_and_lets_it_go_afterwards() {
    let mut proxy = Proxy::to(&[echo(b'a').await]).await;
    let mut old = talking(&proxy).await;
    proxy.set(Mode::StopReading).await;
    let mut new = open(&proxy).await.expect("accepted");
    old.write_all(b"x").await.expect("said");
    assert!(is_silent(&mut old).await && is_silent(&mut new).await);
    proxy.set(Mode::Pass).await;
    assert_eq!(hear(&mut old, 1).await.expect("heard"), b"x");
    assert_eq!(hear(&mut new, 1).await.expect("heard"), b"a");
}

#[tokio::test]
async fn one_way_lets_only_that_way_through() {
    let mut proxy = Proxy::to(&[echo(b'a').await]).await;
    let mut stream = talking(&proxy).await;
    proxy.set(Mode::OneWay(Towards::Target)).await;
    stream.write_all(b"x").await.expect("said");
    assert!(is_silent(&mut stream).await);
    proxy.set(Mode::OneWay(Towards::Client)).await;
    assert_eq!(hear(&mut stream, 1).await.expect("its answer was under way"), b"x");
    stream.write_all(b"y").await.expect("said");
    assert!(is_silent(&mut stream).await);
    proxy.set(Mode::Pass).await;
    assert_eq!(hear(&mut stream, 1).await.expect("heard"), b"y");
}

#[tokio::test]
async fn a_cut_resets_what_is_open_and_nothing_else() {
    let proxy = Proxy::to(&[echo(b'a').await]).await;
    let mut stream = talking(&proxy).await;
    proxy.cut();
    assert_eq!(hear(&mut stream, 1).await.expect_err("cut").kind(), ErrorKind::ConnectionReset);
    let _ = talking(&proxy).await;
}

#[tokio::test]
async fn a_connection_is_cut_after_so_many_bytes() {
    let mut proxy = Proxy::to(&[echo(b'a').await]).await;
    proxy.set(Mode::CutAfter(Towards::Client, 4)).await;
    let mut stream = open(&proxy).await.expect("a connection");
    stream.write_all(b"hello").await.expect("said");
    assert_eq!(hear(&mut stream, 4).await.expect("so many come"), b"ahel");
    assert_eq!(hear(&mut stream, 1).await.expect_err("cut").kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn another_target_gets_the_new_connections() {
    let (first, second) = (echo(b'a').await, echo(b'b').await);
    let proxy = Proxy::to(&[first]).await;
    let mut old = talking(&proxy).await;
    proxy.retarget(&[free_port(), second]);
    let mut new = open(&proxy).await.expect("a connection");
    assert_eq!(hear(&mut new, 1).await.expect("heard"), b"b");
    old.write_all(b"x").await.expect("said");
    assert_eq!(hear(&mut old, 1).await.expect("heard"), b"x");
}

#[tokio::test]
async fn no_more_connections_than_there_are_slots() {
    let mut proxy = Proxy::to(&[echo(b'a').await]).await;
    proxy.set(Mode::DropNew).await;
    let mut held = Vec::new();
    for _ in 0..CONNECTIONS {
        held.push(open(&proxy).await.expect("accepted"));
    }
    let mut beyond = open(&proxy).await.expect("accepted by the system");
    let ended = timeout(SOON, beyond.read(&mut [0; 1])).await.expect("closed at once");
    assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
    assert!(is_silent(&mut held[0]).await);
}
