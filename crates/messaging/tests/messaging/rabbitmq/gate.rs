//! A gate between a service and the broker: shut, it cuts what is there and lets nobody through.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use lapin::uri::AMQPUri;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;

pub struct Gate {
    uri: AMQPUri,
    open: Arc<watch::Sender<bool>>,
    said: broadcast::Sender<Vec<u8>>,
    ends: Arc<Mutex<VecDeque<usize>>>,
    accepting: JoinHandle<()>,
}

impl Gate {
    /// An open gate to the broker at `uri`.
    pub async fn to(mut uri: AMQPUri) -> Self {
        let broker = (uri.authority.host.clone(), uri.authority.port);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        uri.authority.host = "127.0.0.1".to_owned();
        uri.authority.port = listener.local_addr().unwrap().port();
        let (open, said) = (Arc::new(watch::Sender::new(true)), broadcast::Sender::new(8));
        let ends = Arc::new(Mutex::new(VecDeque::new()));
        let (gate, voice, next_ends) = (open.clone(), said.clone(), ends.clone());
        let accepting = tokio::spawn(async move {
            while let Ok((service, _)) = listener.accept().await {
                if *gate.borrow() {
                    let broker = TcpStream::connect(broker.clone()).await.unwrap();
                    let left = next_ends.lock().unwrap().pop_front().unwrap_or(usize::MAX);
                    tokio::spawn(pass(service, broker, gate.subscribe(), voice.subscribe(), left));
                }
            }
        });
        Self { uri, open, said, ends, accepting }
    }

    /// The broker's address, through the gate.
    pub fn url(&self) -> String {
        self.uri.to_string()
    }

    pub fn shut(&self) {
        self.open.send_replace(false);
    }

    pub fn open(&self) {
        self.open.send_replace(true);
    }

    /// Cuts every connection; new ones come through.
    pub fn cut(&self) {
        self.shut();
        self.open();
    }

    /// The next connections each end once so many bytes have come from the broker.
    pub fn end_next(&self, after: impl IntoIterator<Item = usize>) {
        self.ends.lock().unwrap().extend(after);
    }

    /// Lets every connected service hear this, as if the broker had said it. Only while the broker is silent.
    pub fn say(&self, bytes: Vec<u8>) {
        self.said.send(bytes).unwrap();
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn pass(
    mut service: TcpStream,
    mut broker: TcpStream,
    mut open: watch::Receiver<bool>,
    mut said: broadcast::Receiver<Vec<u8>>,
    mut left: usize,
) {
    let (mut from_service, mut to_service) = service.split();
    let (mut from_broker, mut to_broker) = broker.split();
    let back = async {
        let mut buffer = vec![0; 65_536];
        loop {
            tokio::select! {
                read = from_broker.read(&mut buffer) => match read {
                    Ok(read) if read > 0 => {
                        to_service.write_all(&buffer[..read]).await?;
                        left = left.saturating_sub(read);
                        if left == 0 {
                            return Ok(());
                        }
                    }
                    _ => return Ok::<(), std::io::Error>(()),
                },
                Ok(bytes) = said.recv() => to_service.write_all(&bytes).await?,
            }
        }
    };
    tokio::select! {
        _ = copy(&mut from_service, &mut to_broker) => {}
        _ = back => {}
        // A cut may have opened again before this looks: any change ends it.
        _ = open.changed() => {}
    }
}
