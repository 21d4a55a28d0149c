//! What an embedded database bears: locks of other programs, readers without end, a disk that is
//! full, and a page that is broken.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::{FileExt, PermissionsExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread::{self, sleep},
    time::{Duration, Instant},
};

use diesel::connection::SimpleConnection;
use domain::{
    events::{Author, EventFilter, EventType, NewEvent, Subject},
    store::{Store, Transaction},
};
use persistence::SqlStore;
use serde_json::{Value, json};
use tokio::runtime::Handle;

use crate::{
    operations::{connect, number},
    processes::{buy, product, register},
    support::{Database, Process, http_get},
};

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_its_files_is_for_their_owner_alone() {
    let database = Database::new().await;
    let (Some(file), Some(process)) = (database.file(), Process::start(&database)) else { return };
    let log = PathBuf::from(format!("{}-wal", file.display()));
    register(&process, "ada");

    for file in [file, log] {
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_writers_and_a_lock_from_outside_cost_no_client_an_error() {
    const LOCKED: Duration = Duration::from_secs(4);
    let database = Database::new().await;
    let (Some(file), Some(process)) = (database.file(), Process::start(&database)) else { return };
    let (token, product) = (register(&process, "ada"), product(&process));
    let mut outside = connect(&file);
    outside.batch_execute("PRAGMA busy_timeout = 5000; BEGIN IMMEDIATE").unwrap();
    let answered = AtomicUsize::new(0);

    let replies = thread::scope(|scope| {
        let order = |number| {
            let reply = place(&process, &token, &product, &format!("web-{number}"));
            answered.fetch_add(1, SeqCst);
            reply
        };
        let clients: Vec<_> = (0..64).map(|number| scope.spawn(move || order(number))).collect();
        sleep(LOCKED);
        let read = orders(&process, &token);
        assert_eq!(read["data"]["orders"]["totalCount"], 0, "reads go on: {read}");
        assert_eq!(answered.load(SeqCst), 0, "nobody has written yet");
        outside.batch_execute("COMMIT").unwrap();
        clients.into_iter().map(|client| client.join().unwrap()).collect::<Vec<_>>()
    });

    for reply in replies {
        assert!(reply["errors"].is_null(), "{reply}");
    }
    let read = orders(&process, &token);
    assert_eq!(read["data"]["orders"]["totalCount"], 64);
}

/// Transactions of readers that overlap, so that there is always one.
#[tokio::test(flavor = "multi_thread")]
async fn the_write_ahead_log_stays_short_although_somebody_always_reads() {
    const MIB: usize = 1 << 20;
    let database = Database::new().await;
    let Some(file) = database.file() else { return };
    let store = SqlStore::open(&database.url, None).await.unwrap();
    let (runtime, stop) = (Handle::current(), AtomicBool::new(false));
    let log = PathBuf::from(format!("{}-wal", file.display()));

    let longest = thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| read_until(&file, &stop));
        }
        let writer = scope.spawn(|| {
            let lengths = (0..96).map(|_| {
                runtime.block_on(append(&store, MIB));
                fs::metadata(&log).unwrap().len()
            });
            lengths.max().unwrap()
        });
        let longest = writer.join();
        stop.store(true, SeqCst);
        longest.unwrap()
    });

    assert!(longest < 64 << 20, "{longest} bytes");
}

fn read_until(file: &Path, stop: &AtomicBool) {
    let mut reader = connect(file);
    reader.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
    while !stop.load(SeqCst) {
        reader.batch_execute("BEGIN; SELECT position FROM events LIMIT 1").unwrap();
        sleep(Duration::from_millis(10));
        reader.batch_execute("COMMIT").unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_wait_together_are_committed_at_once_and_who_gives_up_leaves_nothing() {
    const WRITERS: usize = 32;
    let database = Database::new().await;
    let Some(file) = database.file() else { return };
    let store = Arc::new(SqlStore::open(&database.url, None).await.unwrap());
    append(&store, 0).await;
    let log = PathBuf::from(format!("{}-wal", file.display()));
    let commits_before = commits(&log);

    let turn = store.write().await.unwrap();
    let writers: Vec<_> = (0..WRITERS)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                let tx = written(&store, number).await;
                if number % 2 == 0 { tx.commit().await.unwrap() } else { tx.roll_back().await }
            })
        })
        .collect();
    let waiting = || store.pools().into_iter().find(|pool| pool.name == "writer").unwrap().waiting;
    while waiting() < WRITERS {
        tokio::task::yield_now().await;
    }
    turn.roll_back().await;
    for writer in writers {
        writer.await.unwrap();
    }

    assert_eq!(commits(&log) - commits_before, 1);
    let mut reader = store.read().await.unwrap();
    let events = reader.events_after(1, i64::MAX, &EventFilter::default(), WRITERS).await.unwrap();
    let mut sizes: Vec<_> = events.iter().map(|event| event.data.as_str().unwrap().len()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, (0..WRITERS).step_by(2).collect::<Vec<_>>());
    assert!(events.iter().zip(2..).all(|(event, position)| event.position == position));
}

