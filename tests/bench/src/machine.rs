//! What the system tells about processes, in `/proc`.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;

/// The unit of a process's times: a hundredth of a second on every Linux that is common.
const TICK: Duration = Duration::from_millis(10);

/// A process, as `/proc/<id>/stat` tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub id: u32,
    /// Its name, at most 15 bytes of it.
    pub name: String,
    parent: u32,
    /// What it has used of the processors, in its own code and in the system's.
    pub cpu: Duration,
}

impl Process {
    fn read(id: u32) -> Option<Self> {
        Self::parse(id, &fs::read_to_string(format!("/proc/{id}/stat")).ok()?)
    }

    /// The name stands in parentheses and may have some itself.
    fn parse(id: u32, stat: &str) -> Option<Self> {
        let (before, after) = stat.rsplit_once(')')?;
        let (_, name) = before.split_once('(')?;
        let fields: Vec<&str> = after.split_whitespace().collect();
        let number = |field: usize| fields.get(field)?.parse::<u32>().ok();
        let cpu = TICK * number(11)?.checked_add(number(12)?)?;
        Some(Self { id, name: name.to_owned(), parent: number(1)?, cpu })
    }

    /// A process.
    ///
    /// # Errors
    /// When it has ended.
    pub fn of(id: u32) -> anyhow::Result<Self> {
        Self::read(id).with_context(|| format!("process {id} has ended"))
    }
}

/// The processes that this one started, and those that they started, by name.
///
/// # Errors
/// When the system does not tell.
pub fn descendants() -> anyhow::Result<Vec<Process>> {
    let entries = fs::read_dir("/proc").context("/proc cannot be read: this needs Linux")?;
    let ids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    Ok(below(std::process::id(), ids.filter_map(Process::read).collect()))
}

fn below(root: u32, all: Vec<Process>) -> Vec<Process> {
    let parents: HashMap<u32, u32> = all.iter().map(|process| (process.id, process.parent)).collect();
    let is_below = |process: &Process| {
        // A table read while processes come and go could have a circle in it.
        let ancestors = std::iter::successors(Some(process.parent), |id| parents.get(id).copied()).take(64);
        ancestors.into_iter().any(|ancestor| ancestor == root)
    };
    all.iter().filter(|process| is_below(process)).cloned().collect()
}

/// The processor time of this thread so far.
///
/// # Errors
/// When the system does not tell.
pub fn thread_cpu() -> anyhow::Result<Duration> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").context("this needs Linux")?;
    let nanos = text.split(' ').next().and_then(|nanos| nanos.parse().ok());
    Ok(Duration::from_nanos(nanos.context("/proc/thread-self/schedstat has another form")?))
}

/// Memory of a process that is in use, in KiB: all of it, and what is its own and not read from files.
///
/// # Errors
/// When it has ended.
pub fn memory(id: u32) -> anyhow::Result<(u64, u64)> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).context("the process has ended")?;
    let of = |name: &str| status_field(&status, name).with_context(|| format!("no {name} for process {id}"));
    Ok((of("VmRSS")?, of("RssAnon")?))
}

/// How many threads a process has.
///
/// # Errors
/// When it has ended.
pub fn threads(id: u32) -> anyhow::Result<usize> {
    Ok(fs::read_dir(format!("/proc/{id}/task")).context("the process has ended")?.count())
}

fn status_field(status: &str, wanted: &str) -> Option<u64> {
    let (_, value) = status.lines().filter_map(|line| line.split_once(':')).find(|(name, _)| *name == wanted)?;
    value.trim().strip_suffix(" kB")?.parse().ok()
}

/// How many processes wanted a processor: over the last minute, five minutes and fifteen.
pub fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// The processor's name.
pub fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("model name")).unwrap_or_default();
    line.split_once(": ").map_or("unknown", |(_, name)| name).to_owned()
}

/// Threads that can run at once.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Bytes of a file.
///
/// # Errors
/// When it is not there.
pub fn size(file: &Path) -> anyhow::Result<u64> {
    Ok(fs::metadata(file).with_context(|| format!("{} is missing", file.display()))?.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(id: u32, parent: u32) -> Process {
        Process { id, name: "x".to_owned(), parent, cpu: Duration::ZERO }
    }

    #[test]
    fn the_times_of_a_process_are_read_behind_its_name() {
        let stat = "42 (a) (b c) S 7 42 42 0 -1 4194304 1 2 3 4 250 50 9 9 20 0 1 0 100 1 1";
        let read = Process::parse(42, stat).unwrap();
        assert_eq!((read.name.as_str(), read.parent, read.cpu), ("a) (b c", 7, Duration::from_secs(3)));
        assert_eq!(Process::parse(42, "42 (short) S 7"), None);
    }

    #[test]
    fn descendants_are_children_and_their_children_and_nobody_else() {
        let all =
            vec![process(1, 0), process(10, 1), process(11, 10), process(12, 11), process(20, 1), process(30, 30)];
        let ids: Vec<u32> = below(10, all).iter().map(|process| process.id).collect();
        assert_eq!(ids, [11, 12]);
    }

    #[test]
    fn memory_is_read_by_name() {
        let status = "Name:\tx\nVmRSS:\t   34996 kB\nRssAnon:\t   17000 kB\n";
        assert_eq!((status_field(status, "VmRSS"), status_field(status, "Rss")), (Some(34_996), None));
    }

    #[test]
    fn this_thread_has_used_a_processor() {
        let before = thread_cpu().unwrap();
        let mut sum = 0_u64;
        while thread_cpu().unwrap() == before {
            sum = std::hint::black_box(sum + 1);
        }
    }
}
