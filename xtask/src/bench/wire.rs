//! As much of HTTP and WebSocket as the measurements need.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::Duration,
};

use anyhow::{Context, Result, ensure};

use super::server::{ADMIN_EMAIL, ADMIN_PASSWORD};

const PATIENCE: Duration = Duration::from_secs(30);

/// A connection over which one request follows the other.
pub struct Http(BufReader<TcpStream>);

/// A WebSocket that speaks graphql-transport-ws.
pub struct Socket(BufReader<TcpStream>);

fn connect(address: &str) -> Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    // What is read here is short, and there are many.
    Ok(BufReader::with_capacity(1_024, stream))
}

impl Http {
    pub fn open(address: &str) -> Result<Self> {
        connect(address).map(Self)
    }

    /// The status and the body of the answer to a JSON body.
    pub fn post(&mut self, token: Option<&str>, body: &str) -> Result<(u16, String)> {
        let token =
            token.map_or(String::new(), |token| format!("authorization: Bearer {token}\r\n"));
        let length = body.len();
        let request = format!(
            "POST /graphql HTTP/1.1\r\nhost: slipway\r\ncontent-type: application/json\r\n\
             {token}content-length: {length}\r\n\r\n{body}"
        );
        self.0.get_mut().write_all(request.as_bytes())?;
        let status = read_line(&mut self.0)?;
        let status = status.split(' ').nth(1).context("no status")?.parse()?;
        let mut length = 0;
        loop {
            let line = read_line(&mut self.0)?;
            let Some((name, value)) = line.split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse()?;
            }
        }
        let mut answer = vec![0; length];
        self.0.read_exact(&mut answer)?;
        Ok((status, String::from_utf8(answer)?))
    }
}

impl Socket {
    /// Connects and waits for the acknowledgement.
    pub fn open(address: &str, token: Option<&str>) -> Result<Self> {
        let mut reader = connect(address)?;
        let request = "GET /graphql HTTP/1.1\r\nhost: slipway\r\nconnection: upgrade\r\n\
            upgrade: websocket\r\nsec-websocket-version: 13\r\n\
            sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
            sec-websocket-protocol: graphql-transport-ws\r\n\r\n";
        reader.get_mut().write_all(request.as_bytes())?;
        ensure!(read_line(&mut reader)?.contains("101"), "no upgrade");
        while !read_line(&mut reader)?.is_empty() {}
        let mut socket = Self(reader);
        let token = token.map_or(String::new(), |token| {
            format!(r#","payload":{{"authorization":"Bearer {token}"}}"#)
        });
        socket.say(&format!(r#"{{"type":"connection_init"{token}}}"#))?;
        ensure!(socket.hear()?.contains("connection_ack"), "no acknowledgement");
        Ok(socket)
    }

    pub fn say(&mut self, text: &str) -> Result<()> {
        let length = text.len();
        let mut frame = vec![0x81];
        match u8::try_from(length) {
            Ok(short) if short < 126 => frame.push(0x80 | short),
            _ => {
                frame.push(0x80 | 126);
                frame.extend(u16::try_from(length)?.to_be_bytes());
            }
        }
        // A mask of zeros leaves the text as it is.
        frame.extend([0; 4]);
        frame.extend(text.as_bytes());
        Ok(self.0.get_mut().write_all(&frame)?)
    }

    /// The next message, a close frame's reason included.
    pub fn hear(&mut self) -> Result<String> {
        let mut head = [0; 2];
        self.0.read_exact(&mut head)?;
        let length = match head[1] & 0x7f {
            126 => {
                let mut long = [0; 2];
                self.0.read_exact(&mut long)?;
                usize::from(u16::from_be_bytes(long))
            }
            short => usize::from(short),
        };
        let mut text = vec![0; length];
        self.0.read_exact(&mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

/// What is at a path.
pub fn get(address: &str, path: &str) -> Result<String> {
    let mut reader = connect(address)?;
    let request = format!("GET {path} HTTP/1.0\r\nhost: slipway\r\n\r\n");
    reader.get_mut().write_all(request.as_bytes())?;
    while !read_line(&mut reader)?.is_empty() {}
    let mut body = String::new();
    reader.read_to_string(&mut body)?;
    Ok(body)
}

/// The access token of the first administrator.
pub fn log_in(address: &str) -> Result<String> {
    let input = format!(r#"{{ email: \"{ADMIN_EMAIL}\", password: \"{ADMIN_PASSWORD}\" }}"#);
    let body = format!(r#"{{"query":"mutation {{ login(input: {input}) {{ accessToken }} }}"}}"#);
    field(&Http::open(address)?.post(None, &body)?.1, "accessToken")
}

/// The first text of that name in an answer.
pub fn field(answer: &str, name: &str) -> Result<String> {
    let (_, rest) = answer.split_once(&format!(r#""{name}":""#)).context(answer.to_owned())?;
    Ok(rest.split('"').next().unwrap_or_default().to_owned())
}

fn read_line(reader: &mut BufReader<TcpStream>) -> Result<String> {
    let mut line = String::new();
    ensure!(reader.read_line(&mut line)? > 0, "the connection was ended");
    Ok(line.trim_end().to_owned())
}
