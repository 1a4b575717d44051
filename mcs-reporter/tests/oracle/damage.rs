//! What happens to the files of a reporter while nobody has them open.

use fastrand::Rng;
use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Damages some of the files in a way that a crash or a bad disk does. No event that was accepted is touched.
pub(crate) fn damage(cache: &Path, rng: &mut Rng) {
    match rng.u8(0..5) {
        0 => overwrite(cache, 0, rng),
        1 => {
            let pages = fs::metadata(cache).map_or(0, |file| file.len()) / 4096;
            overwrite(cache, rng.u64(0..=pages) * 4096, rng);
        }
        2 => drop(fs::remove_file(cache)),
        3 => half_a_record(cache, rng),
        _ => {}
    }
}

fn overwrite(path: &Path, offset: u64, rng: &mut Rng) {
    let Ok(mut file) = OpenOptions::new().write(true).open(path) else {
        return;
    };
    let garbage: Vec<u8> = (0..200).map(|_| rng.u8(..)).collect();
    file.seek(SeekFrom::Start(offset)).unwrap();
    file.write_all(&garbage).unwrap();
}

/// The beginning of a record at the end of a segment, as a process leaves it that dies while it writes.
fn half_a_record(cache: &Path, rng: &mut Rng) {
    let segments = segments(cache);
    let Some(path) = rng.choice(&segments) else {
        return;
    };
    let bytes = fs::read(path).unwrap();
    let torn = &bytes[..rng.usize(..bytes.len().min(100))];
    let mut file = OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(torn).unwrap();
}

fn segments(cache: &Path) -> Vec<PathBuf> {
    let mut folder = cache.as_os_str().to_owned();
    folder.push(".segments");
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|ending| ending == "seg"))
        .collect()
}
