use super::Outcome;
use std::fs::read_to_string;

/// Cores and processor, in words.
pub(crate) fn describe() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!(
        "{cores} cores, {}",
        model().unwrap_or("unknown processor".to_owned())
    )
}

fn model() -> Option<String> {
    let info = read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    line.split_once(':').map(|(_, name)| name.trim().to_owned())
}

/// The load averages of the last one, five and fifteen minutes, as the system writes them.
pub(crate) fn load() -> String {
    let text = read_to_string("/proc/loadavg").unwrap_or_default();
    let averages: Vec<&str> = text.split(' ').take(3).collect();
    if averages.len() == 3 {
        averages.join(" ")
    } else {
        "unknown".to_owned()
    }
}

/// Memory of the process `id`, or of this one, that is in RAM, in MB.
pub(crate) fn resident_mb(id: Option<u32>) -> Outcome<f64> {
    memory_mb(id, "VmRSS:")
}

/// The most memory that this process ever had in RAM, in MB.
pub(crate) fn peak_mb() -> Outcome<f64> {
    memory_mb(None, "VmHWM:")
}

fn memory_mb(id: Option<u32>, figure: &str) -> Outcome<f64> {
    let process = id.map_or("self".to_owned(), |id| id.to_string());
    let status = read_to_string(format!("/proc/{process}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(figure))
        .ok_or("the system does not tell how much memory a process uses")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib * 1024.0 / 1e6)
}
