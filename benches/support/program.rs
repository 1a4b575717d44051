use super::{Outcome, check};
use std::env::current_exe;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The example `name`, built like this benchmark.
pub(crate) fn example(name: &str) -> Outcome<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--release", "--quiet", "--package", "examples"])
        .args(["--example", name])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()?;
    check(built.success(), || {
        format!("the example {name} does not build")
    })?;
    let own = current_exe()?;
    // This program is in `<profile>/deps`.
    let profile = own
        .parent()
        .and_then(Path::parent)
        .ok_or("the benchmark has no directory")?;
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let program = profile.join("examples").join(file);
    check(program.exists(), || {
        format!("{} is not there", program.display())
    })?;
    Ok(program)
}