/// How many transactions a write-ahead log holds: the last page of each says how long the database
/// has become.
fn commits(log: &Path) -> usize {
    const HEADER: usize = 32;
    let bytes = fs::read(log).unwrap();
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    let page = 24 + usize::try_from(number(8)).unwrap();
    (HEADER..bytes.len()).step_by(page).filter(|frame| number(frame + 4) > 0).count()
}

/// An event with so much in it.
async fn append(store: &SqlStore, bytes: usize) {
    written(store, bytes).await.commit().await.unwrap();
}

async fn written(store: &SqlStore, bytes: usize) -> Box<dyn Transaction> {
    let mut tx = store.write().await.unwrap();
    let event = NewEvent {
        event_type: EventType::LogRestored,
        subject: Subject { id: "log".to_owned(), parent_id: None },
        tenant_id: None,
        previous: None,
        data: json!("x".repeat(bytes)),
    };
    let now = tx.now();
    tx.append(&[event], &Author::default(), now).await.unwrap();
    tx
}

/// A disk of its own, which the test fills.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_unavailable_until_there_is_room() {
    let (database, Some(program)) = (Database::new().await, Process::program()) else { return };
    let Some(disk) = database.file().map(|file| file.with_file_name("disk")) else { return };
    fs::create_dir(&disk).unwrap();
    let Some(mut command) = on_a_small_disk(&disk) else { return };
    command.arg(program);
    let url = format!("sqlite://{}/slipway.db", disk.display());
    let process = Process::start_by(command, &database, &[("SLIPWAY_DATABASE_URL", &url)]);
    // Only the process sees the disk.
    let seen = format!("/proc/{}/root{}/filler", process.id(), disk.display());

    fills_up_and_heals(
        &process,
        || {
            let mut filler = File::create(&seen).unwrap();
            while filler.write(&[0; 1024]).is_ok_and(|written| written > 0) {}
        },
        || fs::remove_file(&seen).unwrap(),
    )
    .await;
}

/// A disk that fails when more is written to it: files that may not grow.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_takes_no_more_is_unavailable_until_it_does() {
    let (database, Some(program)) = (Database::new().await, Process::program()) else { return };
    let Some(file) = database.file() else { return };
    let mut command = Command::new("sh");
    // A write beyond the limit is to fail, not to end the process.
    command.args(["-c", "trap '' XFSZ; exec \"$0\""]).arg(program);
    let process = Process::start_by(command, &database, &[]);
    let limit = |bytes: &str| {
        let (id, bytes) = (format!("--pid={}", process.id()), format!("--fsize={bytes}:unlimited"));
        assert!(Command::new("prlimit").args([id, bytes]).status().unwrap().success());
    };

    fills_up_and_heals(
        &process,
        || {
            let log = fs::metadata(format!("{}-wal", file.display())).unwrap();
            limit(&(log.len() + 64 * 1024).to_string());
        },
        || limit("unlimited"),
    )
    .await;
}

