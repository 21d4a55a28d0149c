use std::sync::Arc;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp},
    sync::watch,
};

/// The way to a server, which a test can interrupt.
pub struct Cable {
    /// Where this end of it is.
    pub address: String,
    state: Arc<watch::Sender<State>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum State {
    Whole,
    /// What is open breaks, and nothing new holds.
    Cut,
    /// Nothing comes through any more, and nobody is told.
    Silent,
}

impl Cable {
    pub async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let state = Arc::new(watch::Sender::new(State::Whole));
        let seen = state.subscribe();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(carry(near, server.clone(), seen.clone()));
            }
        });
        Self { address, state }
    }

    /// The end of it that leads to the database of a `postgres://` address.
    pub async fn to_database(url: &str) -> (Self, String) {
        let (before, rest) = url.split_once('@').unwrap();
        let (server, after) = rest.split_once('/').unwrap();
        let cable = Self::to(server.to_owned()).await;
        let url = format!("{before}@{}/{after}", cable.address);
        (cable, url)
    }

    pub fn set(&self, state: State) {
        self.state.send_replace(state);
    }
}

async fn carry(near: TcpStream, server: String, state: watch::Receiver<State>) {
    let far = TcpStream::connect(server).await.unwrap();
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    tokio::select! {
        () = pump(near_in, far_out, state.clone()) => {}
        () = pump(far_in, near_out, state.clone()) => {}
        () = cut(state) => {}
    }
}

async fn cut(mut state: watch::Receiver<State>) {
    let _ = state.wait_for(|state| *state == State::Cut).await;
}

async fn pump(
    mut from: tcp::OwnedReadHalf,
    mut to: tcp::OwnedWriteHalf,
    mut state: watch::Receiver<State>,
) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let whole = state.wait_for(|state| *state != State::Silent).await.map(|_| ());
        if whole.is_err() || to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
