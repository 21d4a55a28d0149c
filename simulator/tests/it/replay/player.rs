use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use serde_json::Value;
use simulator::Timing;

use super::{
    compare,
    names::Names,
    recording::{self, Exchange},
    streams,
};
use crate::support::{Call, Reply, TestCluster, Watch};

/// A recording that has been played.
#[derive(Debug, Default)]
pub struct Played {
    /// The exchanges that were not passed over.
    pub numbers: BTreeSet<usize>,
    /// What differed, by exchange.
    pub differences: BTreeMap<usize, Vec<String>>,
    /// The exchanges whose status was another.
    pub other_statuses: BTreeSet<usize>,
}

/// Real controllers have not acted yet when the next request comes.
const REACTION: Duration = Duration::from_millis(50);

/// A recording on its way through a simulated cluster.
pub struct Replay {
    pub test: TestCluster,
    name: String,
    ahead: VecDeque<Exchange>,
    names: Names,
    watches: Vec<(Watch, Exchange)>,
    played: Played,
    /// Watches are compared event by event, not by their course only.
    pub exact: bool,
    /// Only what is simulated is looked for, in a recording that has more.
    pub in_parts: bool,
}

impl Replay {
    pub fn of(name: &str) -> Self {
        let test = TestCluster::new();
        test.cluster.set_timing(Timing {
            react: REACTION,
            bookmark: Duration::from_secs(1),
            ..Timing::default()
        });
        Self {
            test,
            name: name.to_owned(),
            ahead: recording::read(name).into(),
            names: Names::default(),
            watches: Vec::new(),
            played: Played::default(),
            exact: false,
            in_parts: false,
        }
    }

    /// With the namespaces that its paths lead to.
    pub async fn in_its_namespaces(name: &str) -> Self {
        let replay = Self::of(name);
        let paths = replay.ahead.iter().map(|exchange| &exchange.path);
        let namespaces: BTreeSet<String> = paths
            .filter_map(|path| path.split("/namespaces/").nth(1))
            .filter_map(|rest| rest.split('/').next())
            .filter(|name| *name != "default" && *name != "ns-none")
            .map(str::to_owned)
            .collect();
        for name in namespaces {
            replay.test.make("/api/v1/namespaces", &name, Value::Null).await;
        }
        replay.wait(1.0);
        replay
    }

    /// Plays on, up to and with this exchange.
    pub async fn to(&mut self, number: usize) {
        while let Some(exchange) = self.ahead.pop_front_if(|next| next.number <= number) {
            self.play(exchange).await;
        }
    }

    /// Passes over the exchanges up to and with this one.
    pub fn skip_to(&mut self, number: usize) {
        self.ahead.retain(|exchange| exchange.number > number);
    }

    /// Lets time pass.
    pub fn wait(&self, seconds: f64) {
        self.test.advance(seconds);
    }

    /// Ends the open watches and compares what they told.
    pub fn hear(&mut self) {
        for (mut watch, exchange) in std::mem::take(&mut self.watches) {
            let told = watch.all_so_far();
            let recorded = exchange.stream.clone().unwrap_or_default();
            let found = if self.exact {
                let (ours, theirs) = (streams::settled(recorded), streams::settled(told));
                compare::differences(&ours, &theirs, &exchange.without)
            } else {
                streams::differences(&recorded, &told)
            };
            self.note(&exchange, found);
        }
    }

    /// Applies the object of a later exchange beforehand.
    pub async fn apply_like(&self, number: usize) {
        let exchange = self.ahead.iter().find(|next| next.number == number).unwrap();
        let path = format!("{}?fieldManager=writer", exchange.path);
        self.test.apply(&path, exchange.body.clone()).await.ok();
    }

    /// Takes the uid and version in the preconditions of a later delete for those of this object.
    pub async fn learn_object(&mut self, path: &str, number: usize) {
        let exchange = self.ahead.iter().find(|next| next.number == number).unwrap();
        let recorded = serde_json::json!({"metadata": exchange.body["preconditions"]});
        let simulated = self.test.get(path).await.ok();
        self.names.learn(&recorded, &simulated, &mut Vec::new());
    }

    /// Says what a recorded name is called here.
    pub fn rename(&mut self, recorded: &str, simulated: &Value) {
        let name = |name: Value| serde_json::json!({"uid": name});
        let (ours, theirs) = (name(recorded.into()), name(simulated.clone()));
        self.names.learn(&ours, &theirs, &mut Vec::new());
    }

    /// What has come of it.
    pub fn finish(mut self) -> Played {
        self.hear();
        assert!(self.ahead.is_empty(), "{} is not over", self.name);
        self.played
    }

    async fn play(&mut self, exchange: Exchange) {
        self.played.numbers.insert(exchange.number);
        let mut query = Vec::new();
        for (name, value) in &exchange.query {
            query.push((name.clone(), self.parameter(name, value).await));
        }
        let path = self.names.translate(&exchange.path);
        let body = self.names.translate_all(&exchange.body);
        let call = self.test.request(Call {
            method: &exchange.method,
            path: &path,
            query: &query,
            accept: &exchange.accept,
            content_type: &exchange.content_type,
            agent: "writer-recorder/1",
            token: Some(exchange.identity.as_str()).filter(|who| !who.starts_with("none")),
            body: &body,
        });
        if exchange.is_watch() && exchange.stream.is_some() {
            let watch = Watch::of(call.await);
            self.watches.push((watch, exchange));
            return;
        }
        let reply = Reply::of(call.await).await;
        self.check(&exchange, &reply);
    }

    /// A version that is not known was the present one of a list that was not recorded.
    async fn parameter(&self, name: &str, value: &str) -> String {
        let recorded = matches!(value.len(), 3 | 4) && value.bytes().all(|b| b.is_ascii_digit());
        if name == "resourceVersion" && recorded && !self.names.knows(value) {
            return self.test.version().await;
        }
        self.names.translate(value)
    }

    fn check(&mut self, exchange: &Exchange, reply: &Reply) {
        let mut found = Vec::new();
        if exchange.status != reply.status.as_u16() {
            self.played.other_statuses.insert(exchange.number);
            found.push(format!("recorded {}, simulated {}", exchange.status, reply.status));
        }
        for (name, value) in &exchange.headers {
            let given = reply.headers.get(name).and_then(|value| value.to_str().ok());
            if given != Some(value) {
                found.push(format!("{name}: recorded {value}, simulated {given:?}"));
            }
        }
        let warned = exchange.headers.iter().any(|(name, _)| name == "warning");
        if !warned && reply.headers.contains_key("warning") {
            found.push("a warning is not recorded".to_owned());
        }
        let is_log = exchange.path.ends_with("/log") && exchange.status < 300;
        if is_log && reply.status.is_success() {
            return self.note(exchange, found);
        }
        let (recorded, simulated) = (&exchange.answer, &reply.body);
        found.extend(if self.in_parts {
            compare::differences_of_parts(recorded, simulated)
        } else {
            compare::differences(recorded, simulated, &exchange.without)
        });
        self.names.learn(recorded, simulated, &mut found);
        self.note(exchange, found);
    }

    fn note(&mut self, exchange: &Exchange, found: Vec<String>) {
        if !found.is_empty() {
            let titled = found.into_iter().map(|text| format!("({}) {text}", exchange.note));
            self.played.differences.entry(exchange.number).or_default().extend(titled);
        }
    }
}
