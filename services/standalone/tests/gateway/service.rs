//! A service that answers its name and writes down what reached it.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

/// A request as it arrived.
#[derive(Clone, Debug, Default)]
pub struct Arrived {
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub body: usize,
}

impl Arrived {
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}

#[derive(Debug)]
pub struct Service {
    arrived: Arc<Mutex<Vec<Arrived>>>,
    hangs_up: Arc<AtomicBool>,
    task: JoinHandle<()>,
    socket: std::path::PathBuf,
}

impl Service {
    pub fn listen(name: &'static str, socket: &Path) -> Self {
        let (arrived, hangs_up) = (Arc::<Mutex<Vec<Arrived>>>::default(), Arc::<AtomicBool>::default());
        let listener = UnixListener::bind(socket).expect("a socket");
        let (noted, hanging) = (arrived.clone(), hangs_up.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(name, stream, noted.clone(), hanging.clone()));
            }
        });
        Self { arrived, hangs_up, task, socket: socket.to_owned() }
    }

    pub fn last(&self) -> Arrived {
        self.arrived.lock().expect("a lock").last().cloned().expect("a request")
    }

    pub fn count(&self) -> usize {
        self.arrived.lock().expect("a lock").len()
    }

    /// From now on it reads requests and closes without a word.
    pub fn hang_up(&self) {
        self.hangs_up.store(true, Ordering::SeqCst);
    }

    /// From now on nobody listens.
    pub fn stop(&self) {
        self.task.abort();
        std::fs::remove_file(&self.socket).expect("its socket");
    }
}

async fn answer(name: &str, stream: UnixStream, noted: Arc<Mutex<Vec<Arrived>>>, hangs_up: Arc<AtomicBool>) {
    let mut stream = BufReader::new(stream);
    while let Some(mut request) = read_head(&mut stream).await {
        request.body = request.header("content-length").parse().unwrap_or(0);
        let mut body = vec![0; request.body];
        if stream.read_exact(&mut body).await.is_err() {
            return;
        }
        noted.lock().expect("a lock").push(request);
        if hangs_up.load(Ordering::SeqCst) {
            return;
        }
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{name}", name.len());
        if stream.get_mut().write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read_head(stream: &mut BufReader<UnixStream>) -> Option<Arrived> {
    let mut request = Arrived::default();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => return Some(request),
            text if request.line.is_empty() => request.line = text.to_owned(),
            text => {
                let (name, value) = text.split_once(": ").unwrap_or((text, ""));
                request.headers.push((name.to_ascii_lowercase(), value.to_owned()));
            }
        }
    }
}
