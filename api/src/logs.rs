use std::io::{self, IsTerminal, Write};

use anyhow::Context;
use tracing_subscriber::{EnvFilter, Layer, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{
    config::{Config, LogFormat},
    traces::Traces,
};

/// Sends the log to stderr, where lines of a request carry its id, and spans to where they go.
pub fn begin(config: &Config) -> anyhow::Result<Traces> {
    let filter = EnvFilter::try_new(&config.log).context("SLIPWAY_LOG cannot be read")?;
    let traces = Traces::new(config)?;
    let lines = fmt::layer().with_ansi(io::stderr().is_terminal());
    let lines = lines.with_writer(|| OneLine(io::stderr()));
    let lines = match config.log_format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).boxed(),
    };
    let log = tracing_subscriber::registry().with(lines.with_filter(filter));
    log.with(traces.layer()).init();
    Ok(traces)
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
