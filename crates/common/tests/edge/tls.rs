//! Listeners over TLS, as clients meet them.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, ProtocolVersion, RootCertStore, SupportedProtocolVersion, version};
use secrecy::ExposeSecret as _;
use tempfile::TempDir;
use tessera_common::clock::Clock;
use tessera_common::random::Random;
use tessera_common::server::{EdgeSettings, Endpoints, Listener, Origin, Serving, listen};
use tessera_common::tls::{DevCertificates, ServerIdentity, Trust};

const BOTH: [&SupportedProtocolVersion; 2] = [&version::TLS13, &version::TLS12];

/// A listener with a certificate in files.
struct Served {
    address: SocketAddr,
    identity: ServerIdentity,
    folder: TempDir,
    authority: String,
    _serving: Serving,
}

/// What a client got.
#[derive(Debug)]
struct Got {
    answer: String,
    version: ProtocolVersion,
    alpn: Option<Vec<u8>>,
    certificate: Vec<u8>,
}

fn made(names: &[&str]) -> DevCertificates {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    DevCertificates::make(&names, &Clock::machine()).expect("certificates")
}

impl Served {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let made = made(&["id.internal"]);
        let files = [("server.pem", made.certificate.as_str()), ("server.key", made.key.expose_secret())];
        for (name, content) in files {
            std::fs::write(folder.path().join(name), content).expect("written");
        }
        let file = |name| folder.path().join(name);
        let identity = ServerIdentity::open(&file("server.pem"), &file("server.key")).expect("an identity");
        let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = socket.local_addr().expect("bound");
        let tls = Some(identity.clone());
        let listener = Listener { sockets: vec![socket], endpoints: Endpoints::default(), workers: 1, tls };
        let edge = EdgeSettings {
            origin: Origin::try_from(format!("https://{address}")).expect("an origin"),
            allowed_origins: vec![],
            allow_loopback_origins: false,
            trusted_proxies: vec![],
            callers_are_ours: false,
        };
        let serving = listen(listener, edge, Clock::machine(), Random::system(), |_| {}).expect("listening");
        Self { address, identity, folder, authority: made.authority, _serving: serving }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn get(&self, authority: &str, name: &'static str) -> Result<Got, rustls::Error> {
        self.get_with(authority, name, &BOTH).await
    }

    /// A request of a client that has never been here before.
    async fn get_with(
        &self,
        authority: &str,
        name: &'static str,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Result<Got, rustls::Error> {
        let trust = Trust::of_pem(authority.as_bytes()).expect("authorities");
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(
            CertificateDer::pem_slice_iter(trust.pem().expect("authorities"))
                .map(|certificate| certificate.expect("PEM")),
        );
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let address = self.address;
        tokio::task::spawn_blocking(move || exchange(address, config, name)).await.expect("the client ends")
    }
}

fn connect(address: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect(address).expect("connected");
    socket.set_read_timeout(Some(Duration::from_secs(30))).expect("set");
    socket
}

fn exchange(address: SocketAddr, config: ClientConfig, name: &'static str) -> Result<Got, rustls::Error> {
    let mut socket = connect(address);
    let name = ServerName::try_from(name).expect("a name");
    let mut connection = ClientConnection::new(Arc::new(config), name)?;
    while connection.is_handshaking() {
        if let Err(error) = connection.complete_io(&mut socket) {
            return Err(error.downcast::<rustls::Error>().expect("an error of TLS"));
        }
    }
    let mut answer = Vec::new();
    let mut stream = rustls::Stream::new(&mut connection, &mut socket);
    stream.write_all(b"GET /nothing HTTP/1.1\r\nHost: id.internal\r\nConnection: close\r\n\r\n").expect("sent");
    stream.read_to_end(&mut answer).expect("answered");
    Ok(Got {
        answer: String::from_utf8(answer).expect("text"),
        version: connection.protocol_version().expect("negotiated"),
        alpn: connection.alpn_protocol().map(<[u8]>::to_vec),
        certificate: connection.peer_certificates().expect("certificates")[0].to_vec(),
    })
}

#[tokio::test]
async fn those_who_trust_the_authority_are_answered_by_the_names_in_the_certificate() {
    let served = Served::start();
    for name in ["localhost", "127.0.0.1", "::1", "id.internal"] {
        let got = served.get(&served.authority, name).await.expect("trusted");
        assert!(got.answer.starts_with("HTTP/1.1 404 "), "{name}: {got:?}");
        assert!(got.answer.contains("strict-transport-security: "), "{got:?}");
    }
    let error = served.get(&served.authority, "other.internal").await.expect_err("another name");
    assert!(error.to_string().contains("not valid for name"), "{error}");
}

