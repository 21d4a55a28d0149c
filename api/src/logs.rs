use std::io::{self, Write};

use anyhow::Context;
use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};

/// Sends the log to stderr. Lines of a request carry its id.
pub fn begin(config: &Config) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&config.log).context("SLIPWAY_LOG cannot be read")?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter);
    let lines = lines.with_writer(|| OneLine(io::stderr()));
    match config.log_format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).init(),
    }
    Ok(())
}

/// Keeps each entry on one line, whatever the texts in it are: nobody shall forge another.
struct OneLine<W>(W);

impl<W: Write> Write for OneLine<W> {
    /// The subscriber writes each entry at once.
    fn write(&mut self, entry: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(entry.strip_suffix(b"\n").unwrap_or(entry));
        let text = text.replace('\n', "\\n").replace('\r', "\\r");
        writeln!(self.0, "{text}")?;
        Ok(entry.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_one_line() {
        let mut written = Vec::new();

        OneLine(&mut written).write_all(b"WARN a cause: x\r\nERROR forged\n").unwrap();

        assert_eq!(written, b"WARN a cause: x\\r\\nERROR forged\n");
    }
}
