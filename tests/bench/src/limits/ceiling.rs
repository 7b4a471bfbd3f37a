//! One HTTP exchange: the smallest server that the same library makes, in a process of its own.

use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, web};
use serde::{Deserialize, Serialize};

use crate::figures::number;
use crate::http::Request;
use crate::load::{Exchange, Opened, Plan, Right};
use crate::machine::{self, Process};
use crate::program::{Program, free_port};

/// Connections, as for the platform.
const CONNECTIONS: usize = 32;
const TIME: Duration = Duration::from_secs(1);
const COUNT: u64 = 200_000;

/// A small form, as a client sends its credentials.
#[derive(Debug, Deserialize)]
struct Form {
    grant_type: String,
    scope: String,
}

/// 90 bytes of JSON with the usual values.
#[derive(Debug, Serialize)]
struct Said<'a> {
    token_type: &'a str,
    scope: &'a str,
    padding: &'static str,
}

const PADDING: &str = "0123456789abcdef012345678";

/// Serves until killed.
///
/// # Errors
/// When the port is taken.
pub fn serve(port: u16, workers: usize) -> anyhow::Result<()> {
    let server = || {
        let post = web::post().to(|form: web::Form<Form>| std::future::ready(said(&form.grant_type, &form.scope)));
        let get = web::get().to(|| std::future::ready(said("client_credentials", "verify")));
        App::new().service(web::resource("/").route(post).route(get))
    };
    let server = HttpServer::new(server).workers(workers).bind(("127.0.0.1", port))?.run();
    Ok(actix_web::rt::System::new().block_on(server)?)
}

fn said(token_type: &str, scope: &str) -> HttpResponse {
    HttpResponse::Ok().json(Said { token_type, scope, padding: PADDING })
}

/// The cost of a POST and of a GET.
pub async fn measure() -> anyhow::Result<(f64, f64)> {
    let folder = tempfile::tempdir()?;
    let port = free_port()?;
    let arguments = ["ceiling", &port.to_string(), &machine::cores().to_string()];
    let mut server = Program::start(&std::env::current_exe()?, &arguments, &[], &folder.path().join("log"))?;
    server.answers(port, "/").await?;
    let form = "grant_type=client_credentials&scope=verify";
    let post = Request::post("/", &[], "application/x-www-form-urlencoded", form);
    Ok((cost(port, server.id(), post).await?, cost(port, server.id(), Request::get("/", &[])).await?))
}

async fn cost(port: u16, server: u32, request: Request) -> anyhow::Result<f64> {
    let right = Right::body(200, &["\"token_type\":\"client_credentials\"", "\"scope\":\"verify\""]);
    let plan =
        Plan { port, conversations: vec![vec![Exchange { request, right }]; CONNECTIONS], time: TIME, count: COUNT };
    let opened = Opened::new(&plan).await?;
    let before = Process::of(server)?.cpu;
    let done = opened.run(&plan).await?;
    let cpu = Process::of(server)?.cpu.saturating_sub(before);
    Ok(cpu.as_secs_f64() * 1e6 / number(done.latencies.count()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_has_the_length_it_is_defined_by() {
        let said = Said { token_type: "client_credentials", scope: "verify", padding: PADDING };
        assert_eq!(serde_json::to_string(&said).unwrap().len(), 90);
    }
}