async fn fills_up_and_heals(process: &Process, fill: impl FnOnce(), heal: impl FnOnce()) {
    let (token, product) = (register(process, "ada"), product(process));
    let bought = buy(process, &token, &product, "before");
    wait_for(process, &token, &bought);

    fill();
    let placed = |number| place(process, &token, &product, &format!("web-{number}"));
    let (acknowledged, refused) = (0..)
        .map(|number| (number, placed(number)))
        .find(|(_, reply)| !reply["errors"].is_null())
        .unwrap();
    let again = placed(acknowledged);
    let read = orders(process, &token);
    let live = http_get(&process.address, "/livez").await;
    heal();
    let patience = Instant::now() + PATIENCE;
    while !placed(acknowledged)["errors"].is_null() {
        assert!(Instant::now() < patience, "it does not heal: {}", process.log());
        sleep(Duration::from_millis(100));
    }
    let later = buy(process, &token, &product, "later");

    for refused in [refused, again] {
        assert_eq!(refused["errors"][0]["extensions"]["code"], "UNAVAILABLE", "{refused}");
    }
    assert_eq!(read["data"]["orders"]["totalCount"], 1 + acknowledged, "{read}");
    assert_eq!(live.0, 200);
    assert_eq!(orders(process, &token)["data"]["orders"]["totalCount"], 3 + acknowledged);
    wait_for(process, &token, &later);
    assert!(!process.log().contains("panicked"), "{}", process.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_page_is_an_error_with_a_code_and_the_rest_is_answered() {
    let database = Database::new().await;
    let (Some(file), Some(process)) = (database.file(), Process::start(&database)) else { return };
    let (token, product) = (register(&process, "ada"), product(&process));
    place(&process, &token, &product, "web");
    process.kill();
    let (offset, whole) = break_table(&file, "orders");
    let process = Process::start(&database).unwrap();

    let read = listed(&process, &token);
    let written = place(&process, &token, &product, "blog");
    let other = process.send(Some(&token), "{ viewer { nickname } }", &json!({}));
    let doctor = Command::new(Process::program().unwrap())
        .arg("doctor")
        .env("SLIPWAY_DATABASE_URL", &database.url)
        .output()
        .unwrap();
    File::options().write(true).open(&file).unwrap().write_all_at(&whole, offset).unwrap();
    let mended = listed(&process, &token);

    for refused in [&read, &written] {
        assert_eq!(refused["errors"][0]["extensions"]["code"], "INTERNAL", "{refused}");
        assert!(refused["data"]["orders"].is_null(), "{refused}");
        assert!(refused["data"]["placeOrder"].is_null(), "{refused}");
    }
    assert_eq!(other["data"]["viewer"]["nickname"], "Ada");
    assert!(!doctor.status.success(), "{doctor:?}");
    assert_eq!(mended["data"]["orders"]["nodes"][0]["instanceName"], "web", "{mended}");
    assert!(!process.log().contains("panicked"), "{}", process.log());
}

/// Fills the first page of a table with nonsense; answers with what stood where.
fn break_table(file: &Path, table: &str) -> (u64, Vec<u8>) {
    let mut database = connect(file);
    database.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    let root = format!("SELECT rootpage AS number FROM sqlite_master WHERE name = '{table}'");
    let size = "SELECT page_size AS number FROM pragma_page_size";
    let (page, size) = (number(&mut database, &root) as u64, number(&mut database, size) as u64);
    drop(database);
    let offset = (page - 1) * size;
    let file = File::options().read(true).write(true).open(file).unwrap();
    let mut whole = vec![0; size as usize];
    file.read_exact_at(&mut whole, offset).unwrap();
    file.write_all_at(&vec![0xA5; size as usize], offset).unwrap();
    (offset, whole)
}

/// A command that runs what follows with a disk of 8 MiB; `None` where that is not permitted.
fn on_a_small_disk(at: &Path) -> Option<Command> {
    let command = || {
        let mut command = Command::new("unshare");
        let mount = "mount -t tmpfs -o size=8m tmpfs \"$0\" && exec \"$@\"";
        command.args(["--map-root-user", "--mount", "sh", "-c", mount]).arg(at);
        command
    };
    let permitted =
        command().arg("true").stderr(Stdio::null()).status().is_ok_and(|it| it.success());
    permitted.then(command)
}

fn place(process: &Process, token: &str, product: &str, name: &str) -> Value {
    let document = "mutation($p: ID!, $n: String!) {
        placeOrder(input: { productId: $p, instanceName: $n }) { order { id } } }";
    process.send(Some(token), document, &json!({ "p": product, "n": name }))
}

fn listed(process: &Process, token: &str) -> Value {
    process.send(Some(token), "{ orders { nodes { instanceName } } }", &json!({}))
}

fn orders(process: &Process, token: &str) -> Value {
    process.send(Some(token), "{ orders { totalCount } }", &json!({}))
}

/// Waits until an order has been carried out.
fn wait_for(process: &Process, token: &str, order: &str) {
    let document = "query($id: ID!) { order(id: $id) { status } }";
    let patience = Instant::now() + PATIENCE;
    loop {
        let reply = process.send(Some(token), document, &json!({ "id": order }));
        if reply["data"]["order"]["status"] == "COMPLETED" {
            return;
        }
        assert!(Instant::now() < patience, "{reply}");
        sleep(Duration::from_millis(100));
    }
}
