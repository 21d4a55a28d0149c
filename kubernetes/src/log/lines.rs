use std::{io, pin::Pin};

use domain::runtime::{LogPosition, PodLogLine};
use futures::{AsyncBufRead, AsyncBufReadExt};
use jiff::Timestamp;

/// A longer line is cut.
const LONGEST: usize = 16 * 1024;

/// The lines of one container's log, each behind its time.
pub(crate) struct Lines {
    log: Pin<Box<dyn AsyncBufRead + Send>>,
    last: LogPosition,
}

impl Lines {
    pub fn of(log: impl AsyncBufRead + Send + 'static) -> Self {
        Self { log: Box::pin(log), last: LogPosition { at: Timestamp::MIN, nth: 0 } }
    }

    /// The next line; `None` at the end.
    pub async fn next(&mut self) -> io::Result<Option<PodLogLine>> {
        while let Some(line) = self.line().await? {
            let (at, text) = line.split_once(' ').unwrap_or((&line, ""));
            let Ok(at) = at.parse::<Timestamp>() else { continue };
            let nth = if at == self.last.at { self.last.nth + 1 } else { 1 };
            self.last = LogPosition { at, nth };
            return Ok(Some(PodLogLine { position: self.last, text: text.to_owned() }));
        }
        Ok(None)
    }

    async fn line(&mut self) -> io::Result<Option<String>> {
        let mut line = Vec::new();
        loop {
            let read = self.log.fill_buf().await?;
            if read.is_empty() {
                return Ok(Some(text(&line)).filter(|_| !line.is_empty()));
            }
            let end = read.iter().position(|byte| *byte == b'\n');
            let part = &read[..end.unwrap_or(read.len())];
            line.extend(&part[..part.len().min(LONGEST - line.len())]);
            let used = part.len() + usize::from(end.is_some());
            self.log.consume_unpin(used);
            if end.is_some() {
                return Ok(Some(text(&line)));
            }
        }
    }
}

fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line).trim_end_matches('\r').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn all(log: &'static [u8]) -> Vec<(String, String)> {
        let mut lines = Lines::of(log);
        let mut found = Vec::new();
        while let Some(line) = lines.next().await.expect("it can be read") {
            found.push((line.position.to_string(), line.text));
        }
        found
    }

    #[tokio::test]
    async fn lines_of_one_moment_are_told_apart() {
        let log = b"2026-01-01T00:00:00.5Z one\n2026-01-01T00:00:00.5Z two\n\
                    2026-01-01T00:00:01Z three four\nno time\n2026-01-01T00:00:02Z";

        let expected = [
            ("2026-01-01T00:00:00.5Z/1", "one"),
            ("2026-01-01T00:00:00.5Z/2", "two"),
            ("2026-01-01T00:00:01Z/1", "three four"),
            ("2026-01-01T00:00:02Z/1", ""),
        ];
        assert_eq!(all(log).await, expected.map(|(at, text)| (at.to_owned(), text.to_owned())));
    }

    #[tokio::test]
    async fn a_line_without_an_end_is_cut() {
        let log = format!("2026-01-01T00:00:00Z {}\n2026-01-01T00:00:01Z b\n", "a".repeat(100_000));

        let found = all(log.leak().as_bytes()).await;

        assert_eq!(found.len(), 2);
        assert!(found[0].1.len() < LONGEST);
        assert_eq!(found[1].1, "b");
    }
}
