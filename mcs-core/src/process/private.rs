use std::io;
use std::path::Path;
use tokio::fs::{DirBuilder, File, OpenOptions};

/// Makes the file anew, and its directory where that is missing, for its user alone: what programs say may be a secret.
pub(crate) async fn create_private(path: &Path) -> io::Result<File> {
    if let Some(directory) = path.parent() {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        builder.mode(0o700);
        builder.create(directory).await?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    options.mode(0o600);
    options.open(path).await
}
