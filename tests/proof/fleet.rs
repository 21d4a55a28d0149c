use std::{
    io,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    processes,
    support::{Database, Process, product},
};

/// How long a client tries.
const PATIENCE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(20);
/// After these the same call is sent again.
const AGAIN: [&str; 4] = ["UNAVAILABLE", "STORE_BUSY", "RATE_LIMITED", "CONFLICT"];

/// Processes on one database, and what spreads requests over those that are up: a connection that
/// nobody takes goes to the next one, a request that was sent does not.
pub struct Fleet {
    database: Database,
    settings: Vec<(String, String)>,
    seats: Vec<Mutex<Option<Process>>>,
    /// Who is up: the number of a life, and its address.
    serving: Mutex<Vec<(usize, String)>>,
    lives: AtomicUsize,
    turn: AtomicUsize,
}

/// A request that was sent and not answered, by which life.
#[derive(Debug)]
pub struct Unanswered {
    pub life: usize,
    pub error: io::Error,
}

impl Fleet {
    /// `None` where the program is not built.
    pub fn start(database: Database, settings: &[(&str, &str)], seats: usize) -> Option<Self> {
        Process::program()?;
        // Neither rates nor guesses are what is tried here.
        let lifted =
            [("SLIPWAY_LIMIT_BUDGET", "1000000000"), ("SLIPWAY_ADDRESS_ATTEMPTS", "1000000")];
        let settings = lifted.iter().chain(settings);
        let fleet = Self {
            database,
            settings: settings.map(|(name, set)| (name.to_string(), set.to_string())).collect(),
            seats: (0..seats).map(|_| Mutex::new(None)).collect(),
            serving: Mutex::default(),
            lives: AtomicUsize::new(0),
            turn: AtomicUsize::new(0),
        };
        (0..seats).for_each(|seat| fleet.start_again(seat));
        Some(fleet)
    }

    pub fn seats(&self) -> usize {
        self.seats.len()
    }

    /// Starts a process in an empty seat.
    pub fn start_again(&self, seat: usize) {
        let settings: Vec<_> =
            self.settings.iter().map(|(name, set)| (name.as_str(), set.as_str())).collect();
        let process = Process::start_with(&self.database, &settings).unwrap();
        let life = self.lives.fetch_add(1, SeqCst);
        self.serving.lock().unwrap().push((life, process.address.clone()));
        *self.seats[seat].lock().unwrap() = Some(process);
    }

    /// Kills a process as `kill -9` does; answers with the life that has ended.
    pub fn kill(&self, seat: usize) -> usize {
        let process = self.seats[seat].lock().unwrap().take().unwrap();
        let mut serving = self.serving.lock().unwrap();
        let at = serving.iter().position(|(_, address)| *address == process.address).unwrap();
        let (life, _) = serving.remove(at);
        drop(serving);
        process.kill();
        life
    }

    /// Lets one process stand still for so long.
    pub fn pause(&self, seat: usize, time: Duration) {
        let seat = self.seats[seat].lock().unwrap();
        let process = seat.as_ref().unwrap();
        process.signal("STOP");
        sleep(time);
        process.signal("CONT");
    }

    /// The memory of a process, in KiB.
    pub fn resident_kib(&self, seat: usize) -> u64 {
        self.seats[seat].lock().unwrap().as_ref().unwrap().resident_kib()
    }

    /// The addresses of those who are up.
    pub fn addresses(&self) -> Vec<String> {
        self.serving.lock().unwrap().iter().map(|(_, address)| address.clone()).collect()
    }

    /// Sends a request to whoever serves next.
    pub fn send(
        &self,
        token: &str,
        document: &str,
        variables: &Value,
    ) -> Result<Value, Unanswered> {
        let patience = Instant::now() + PATIENCE;
        loop {
            if let Some((life, address)) = self.next() {
                match Process::try_ask(&address, Some(token), document, variables) {
                    Ok(reply) => return Ok(reply),
                    Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                    Err(error) => return Err(Unanswered { life, error }),
                }
            }
            assert!(Instant::now() < patience, "nobody serves");
            sleep(PAUSE);
        }
    }

    /// Sends until there is an answer other than to try again.
    pub fn insist(&self, token: &str, document: &str, variables: &Value) -> Value {
        let patience = Instant::now() + PATIENCE;
        loop {
            let reply = self.send(token, document, variables);
            match reply {
                Ok(reply) if !code(&reply).is_some_and(|code| AGAIN.contains(&code)) => {
                    return reply;
                }
                reply => assert!(Instant::now() < patience, "{document}: {reply:?}"),
            }
            sleep(PAUSE);
        }
    }

    /// The data of the answer to a request that must succeed.
    pub fn ask(&self, token: &str, document: &str, variables: &Value) -> Value {
        let reply = self.insist(token, document, variables);
        assert!(reply["errors"].is_null(), "{document}: {reply}");
        reply["data"].clone()
    }

    /// A product on sale, so small that a cluster holds many. All processes must be up.
    pub fn product(&self) -> String {
        let mut input = product("web:1");
        input["spec"]["cpuMillis"] = json!(1);
        input["spec"]["memoryMib"] = json!(1);
        processes::put_on_sale(self.seats[0].lock().unwrap().as_ref().unwrap(), &input)
    }

    /// The API token of a new account, which outlasts the test.
    pub fn account(&self, name: &str) -> String {
        let access = processes::register(self.seats[0].lock().unwrap().as_ref().unwrap(), name);
        let document = "mutation { createApiToken(input: {
            name: \"proof\", scopes: [\"read\", \"write\"] }) { secret } }";
        let made = self.ask(&access, document, &json!({}));
        made["createApiToken"]["secret"].as_str().unwrap().to_owned()
    }

    fn next(&self) -> Option<(usize, String)> {
        let serving = self.serving.lock().unwrap();
        let turn = self.turn.fetch_add(1, SeqCst);
        (!serving.is_empty()).then(|| serving[turn % serving.len()].clone())
    }
}

/// The code of an answer's first error.
pub fn code(reply: &Value) -> Option<&str> {
    reply["errors"][0]["extensions"]["code"].as_str()
}
