//! The main job: instances are bought and run on a simulated cluster, which is a process of its own,
//! and then the query of the front page is asked about them. The others have nothing to compare.

use std::{
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    contender::{Contender, Cpu, Dialect},
    data,
    http::{Http, request},
    load::{self, Requests},
    slipway,
    table::{Figures, Table},
};

const FRONT_PAGE: &str = include_str!("../../examples/operations/front-page.graphql");
const BUYERS: usize = 16;
const LOOK_EVERY: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(300);

/// A Slipway on a database and a cluster of its own.
pub struct Shop {
    slipway: Contender,
    _cluster: Contender,
    token: String,
    product: String,
    /// Of every order so far.
    orders: Vec<String>,
    /// PostgreSQL's first process.
    postgres: Option<u32>,
}

impl Shop {
    pub async fn open(
        binary: &Path,
        database: &str,
        folder: &Path,
        postgres: Option<u32>,
    ) -> Result<Self> {
        let kubeconfig = folder.join("kubeconfig");
        let cluster = Contender::start("cluster", Dialect::Plain, |address| {
            let mut command = Command::new(binary);
            command.args(["simulate", "--listen", address, "--kubeconfig-out"]).arg(&kubeconfig);
            command
        })
        .await?;
        let slipway = slipway::start_with(
            binary,
            database,
            folder,
            &[
                ("SLIPWAY_KUBERNETES", "kubeconfig"),
                ("SLIPWAY_KUBECONFIG", kubeconfig.to_str().context("an odd folder")?),
                ("SLIPWAY_TENANT_WORKFLOWS", "64"),
            ],
        )
        .await?;
        let token = slipway::admin_token(&slipway).await?;
        let mut shop = Self {
            slipway,
            _cluster: cluster,
            token,
            product: String::new(),
            orders: Vec::new(),
            postgres,
        };
        let document = "mutation { createProduct(input: { name: \"Web\", price: 1, spec: { \
             cpuMillis: 10, memoryMib: 16, image: \"web:1\" } }) { product { id } } }";
        let made = shop.ask(&mut shop.connection().await?, document, json!({})).await?;
        shop.product = text(&made["createProduct"]["product"]["id"])?;
        Ok(shop)
    }

    /// W7: so many instances, from the first payment until the last one runs.
    pub async fn buy(&mut self, count: usize) -> Result<Figures> {
        let cpu = self.slipway.cpu()?;
        let database = self.database_cpu()?;
        let begun = Instant::now();
        let share = count.div_ceil(BUYERS);
        let bought = try_join_all((0..BUYERS).map(|_| self.buy_in_turn(share))).await?;
        self.orders.extend(bought.concat());
        while self.completed().await? < self.orders.len() {
            ensure!(begun.elapsed() < PATIENCE, "the instances do not run");
            sleep(LOOK_EVERY).await;
        }
        let seconds = begun.elapsed().as_secs_f64();
        let instances = (share * BUYERS) as f64;
        let tasks = instances * self.tasks_of_one().await? as f64;
        Ok(vec![
            ("instances/s", instances / seconds),
            ("server CPU ms a task", self.slipway.cpu()?.since(cpu).millis() / tasks),
            ("database CPU ms a task", self.database_cpu()?.since(database).millis() / tasks),
            ("resident MiB", self.slipway.resident_kib()? as f64 / 1_024.0),
        ])
    }

    /// W6: any of the orders, down to the log lines of its workflow's tasks.
    pub async fn ask_front_page(&self, time: Duration) -> Result<Figures> {
        let (orders, token) = (self.orders.clone(), self.token.clone());
        let requests: Requests = Arc::new(move |_| {
            let id = &orders[fastrand::usize(..orders.len())];
            let asked = json!({ "operationName": "OrderToLog", "query": FRONT_PAGE,
                "variables": { "id": id } });
            request(Some(&token), &asked.to_string())
        });
        let (cpu, database) = (self.slipway.cpu()?, self.database_cpu()?);
        let latencies = load::run(self.slipway.address, &requests, time).await?;
        let thousands = latencies.count() as f64 / 1_000.0;
        Ok(vec![
            ("requests/s", latencies.count() as f64 / time.as_secs_f64()),
            ("p50 ms", latencies.percentile(50)),
            ("p99 ms", latencies.percentile(99)),
            ("server CPU ms/1,000", self.slipway.cpu()?.since(cpu).millis() / thousands),
            ("database CPU ms/1,000", self.database_cpu()?.since(database).millis() / thousands),
        ])
    }

    async fn buy_in_turn(&self, count: usize) -> Result<Vec<String>> {
        let mut http = self.connection().await?;
        let place = "mutation($product: ID!, $name: String!) { placeOrder(input: { \
             productId: $product, instanceName: $name }) { order { id } } }";
        let pay = "mutation($id: ID!) { payOrder(id: $id) { order { id } } }";
        let mut orders = Vec::new();
        for _ in 0..count {
            let wanted = json!({ "product": self.product, "name": data::fresh("app-") });
            let placed = self.ask(&mut http, place, wanted).await?;
            let id = text(&placed["placeOrder"]["order"]["id"])?;
            self.ask(&mut http, pay, json!({ "id": id })).await?;
            orders.push(id);
        }
        Ok(orders)
    }

    async fn completed(&self) -> Result<usize> {
        let document = "{ orders(filter: { status: [COMPLETED] }, first: 1) { totalCount } }";
        let found = self.ask(&mut self.connection().await?, document, json!({})).await?;
        Ok(usize::try_from(found["orders"]["totalCount"].as_u64().context("no total")?)?)
    }

    /// How many tasks were carried out for an instance.
    async fn tasks_of_one(&self) -> Result<usize> {
        let document = "query($id: ID!) { order(id: $id) { instance { workflows(first: 1) { \
             nodes { tasks { status } } } } } }";
        let id = self.orders.first().context("no order")?;
        let found = self.ask(&mut self.connection().await?, document, json!({ "id": id })).await?;
        let tasks = &found["order"]["instance"]["workflows"]["nodes"][0]["tasks"];
        let tasks = tasks.as_array().context("no tasks")?;
        Ok(tasks.iter().filter(|task| task["status"] == "SUCCESS").count())
    }

    async fn connection(&self) -> Result<Http> {
        Http::open(self.slipway.address).await
    }

    async fn ask(&self, http: &mut Http, document: &str, variables: Value) -> Result<Value> {
        let body = json!({ "query": document, "variables": variables }).to_string();
        let mut answer: Value =
            serde_json::from_slice(http.send(&request(Some(&self.token), &body)).await?)?;
        Ok(answer["data"].take())
    }

    fn database_cpu(&self) -> Result<Cpu> {
        self.postgres.map_or(Ok(Cpu::default()), Cpu::of_postgres)
    }
}

/// Buys so many in each round, and asks about all of them.
pub async fn measure(
    mut shop: Shop,
    count: usize,
    rounds: usize,
    time: Duration,
) -> Result<[Table; 2]> {
    let mut bought = Table::new(format!("W7 {count} instances"));
    let mut asked = Table::new("W6 front page");
    for _ in 0..rounds {
        bought.add("Slipway", shop.buy(count).await?);
        asked.add("Slipway", shop.ask_front_page(time).await?);
    }
    Ok([asked, bought])
}

fn text(value: &Value) -> Result<String> {
    Ok(value.as_str().context("no text")?.to_owned())
}
