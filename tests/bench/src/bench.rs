//! Rounds of limits and workloads.

use std::time::Duration;

use anyhow::Context as _;
use serde::Serialize;

use crate::arguments::Load;
use crate::figures::number;
use crate::floor::{Part, floor_us};
use crate::latencies::Percentiles;
use crate::limits::Limits;
use crate::load::{Opened, Plan};
use crate::machine;
use crate::platform::{Accounts, Platform, Shape, Used};
use crate::table;
use crate::workload::Workload;

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The processor's name.
    pub processor: String,
    /// Threads that run at once.
    pub cores: usize,
    /// Each round.
    pub rounds: Vec<Round>,
}

/// One round.
#[derive(Debug, Serialize)]
pub struct Round {
    /// How many processes wanted a processor before it began, by the minute, five and fifteen.
    pub load_average: String,
    /// The limits.
    pub limits: Limits,
    /// Each workload in each shape.
    pub runs: Vec<Run>,
}

/// One run of a workload.
#[derive(Debug, Serialize)]
pub struct Run {
    /// What the platform consisted of.
    pub shape: Shape,
    /// The workload.
    pub workload: &'static str,
    /// Requests that were answered, all of them right; of two that belong together, pairs.
    pub requests: u64,
    /// Answers a second, with the generator on the same machine.
    pub per_second: f64,
    /// How long they took.
    pub latencies: Percentiles,
    /// Processor time of the platform, for each request.
    pub server_us: f64,
    /// Processor time of its stores, for each request.
    pub store_us: f64,
    /// What the floor consists of.
    pub parts: &'static [Part],
    /// The least that a request can cost; absent where a part was not measured.
    pub floor_us: Option<f64>,
    /// The floor as a share of what a request did cost.
    pub share: Option<f64>,
    /// For hashing workloads: answers a second as a share of the hashes a second that the machine can do.
    pub share_of_rate: Option<f64>,
}

/// Runs all rounds, prints the table and writes `target/bench.json`.
pub async fn run(options: &Load) -> anyhow::Result<()> {
    let mut report = Report { processor: machine::processor(), cores: machine::cores(), rounds: Vec::new() };
    let mut platforms = Vec::new();
    for shape in Shape::ALL.into_iter().filter(|shape| shape.name().contains(&options.shape)) {
        let platform = Platform::start(shape).await?;
        let accounts = Accounts::make(platform.port).await?;
        platforms.push((shape, platform, accounts));
    }
    // What is measured on another server, with other settings, is no limit of this one.
    let postgres = platforms.iter().find_map(|(_, platform, _)| platform.postgres());
    for number in 1..=options.rounds {
        let load_average = machine::load_average();
        println!("round {number} of {}, load average {load_average}", options.rounds);
        let limits = Limits::measure(postgres.as_deref()).await?;
        let mut runs = Vec::new();
        for (shape, platform, accounts) in &platforms {
            for workload in Workload::ALL.into_iter().filter(|workload| workload.name().contains(&options.only)) {
                let run = one(options, *shape, platform, accounts, workload, &limits).await;
                runs.push(run.with_context(|| format!("{} of the {}", workload.name(), shape.name()))?);
            }
        }
        report.rounds.push(Round { load_average, limits, runs });
    }
    print!("{}", table::of(&report));
    let file = table::write("bench.json", &report)?;
    println!("written to {}", file.display());
    Ok(())
}

async fn one(
    options: &Load,
    shape: Shape,
    platform: &Platform,
    accounts: &Accounts,
    workload: Workload,
    limits: &Limits,
) -> anyhow::Result<Run> {
    let plan = Plan {
        port: platform.port_of(workload.path()),
        conversations: workload.conversations(accounts, platform).await?,
        time: Duration::from_secs(options.seconds),
        count: options.requests,
    };
    let opened = Opened::new(&plan).await?;
    let before = Used::now()?;
    let done = opened.run(&plan).await?;
    let used = Used::now()?.since(before);
    let requests = done.latencies.count();
    let each = |cpu: Duration| cpu.as_secs_f64() * 1e6 / number(requests);
    let (server_us, store_us) = (each(used.server), each(used.store));
    let per_second = number(requests) / done.elapsed.as_secs_f64();
    let floor = floor_us(workload.floor(), limits, shape.store());
    let hashes = workload.floor().contains(&Part::Argon2id);
    Ok(Run {
        shape,
        workload: workload.name(),
        requests,
        per_second,
        latencies: done.latencies.percentiles().context("no answer")?,
        server_us,
        store_us,
        parts: workload.floor(),
        floor_us: floor,
        share: floor.map(|floor| floor / (server_us + store_us)),
        share_of_rate: hashes.then(|| per_second / limits.hashing.per_second),
    })
}
