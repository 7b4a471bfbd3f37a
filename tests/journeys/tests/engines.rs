//! The engines that fault tests stand on: they come up, end as they are told to, keep what they must, and leave nothing.

#![cfg(test)]

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions as _, PgConnection, Row as _};
use std::str::FromStr as _;
use tessera_journeys::{Engines, Postgres, RabbitMq, Redis, TlsFiles};

async fn connect(url: &str) -> sqlx::Result<PgConnection> {
    PgConnectOptions::from_str(url).expect("a URL").ssl_mode(PgSslMode::Disable).connect().await
}

#[tokio::test]
async fn all_three_come_up_together_and_leave_nothing() {
    let Some(engines) = Engines::start().await else { return };
    let ports = [engines.postgres.port(), engines.redis.port(), engines.rabbitmq.port()];
    assert_eq!(engines.redis.command("PING").await, "+PONG");
    assert!(connect(&engines.postgres.url("postgres")).await.is_ok());
    drop(engines);
    for port in ports {
        assert!(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err(), "{port} is still listened on");
    }
}

#[tokio::test]
async fn what_postgres_has_committed_survives_a_restart_and_a_crash() {
    let Some(mut postgres) = Postgres::start().await else { return };
    let url = postgres.url("postgres");
    let mut conn = connect(&url).await.expect("a session");
    sqlx::query("create table kept (number bigint)").execute(&mut conn).await.expect("created");
    for number in 0..3_i64 {
        sqlx::query("insert into kept values ($1)").bind(number).execute(&mut conn).await.expect("inserted");
        if number == 1 {
            postgres.crash().await;
            assert!(connect(&url).await.is_err(), "it is down");
            postgres.launch().await;
        } else {
            postgres.restart().await;
        }
        assert!(sqlx::query("select 1").execute(&mut conn).await.is_err(), "the session was cut");
        conn = connect(&url).await.expect("a session");
    }
    let kept: i64 = sqlx::query("select count(*) from kept").fetch_one(&mut conn).await.expect("a row").get(0);
    let fsync: String = sqlx::query("show fsync").fetch_one(&mut conn).await.expect("a row").get(0);
    assert_eq!((kept, fsync.as_str()), (3, "on"));
    assert!(postgres.log().contains("automatic recovery in progress"), "it was a crash: {}", postgres.log());
}

#[tokio::test]
async fn redis_forgets_when_it_is_flushed_or_killed() {
    let Some(mut redis) = Redis::start().await else { return };
    for forget in ["FLUSHALL", "kill -9"] {
        assert_eq!(redis.command("SET key value").await, "+OK");
        assert_eq!(redis.command("GET key").await, "$5");
        if forget == "FLUSHALL" {
            assert_eq!(redis.command(forget).await, "+OK");
        } else {
            redis.kill9();
            redis.launch().await;
        }
        assert_eq!(redis.command("GET key").await, "$-1", "{forget}");
    }
}

#[tokio::test]
async fn rabbitmq_keeps_its_vhosts_over_a_stop_and_a_kill() {
    let Some(mut rabbitmq) = RabbitMq::start().await else { return };
    let _ = rabbitmq.control(&["add_vhost", "kept"]).await;
    rabbitmq.stop().await;
    rabbitmq.launch().await;
    rabbitmq.kill9();
    rabbitmq.launch().await;
    assert!(rabbitmq.control(&["list_vhosts", "name"]).await.lines().any(|line| line == "kept"));
}

#[tokio::test]
async fn each_engine_serves_tls_with_the_certificate_it_is_given() {
    let tls = TlsFiles::make();
    let Some(Engines { postgres, redis, rabbitmq }) = Engines::start_over_tls(&tls, &tls, &tls).await else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let authority = folder.path().join("authority.pem");
    std::fs::write(&authority, &tls.authority).expect("written");
    let verified = PgConnectOptions::from_str(&postgres.tls_url("postgres")).expect("a URL").connect().await;
    assert!(verified.is_ok(), "{verified:?}: {}", postgres.log());
    for url in [redis.tls_url().expect("a URL"), rabbitmq.tls_url().expect("a URL")] {
        let (_, port) = url.trim_end_matches("/%2f").rsplit_once(':').expect("a port");
        let shown = openssl(port, &authority);
        assert!(shown.contains("Verify return code: 0 (ok)"), "{url}: {shown}");
    }
}

fn openssl(port: &str, authority: &std::path::Path) -> String {
    let output = std::process::Command::new("openssl")
        .args(["s_client", "-connect", &format!("127.0.0.1:{port}"), "-servername", "localhost", "-CAfile"])
        .arg(authority)
        .stdin(std::process::Stdio::null())
        .output()
        .expect("openssl");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
