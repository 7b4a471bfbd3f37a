//! argon2id as passwords are hashed with it: 19 MiB, two passes, one lane.

use std::hint::black_box;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use argon2::{Algorithm, Argon2, Params, Version};
use serde::Serialize;

use crate::figures::number;
use crate::machine::{cores, thread_cpu};
use crate::stopwatch::Stopwatch;

const TIME: Duration = Duration::from_secs(1);

/// Password hashes.
#[derive(Clone, Debug, Serialize)]
pub struct Hashing {
    /// The cost of one while one core hashes.
    pub alone_us: f64,
    /// The cost of one while all cores hash: they share the memory's bandwidth.
    pub all_cores_us: f64,
    /// Hashes a second of the whole machine.
    pub per_second: f64,
}

/// Measures one core, then all.
pub fn measure() -> anyhow::Result<Hashing> {
    let (_, alone_us) = on(1)?;
    let (per_second, all_cores_us) = on(cores())?;
    Ok(Hashing { alone_us, all_cores_us, per_second })
}

/// Hashes a second and the cost of one, on so many threads.
fn on(threads: usize) -> anyhow::Result<(f64, f64)> {
    let begun = Stopwatch::start();
    let threads: Vec<_> = (0..threads).map(|_| std::thread::spawn(move || hash_until(begun))).collect();
    let (mut hashed, mut cpu) = (0, Duration::ZERO);
    for thread in threads {
        let (of_one, cpu_of_one) = thread.join().ok().context("a thread ended")??;
        hashed += of_one;
        cpu += cpu_of_one;
    }
    let hashed = number(hashed);
    Ok((hashed / begun.elapsed().as_secs_f64(), cpu.as_secs_f64() * 1e6 / hashed))
}

fn hash_until(begun: Stopwatch) -> anyhow::Result<(u64, Duration)> {
    let params = Params::new(19 * 1024, 2, 1, None).map_err(|error| anyhow!("argon2: {error}"))?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut out = [0; 32];
    let before = thread_cpu()?;
    let mut hashed = 0;
    while begun.elapsed() < TIME {
        argon2
            .hash_password_into(b"Secret1*2*3*4*5*6", b"0123456789abcdef", &mut out)
            .map_err(|error| anyhow!("argon2: {error}"))?;
        black_box(&out);
        hashed += 1;
    }
    Ok((hashed, thread_cpu()? - before))
}