#[tokio::test]
async fn those_who_trust_another_authority_refuse() {
    let served = Served::start();
    let error = served.get(&made(&[]).authority, "localhost").await.expect_err("not trusted");
    assert!(matches!(error, rustls::Error::InvalidCertificate(_)), "{error}");
}

#[tokio::test]
async fn tls_1_2_and_1_3_are_spoken_and_http_1_1_within_them() {
    let served = Served::start();
    for (version, number) in BOTH.into_iter().zip([ProtocolVersion::TLSv1_3, ProtocolVersion::TLSv1_2]) {
        let got = served.get_with(&served.authority, "localhost", &[version]).await.expect("trusted");
        assert_eq!((got.version, got.alpn.as_deref()), (number, Some(b"http/1.1".as_slice())));
    }
}

/// The first message of a client that offers `minor` as its newest version (1: TLS 1.0, 2: TLS 1.1, 3: TLS 1.2), with suites and
/// groups of its time and of now.
fn hello(minor: u8) -> Vec<u8> {
    let mut body = vec![3, minor];
    body.extend([7; 32]);
    body.push(0);
    body.extend([0, 8, 0xc0, 0x2b, 0xc0, 0x2f, 0xc0, 0x13, 0, 0x2f]);
    body.extend([1, 0]);
    let groups = [0, 10, 0, 4, 0, 2, 0, 23];
    let signatures = [0, 13, 0, 6, 0, 4, 4, 3, 4, 1];
    let formats = [0, 11, 0, 2, 1, 0];
    let extensions = [groups.as_slice(), &signatures, &formats].concat();
    body.extend([0, u8::try_from(extensions.len()).expect("short")]);
    body.extend(extensions);
    let length = u8::try_from(body.len()).expect("short");
    [vec![22, 3, 1, 0, length + 4, 1, 0, 0, length], body].concat()
}

async fn first_bytes(address: SocketAddr, sent: Vec<u8>) -> Vec<u8> {
    let talk = move || {
        let mut socket = connect(address);
        socket.write_all(&sent).expect("sent");
        let mut answer = Vec::new();
        // A connection that is reset has said all it will.
        let _ = socket.take(7).read_to_end(&mut answer);
        answer
    };
    tokio::task::spawn_blocking(talk).await.expect("the client ends")
}

#[tokio::test]
async fn older_protocols_are_refused() {
    let served = Served::start();
    for minor in [1, 2] {
        let answer = first_bytes(served.address, hello(minor)).await;
        let (kind, what) = (answer.first().copied(), answer.get(5..7));
        assert_eq!(
            (kind, what),
            (Some(21), Some([2, 70].as_slice())),
            "the fatal alert `protocol_version`: {answer:?}"
        );
    }
    let answer = first_bytes(served.address, hello(3)).await;
    assert_eq!(answer.first(), Some(&22), "the same message with TLS 1.2 goes on: {answer:?}");
}

#[tokio::test]
async fn a_plain_request_is_not_answered() {
    let served = Served::start();
    let answer = first_bytes(served.address, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec()).await;
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
}

#[tokio::test]
async fn replaced_files_are_served_from_the_next_connection_on() {
    let served = Served::start();
    let before = served.get(&served.authority, "localhost").await.expect("trusted");
    assert!(!served.identity.renew().expect("unchanged"));

    let new = made(&[]);
    std::fs::write(served.file("server.pem"), &new.certificate).expect("written");
    std::fs::write(served.file("server.key"), new.key.expose_secret()).expect("written");
    assert!(served.identity.renew().expect("renewed"));

    let after = served.get(&new.authority, "localhost").await.expect("the new authority's");
    assert_ne!(before.certificate, after.certificate);
    served.get(&served.authority, "localhost").await.expect_err("the old one is gone");
}

#[tokio::test]
async fn broken_files_leave_the_old_certificate_and_are_told_of_once() {
    let served = Served::start();
    let new = made(&[]);
    let broken: [(&str, Option<&str>); 4] = [
        ("server.pem", Some(&new.certificate)),
        ("server.pem", Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")),
        ("server.key", Some("nothing")),
        ("server.key", None),
    ];
    for (file, content) in broken {
        match content {
            Some(content) => std::fs::write(served.file(file), content).expect("written"),
            None => std::fs::remove_file(served.file(file)).expect("removed"),
        }
        let error = served.identity.renew().expect_err("broken").to_string();
        assert!(error.contains("server."), "{error}");
        assert!(!served.identity.renew().expect("not told again"));
        served.get(&served.authority, "localhost").await.expect("the old certificate");
    }
    std::fs::write(served.file("server.pem"), &new.certificate).expect("written");
    std::fs::write(served.file("server.key"), new.key.expose_secret()).expect("written");
    assert!(served.identity.renew().expect("mended"));
    served.get(&new.authority, "localhost").await.expect("the new certificate");
}
