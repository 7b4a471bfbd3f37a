//! PostgreSQL over TLS: a server of its own, with certificates made for the test.

use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use secrecy::ExposeSecret as _;
use tessera_common::clock::Clock;
use tessera_common::tls::{DevCertificates, Trust};
use tessera_storage::{Db, run};

/// A way to the test's server that does not look as if it stayed on the machine, which it does.
const ELSEWHERE: &str = "0.0.0.0";

/// A PostgreSQL server; stopped and removed when this is dropped.
struct Server {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
}

/// The newest programs that the packages have installed; without them there is nothing to test with.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?.filter_map(Result::ok);
    let newest = versions.max_by_key(|version| version.file_name().to_string_lossy().parse::<u32>().unwrap_or(0))?;
    Some(newest.path().join("bin")).filter(|programs| programs.join("initdb").is_file())
}

/// A command of an account that PostgreSQL runs as: it refuses root.
fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let is_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    let mut command = if is_root { Command::new("runuser") } else { Command::new(program.as_ref()) };
    if is_root {
        command.args(["-u", "postgres", "--"]).arg(program.as_ref());
    }
    command.current_dir("/").stdin(Stdio::null());
    command
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

impl Server {
    fn start(programs: PathBuf, certificates: &DevCertificates) -> Self {
        let template = std::env::temp_dir().join("tessera-postgres-tls.XXXXXX");
        let folder = PathBuf::from(output(command("mktemp").arg("-d").arg(template)));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Self { programs, folder, port };
        let initdb = server.programs.join("initdb");
        let options = ["--auth=trust", "--username=postgres", "--no-sync"];
        output(command(initdb).arg("--pgdata").arg(server.folder.join("data")).args(options));
        server.serve(Some(certificates));
        server
    }

    /// Starts it, or starts it again, with these certificates or without TLS.
    fn serve(&self, certificates: Option<&DevCertificates>) {
        let files = [
            ("server.pem", certificates.map(|made| made.certificate.as_str())),
            ("server.key", certificates.map(|made| made.key.expose_secret())),
        ];
        let owner = self.folder.metadata().unwrap();
        for (name, content) in files {
            let file = self.folder.join(name);
            std::fs::write(&file, content.unwrap_or_default()).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
            chown(&file, Some(owner.uid()), Some(owner.gid())).unwrap();
        }
        let ssl = if certificates.is_some() { "on" } else { "off" };
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off -c ssl={ssl} \
             -c ssl_cert_file='{folder}/server.pem' -c ssl_key_file='{folder}/server.key'",
            self.port,
            folder = self.folder.display()
        );
        let mut restart = self.pg_ctl("restart");
        output(restart.arg("--log").arg(self.folder.join("log")).arg("--options").arg(options).stdout(Stdio::null()));
    }

    fn pg_ctl(&self, what: &str) -> Command {
        let mut command = command(self.programs.join("pg_ctl"));
        command.args([what, "--silent", "--wait", "--mode=immediate", "--pgdata"]).arg(self.folder.join("data"));
        command
    }

    /// Whether a new connection is encrypted, or why there is none.
    async fn connect(&self, host: &str, query: &str, trust: &Trust) -> Result<bool, String> {
        let url = format!("postgres://postgres@{host}:{}/postgres{query}", self.port);
        let db = Db::postgres(&url, 1, trust).await.map_err(|error| format!("{error:?}"))?;
        let mut conn = db.read().await.unwrap();
        let text = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
        Ok(run!(&mut conn, |e| sqlx::query_scalar(text).fetch_one(e)).unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that never came up has nothing to stop.
        let _ = self.pg_ctl("stop").output();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn made(names: &[&str]) -> (DevCertificates, Trust) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let made = DevCertificates::make(&names, &Clock::machine()).unwrap();
    let trust = Trust::of_pem(made.authority.as_bytes()).unwrap();
    (made, trust)
}

#[track_caller]
fn refused(connected: &Result<bool, String>, because: &str) {
    assert!(matches!(connected, Err(error) if error.contains(because)), "{because}: {connected:?}");
}

#[tokio::test]
async fn where_tls_is_demanded_a_server_is_believed_by_its_authority_and_its_name() {
    if std::env::var("TESSERA_TEST_POSTGRES").as_deref() == Ok("off") {
        return;
    }
    let Some(programs) = programs() else { return };
    let (certificates, trust) = made(&[ELSEWHERE]);
    let (_, stranger) = made(&[]);
    let demanded = trust.clone().demanding_tls();
    let server = Server::start(programs, &certificates);

    // It is verified without being asked for in the URL, and with it.
    for query in ["", "?sslmode=verify-full"] {
        assert_eq!(server.connect(ELSEWHERE, query, &demanded).await, Ok(true), "{query}");
    }
    refused(&server.connect(ELSEWHERE, "", &stranger.clone().demanding_tls()).await, "UnknownIssuer");
    refused(&server.connect(ELSEWHERE, "", &Trust::default().demanding_tls()).await, "UnknownIssuer");
    for weaker in ["disable", "allow", "prefer", "require", "verify-ca"] {
        let connected = server.connect(ELSEWHERE, &format!("?sslmode={weaker}"), &demanded).await;
        refused(&connected, "sslmode=verify-full");
    }
    // What stays on the machine, and where nothing is demanded, is as its URL says; authorities count all the same.
    assert_eq!(server.connect("127.0.0.1", "?sslmode=disable", &demanded).await, Ok(false));
    assert_eq!(server.connect(ELSEWHERE, "?sslmode=disable", &trust).await, Ok(false));
    assert_eq!(server.connect("127.0.0.1", "?sslmode=verify-full", &trust).await, Ok(true));
    refused(&server.connect("127.0.0.1", "?sslmode=verify-full", &stranger).await, "UnknownIssuer");

    let (nameless, its_trust) = made(&[]);
    server.serve(Some(&nameless));
    refused(&server.connect(ELSEWHERE, "", &its_trust.demanding_tls()).await, "NotValidForName");

    server.serve(None);
    refused(&server.connect(ELSEWHERE, "", &demanded).await, "does not support TLS");
}
