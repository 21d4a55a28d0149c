//! One process takes over from another under load, as behind a load balancer.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::support::{Database, Process, Socket, http_get};

const LONGEST_STOP: Duration = Duration::from_secs(25);

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_under_load_fails_no_request() {
    let database = Database::new().await;
    let settings = [("SLIPWAY_STOP_DELAY", "1s")];
    let Some(old) = Process::start_with(&database, &settings) else {
        return;
    };
    let new = Process::start_with(&database, &settings).unwrap();
    let mut socket = Socket::connect(&old.address, None).await;
    let serving = Arc::new(Mutex::new(vec![old.address.clone(), new.address.clone()]));
    let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (serving, stop, answered) = (serving.clone(), stop.clone(), answered.clone());
            thread::spawn(move || {
                while !stop.load(SeqCst) {
                    let turn = answered.fetch_add(1, SeqCst);
                    let address = {
                        let serving = serving.lock().unwrap();
                        serving[turn % serving.len()].clone()
                    };
                    let reply = Process::ask(&address, "{ products { totalCount } cursor }");
                    assert!(reply["data"]["cursor"].is_string(), "{reply}");
                }
            })
        })
        .collect();
    while answered.load(SeqCst) < 50 {
        thread::sleep(Duration::from_millis(5));
    }

    let asked_at = Instant::now();
    let leaving = old.terminate();
    // What a load balancer does: it looks, and turns away from who is not ready.
    while http_get(&leaving.address, "/readyz").await.0 == 200 {}
    serving.lock().unwrap().retain(|address| *address != leaving.address);
    assert_eq!(http_get(&leaving.address, "/livez").await.0, 200, "it still answers");
    assert_eq!(socket.close_code().await, 1001);
    let status = leaving.wait();
    let took = asked_at.elapsed();
    let then = answered.load(SeqCst);
    while answered.load(SeqCst) < then + 50 {
        thread::sleep(Duration::from_millis(5));
    }
    stop.store(true, SeqCst);

    for client in clients {
        client.join().expect("a request failed");
    }
    assert!(status.success(), "{status}");
    assert!(took < LONGEST_STOP, "{took:?}");
    println!("stopped after {took:?}; {} requests, none failed", answered.load(SeqCst));
    let reply = new.send(None, "{ __typename }", &json!({}));
    assert_eq!(reply["data"]["__typename"], "Query");
}
