//! A TCP proxy that can be told to misbehave: what stands between two services, or a service and an engine, when a test breaks the
//! network between them.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};

use crate::ports::free_port;

/// Connections at once; more are closed as they come.
const CONNECTIONS: usize = 512;
/// What one direction of a connection holds.
const BUFFER: usize = 16 * 1024;

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Towards {
    /// From the client to the target.
    Target,
    /// From the target to the client.
    Client,
}

/// How a proxy behaves. A change holds for connections that are open, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Everything goes through.
    Pass,
    /// New connections are refused; open ones go on.
    Refuse,
    /// New connections are accepted and nothing ever comes of them; open ones go on.
    DropNew,
    /// Every piece is late by this much.
    Delay(Duration),
    /// Nothing is read any more, and nothing closed: both ends wait. What was under way goes on when this ends.
    StopReading,
    /// As [`Mode::StopReading`] for everything but this direction.
    OneWay(Towards),
    /// Each connection is cut when so many bytes have gone this way, counted from its beginning.
    CutAfter(Towards, u64),
}

impl Mode {
    const fn stalls(self, direction: Towards) -> bool {
        match self {
            Self::StopReading => true,
            Self::OneWay(open) => {
                !matches!((open, direction), (Towards::Target, Towards::Target) | (Towards::Client, Towards::Client))
            }
            Self::Pass | Self::Refuse | Self::DropNew | Self::Delay(_) | Self::CutAfter(..) => false,
        }
    }

    /// How many bytes may still go this way when `gone` have.
    fn room(self, direction: Towards, gone: u64) -> Option<u64> {
        match self {
            Self::CutAfter(way, bytes) if way == direction => Some(bytes.saturating_sub(gone)),
            _ => None,
        }
    }
}

#[derive(Clone, Debug)]
struct State {
    mode: Mode,
    /// Ports, of which each connection gets the next that accepts.
    targets: Vec<u16>,
    /// How often everything was cut.
    cuts: u64,
}

/// A proxy on a port of its own. It and its connections end when this is dropped.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    state: watch::Sender<State>,
    /// Whether it listens now.
    listens: watch::Receiver<bool>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Listens on a free port of the loopback address and passes everything on to ports there, in turns; one that refuses is passed
    /// over.
    ///
    /// # Panics
    /// When it cannot listen.
    pub async fn to(targets: &[u16]) -> Self {
        let port = free_port();
        let state = watch::Sender::new(State { mode: Mode::Pass, targets: targets.to_vec(), cuts: 0 });
        let (told, listens) = watch::channel(false);
        let accepting = tokio::spawn(accept(port, state.subscribe(), told));
        let mut proxy = Self { port, state, listens, accepting };
        proxy.listens.wait_for(|listens| *listens).await.expect("it listens");
        proxy
    }

    /// Where it listens.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Behaves differently from now on. When this returns, new connections are met so.
    ///
    /// # Panics
    /// When it cannot listen again.
    pub async fn set(&mut self, mode: Mode) {
        self.state.send_modify(|state| state.mode = mode);
        self.listens.wait_for(|listens| *listens == (mode != Mode::Refuse)).await.expect("it listens");
    }

    /// Sends new connections to other ports; open ones stay where they are.
    pub fn retarget(&self, targets: &[u16]) {
        self.state.send_modify(|state| state.targets = targets.to_vec());
    }

    /// Cuts every open connection now, so that both ends see a reset.
    pub fn cut(&self) {
        self.state.send_modify(|state| state.cuts += 1);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(port: u16, mut state: watch::Receiver<State>, told: watch::Sender<bool>) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    let mut turn = 0;
    loop {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("the proxy's port");
        told.send_replace(true);
        while state.borrow_and_update().mode != Mode::Refuse {
            let client = tokio::select! {
                accepted = listener.accept() => accepted,
                changed = state.changed() => match changed { Ok(()) => continue, Err(_) => return },
                Some(_) = connections.join_next() => continue,
            };
            if let (Ok((client, _)), Ok(slot)) = (client, Arc::clone(&slots).try_acquire_owned()) {
                let state = state.clone();
                turn += 1;
                connections.spawn(async move {
                    connection(client, state, turn).await;
                    drop(slot);
                });
            }
        }
        drop(listener);
        told.send_replace(false);
        if state.wait_for(|state| state.mode != Mode::Refuse).await.is_err() {
            return;
        }
    }
}

/// One connection, until an end closes it or it is cut.
async fn connection(mut client: TcpStream, mut state: watch::Receiver<State>, turn: usize) {
    let (met_with, cuts) = {
        let state = state.borrow();
        (state.mode, state.cuts)
    };
    let mut cut = state.clone();
    let cut = async move { cut.wait_for(|state| state.cuts != cuts).await.map(drop) };
    if met_with == Mode::DropNew {
        let _ = cut.await;
        let _ = client.set_zero_linger();
        return;
    }
    if state.wait_for(|state| state.mode != Mode::StopReading).await.is_err() {
        return;
    }
    let targets = state.borrow().targets.clone();
    let Some(mut target) = connect(&targets, turn).await else { return };
    let _ = (target.set_nodelay(true), client.set_nodelay(true));
    let in_order = {
        let ((from_client, to_client), (from_target, to_target)) = (client.split(), target.split());
        let up = pump(from_client, to_target, Towards::Target, state.clone());
        let down = pump(from_target, to_client, Towards::Client, state);
        tokio::select! {
            // An error of one direction ends both, a plain end only its own.
            ended = async { tokio::try_join!(up, down) } => ended.is_ok(),
            _ = cut => false,
        }
    };
    if !in_order {
        // Both ends see a reset, not an end.
        let _ = (client.set_zero_linger(), target.set_zero_linger());
    }
}

/// A connection to the target whose turn it is, or to the next that accepts.
async fn connect(targets: &[u16], turn: usize) -> Option<TcpStream> {
    for port in targets.iter().cycle().skip(turn % targets.len().max(1)).take(targets.len()) {
        if let Ok(stream) = TcpStream::connect(("127.0.0.1", *port)).await {
            return Some(stream);
        }
    }
    None
}

async fn pump(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    way: Towards,
    mut state: watch::Receiver<State>,
) -> std::io::Result<()> {
    let gone = || std::io::Error::other("the proxy is gone");
    let mut buffer = vec![0; BUFFER];
    let mut passed = 0;
    loop {
        let mode = state.wait_for(|state| !state.mode.stalls(way)).await.map_err(|_| gone())?.mode;
        let room = mode.room(way, passed);
        if room == Some(0) {
            return Err(std::io::Error::other("cut"));
        }
        let most = room.and_then(|room| usize::try_from(room).ok()).map_or(BUFFER, |room| room.min(BUFFER));
        let read = tokio::select! {
            read = from.read(&mut buffer[..most]) => read?,
            changed = state.changed() => match changed { Ok(()) => continue, Err(_) => return Err(gone()) },
        };
        if let Mode::Delay(by) = mode {
            tokio::time::sleep(by).await;
        }
        // What was read just before everything stopped waits, too.
        let _ = state.wait_for(|state| !state.mode.stalls(way)).await.map_err(|_| gone())?;
        if read == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..read]).await?;
        passed += u64::try_from(read).unwrap_or(u64::MAX);
    }
}

#[cfg(test)]
mod tests;
