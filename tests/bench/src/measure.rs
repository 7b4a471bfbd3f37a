//! What the programs take before anybody asks them anything: memory, time to the first answer, size.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use serde::Serialize;
use tessera_journeys::{Engines, Service, Services, Setup};

use crate::figures::{Spread, number};
use crate::machine;
use crate::platform;
use crate::program::{Program, built, free_port};
use crate::table;

/// Starts of each kind.
const STARTS: usize = 5;
/// From the first answer to the look at the memory: what a start leaves to do is done.
const SETTLE: Duration = Duration::from_secs(3);

/// The programs of a release.
const PROGRAMS: [&str; 5] = ["tessera", "tessera-auth", "tessera-sessions", "tessera-verify", "tessera-oauth"];

/// Memory that the project aims at, in KiB: of the all-in-one, and of a service.
const AIM_ALL_IN_ONE_KIB: u64 = 40 * 1024;
const AIM_SERVICE_KIB: u64 = 20 * 1024;
/// Time to the first answer on a folder that is there, that the project aims at.
const AIM_WARM_MS: f64 = 200.0;

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub struct Report {
    load_average: String,
    programs: Vec<Size>,
    idle: Vec<Idle>,
    cold_ms: Spread,
    warm_ms: Spread,
}

/// A program as a file.
#[derive(Debug, Serialize)]
struct Size {
    program: &'static str,
    bytes: u64,
}

/// A program that waits.
#[derive(Debug, Serialize)]
struct Idle {
    program: &'static str,
    /// Memory in use.
    resident_kib: u64,
    /// Of it what is its own, and not read from files.
    anonymous_kib: u64,
    threads: usize,
    aim_kib: u64,
}

impl Idle {
    fn of(program: &'static str, process: u32, aim_kib: u64) -> anyhow::Result<Self> {
        let (resident_kib, anonymous_kib) = machine::memory(process)?;
        Ok(Self { program, resident_kib, anonymous_kib, threads: machine::threads(process)?, aim_kib })
    }
}

/// Measures all, prints it and writes `target/measure.json`.
pub async fn run() -> anyhow::Result<()> {
    let load_average = machine::load_average();
    let programs = PROGRAMS.into_iter().map(|program| Ok(Size { program, bytes: machine::size(&built(program)?)? }));
    let programs = programs.collect::<anyhow::Result<Vec<_>>>()?;
    let folder = tempfile::tempdir()?;
    let (mut cold, mut warm) = (Vec::new(), Vec::new());
    for number in 0..STARTS {
        let own = folder.path().join(number.to_string());
        std::fs::create_dir(&own)?;
        cold.push(start(&own).await?);
        warm.push(start(&own).await?);
    }
    let (program, _) = started(&folder.path().join("0")).await?;
    tokio::time::sleep(SETTLE).await;
    let mut idle = vec![Idle::of("tessera", program.id(), AIM_ALL_IN_ONE_KIB)?];
    program.end().await?;
    idle.extend(services().await?);
    let spread = |times: Vec<Duration>| Spread::of(times.iter().map(|time| time.as_secs_f64() * 1000.0));
    let (Some(cold_ms), Some(warm_ms)) = (spread(cold), spread(warm)) else { anyhow::bail!("nothing was started") };
    let report = Report { load_average, programs, idle, cold_ms, warm_ms };
    print(&report);
    println!("written to {}", table::write("measure.json", &report)?.display());
    Ok(())
}

/// The four services as they wait, on engines of their own.
async fn services() -> anyhow::Result<Vec<Idle>> {
    let engines = Engines::start().await.context("an engine is not installed")?;
    let services = Services::start(&Setup::on(&engines)).await;
    tokio::time::sleep(SETTLE).await;
    let of = |service: Service| {
        let program = PROGRAMS.into_iter().find(|program| program.ends_with(service.name()));
        Idle::of(program.context("a program of each service")?, services.process_id(service), AIM_SERVICE_KIB)
    };
    Service::ALL.into_iter().map(of).collect()
}

/// Starts the all-in-one on a folder, waits for its first answer and ends it.
async fn start(folder: &Path) -> anyhow::Result<Duration> {
    let (program, took) = started(folder).await?;
    program.end().await?;
    Ok(took)
}

async fn started(folder: &Path) -> anyhow::Result<(Program, Duration)> {
    let (port, internal_port) = (free_port()?, free_port()?);
    // With the services' own ports, as it starts where nothing else is said: each is a listener.
    let settings = platform::settings(folder, [port, internal_port], true);
    let mut program = Program::start(&built("tessera")?, &["serve"], &settings, &folder.join("log"))?;
    let took = program.answers(internal_port, "/health/ready").await?;
    Ok((program, took))
}

fn print(report: &Report) {
    println!("load average {}", report.load_average);
    for Size { program, bytes } in &report.programs {
        println!("{program:<18} {:>6.1} MiB as a file", number(*bytes / 1024) / 1024.0);
    }
    for Idle { program, resident_kib, anonymous_kib, threads, aim_kib } in &report.idle {
        let [resident, anonymous, aim] = [*resident_kib, *anonymous_kib, *aim_kib].map(|kib| number(kib) / 1024.0);
        println!("{program:<18} {resident:>6.1} MiB idle ({anonymous:.1} its own, {threads} threads; aim {aim:.0})");
    }
    let range = |Spread { median, min, max }: Spread| format!("{median:.0} [{min:.0}-{max:.0}] ms");
    println!("first answer on a new folder      {}", range(report.cold_ms));
    println!("first answer on a folder with data {} (aim {AIM_WARM_MS:.0})", range(report.warm_ms));
}
