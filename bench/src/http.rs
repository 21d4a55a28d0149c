//! As much of HTTP as a load generator needs: its own share of the machine is to be small.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A connection over which one request follows the other.
pub struct Http {
    stream: TcpStream,
    buffer: Vec<u8>,
}

pub fn request(token: Option<&str>, body: &str) -> Vec<u8> {
    let token = token.map_or(String::new(), |token| format!("authorization: Bearer {token}\r\n"));
    let length = body.len();
    format!(
        "POST /graphql HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n\
         {token}content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

impl Http {
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(16 * 1024) })
    }

    /// The body of the answer, which has to be a good one.
    pub async fn send(&mut self, request: &[u8]) -> Result<&[u8]> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let (start, length) = loop {
            ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "the connection was ended");
            if let Some(end) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                let head = std::str::from_utf8(&self.buffer[..end])?;
                break (end + 4, content_length(head)?);
            }
        };
        while self.buffer.len() < start + length {
            ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "the connection was ended");
        }
        let body = &self.buffer[start..];
        let refused = body.windows(9).any(|window| window == b"\"errors\":");
        ensure!(!refused, "{}", String::from_utf8_lossy(body));
        Ok(body)
    }
}

fn content_length(head: &str) -> Result<usize> {
    let fields = head.split("\r\n").filter_map(|line| line.split_once(':'));
    let length = fields.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let (_, length) = length.last().context("no content-length")?;
    Ok(length.trim().parse()?)
}
