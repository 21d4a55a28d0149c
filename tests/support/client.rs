use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use api::http::Routes;
use axum::{
    body::{Body, Bytes},
    http::{Request, StatusCode, header},
};
use http_body_util::BodyExt;
use serde_json::{Value, json};

use super::app::PASSWORD;

/// The peer of a request that comes over no network.
pub const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// Somebody who sends requests: an account, or nobody in particular.
#[derive(Clone)]
pub struct Client {
    routes: Routes,
    pub token: Option<String>,
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    /// Without its extensions, which differ from answer to answer.
    pub body: Value,
    pub extensions: Value,
}

impl Client {
    pub fn new(routes: Routes, token: Option<&str>) -> Self {
        Self { routes, token: token.map(str::to_owned) }
    }

    pub async fn send(&self, document: &str, variables: Value) -> Reply {
        self.post(&json!({ "query": document, "variables": variables }), &[]).await
    }

    pub async fn post(&self, body: &Value, headers: &[(&str, &str)]) -> Reply {
        let (status, bytes) = self.exchange(body, headers).await;
        let mut body: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let extensions = body.as_object_mut().and_then(|body| body.remove("extensions"));
        Reply { status, body, extensions: extensions.unwrap_or_default() }
    }

    /// The answer as it is written.
    pub async fn text(&self, document: &str, variables: &Value) -> String {
        let body = json!({ "query": document, "variables": variables });
        String::from_utf8(self.exchange(&body, &[]).await.1.into()).unwrap()
    }

    async fn exchange(&self, body: &Value, headers: &[(&str, &str)]) -> (StatusCode, Bytes) {
        let mut request =
            Request::post("/graphql").header(header::CONTENT_TYPE, "application/json");
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_string())).unwrap();
        let response = self.routes.answer(NOWHERE, request).await;
        let status = response.status();
        (status, response.into_body().collect().await.unwrap().to_bytes())
    }

    pub async fn register(&self, name: &str) -> Reply {
        let input = json!({
            "email": format!("{name}@example.com"), "password": PASSWORD, "nickname": name,
        });
        self.send(
            "mutation($input: RegisterInput!) {
                register(input: $input) { accessToken refreshToken expiresAt user { id email } }
            }",
            json!({ "input": input }),
        )
        .await
    }

    /// The same client with a fresh token of that account.
    pub async fn login(&self, name: &str) -> Self {
        let reply = self.try_login(name, PASSWORD).await;
        Self::new(self.routes.clone(), reply.ok()["login"]["accessToken"].as_str())
    }

    pub async fn try_login(&self, name: &str, password: &str) -> Reply {
        let input = json!({ "email": format!("{name}@example.com"), "password": password });
        self.send(
            "mutation($input: LoginInput!) { login(input: $input) { accessToken user { id } } }",
            json!({ "input": input }),
        )
        .await
    }

    pub async fn id(&self) -> String {
        let reply = self.send("{ viewer { id } }", json!({})).await;
        reply.ok()["viewer"]["id"].as_str().unwrap().to_owned()
    }

    /// Opens a tenant; answers with its id.
    pub async fn create_tenant(&self, org_id: &str) -> String {
        let document = "mutation($orgId: String!) {
            createTenant(input: { orgId: $orgId, name: \"Acme\" }) { tenant { id } } }";
        let reply = self.send(document, json!({ "orgId": org_id })).await.ok();
        reply["createTenant"]["tenant"]["id"].as_str().unwrap().to_owned()
    }

    /// The tenant that came with the account.
    pub async fn personal_tenant(&self) -> String {
        let document = "{ viewer { tenants { tenant { id personal } } } }";
        let reply = self.send(document, json!({})).await.ok();
        let tenants = reply["viewer"]["tenants"].as_array().unwrap();
        let personal = tenants.iter().find(|held| held["tenant"]["personal"] == true);
        personal.unwrap()["tenant"]["id"].as_str().unwrap().to_owned()
    }

    /// Gives the account of that name a role.
    pub async fn set_member(&self, tenant: &str, name: &str, role: &str) -> Reply {
        let document = "mutation($tenant: ID!, $email: String!, $role: TenantRole!) {
            setTenantMember(tenantId: $tenant, email: $email, role: $role) {
                tenant { id members { role } } } }";
        let email = format!("{name}@example.com");
        self.send(document, json!({ "tenant": tenant, "email": email, "role": role })).await
    }

    pub async fn remove_member(&self, tenant: &str, user: &str) -> Reply {
        let document = "mutation($tenant: ID!, $user: ID!) {
            removeTenantMember(tenantId: $tenant, userId: $user) { tenant { id } } }";
        self.send(document, json!({ "tenant": tenant, "user": user })).await
    }

    /// Puts a product on sale that runs `image`.
    pub async fn create_product(&self, image: &str) -> String {
        let reply = self.try_create_product(product(image)).await;
        reply.ok()["createProduct"]["product"]["id"].as_str().unwrap().to_owned()
    }

    pub async fn try_create_product(&self, input: Value) -> Reply {
        self.send(
            "mutation($input: CreateProductInput!) {
                createProduct(input: $input) { product { id name price status } }
            }",
            json!({ "input": input }),
        )
        .await
    }

    pub async fn place_order(&self, product: &str, name: &str) -> Reply {
        self.send(
            "mutation($product: ID!, $name: String!) {
                placeOrder(input: { productId: $product, instanceName: $name }) {
                    cursor order { id number status amount instance { id } }
                }
            }",
            json!({ "product": product, "name": name }),
        )
        .await
    }

    pub async fn place_order_with(&self, input: Value) -> Reply {
        let document = "mutation($input: PlaceOrderInput!) {
            placeOrder(input: $input) { order { id } }
        }";
        self.send(document, json!({ "input": input })).await
    }

    pub async fn update_instance(&self, id: &str, input: Value) -> Reply {
        let document = "mutation($id: ID!, $input: UpdateInstanceInput!) {
            updateInstance(id: $id, input: $input) { instance { status } workflow { id } }
        }";
        self.send(document, json!({ "id": id, "input": input })).await
    }

    pub async fn place_order_for(&self, tenant: &str, product: &str, name: &str) -> Reply {
        let document = "mutation($tenant: ID!, $product: ID!, $name: String!) {
            placeOrder(input: { tenantId: $tenant, productId: $product, instanceName: $name }) {
                order { id } } }";
        self.send(document, json!({ "tenant": tenant, "product": product, "name": name })).await
    }

    pub async fn retry_failed_tasks(&self, workflow: &str) -> Reply {
        let document = "mutation($id: ID!) {
            retryFailedTasks(workflowId: $id) { workflow { status } }
        }";
        self.send(document, json!({ "id": workflow })).await
    }

    pub async fn pay_order(&self, order: &str) -> Reply {
        self.send(
            "mutation($id: ID!) {
                payOrder(id: $id, paymentReference: \"ref-1\") {
                    cursor replayed
                    order { id status instance { id status } }
                    workflow { id kind status }
                }
            }",
            json!({ "id": order }),
        )
        .await
    }

    pub async fn cancel_order(&self, order: &str) -> Reply {
        self.send(
            "mutation($id: ID!) { cancelOrder(id: $id, reason: \"too dear\") { order { status } } }",
            json!({ "id": order }),
        )
        .await
    }

    /// Orders and pays; answers with (order, instance, workflow).
    pub async fn buy(&self, product: &str, name: &str) -> (String, String, String) {
        let placed = self.place_order(product, name).await.ok();
        let order = placed["placeOrder"]["order"]["id"].as_str().unwrap().to_owned();
        let paid = self.pay_order(&order).await.ok();
        let paid = &paid["payOrder"];
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (order, text(&paid["order"]["instance"]["id"]), text(&paid["workflow"]["id"]))
    }

    /// `startInstance` and its like.
    pub async fn command(&self, mutation: &str, instance: &str) -> Reply {
        let document = format!(
            "mutation($id: ID!) {{ {mutation}(id: $id) {{
                cursor instance {{ id status }} workflow {{ id kind status queuePosition }} }} }}"
        );
        self.send(&document, json!({ "id": instance })).await
    }

    pub async fn create_dev_cluster(&self, input: Value) -> Reply {
        let document = "mutation($input: CreateDevClusterInput!) {
            createDevCluster(input: $input) {
                cluster { id status ports { node portForward http https } } workflow { id }
                portsChanged { purpose requested allocated } } }";
        self.send(document, json!({ "input": input })).await
    }

    /// Makes a development cluster of that name; answers with its id.
    pub async fn dev_cluster(&self, name: &str) -> String {
        let made = self.create_dev_cluster(json!({ "name": name, "provider": "K3D" })).await.ok();
        made["createDevCluster"]["cluster"]["id"].as_str().unwrap().to_owned()
    }

    pub async fn create_search_cluster(&self, input: Value) -> Reply {
        let document = "mutation($input: CreateSearchClusterInput!) {
            createSearchCluster(input: $input) {
                cluster { id name namespace targetNamespace status } workflow { id } } }";
        self.send(document, json!({ "input": input })).await
    }

    /// Makes a search cluster of that name in the personal tenant; answers with its id and its
    /// workflow's.
    pub async fn search_cluster(&self, name: &str) -> (String, String) {
        let input = json!({ "tenantId": self.personal_tenant().await, "serviceName": name });
        let made = self.create_search_cluster(input).await.ok()["createSearchCluster"].clone();
        let id = |value: &Value| value["id"].as_str().unwrap().to_owned();
        (id(&made["cluster"]), id(&made["workflow"]))
    }

    pub async fn update_search_cluster(&self, id: &str, input: Value) -> Reply {
        let document = "mutation($id: ID!, $input: UpdateSearchClusterInput!) {
            updateSearchCluster(id: $id, input: $input) {
                cluster { status replicas } workflow { id queuePosition } } }";
        self.send(document, json!({ "id": id, "input": input })).await
    }

    /// `stopCluster` and its like.
    pub async fn command_cluster(&self, mutation: &str, cluster: &str) -> Reply {
        let document = format!(
            "mutation($id: ID!) {{ {mutation}(id: $id) {{
                cluster {{ id status }} workflow {{ id kind status queuePosition }} }} }}"
        );
        self.send(&document, json!({ "id": cluster })).await
    }

    pub async fn cluster(&self, id: &str) -> Value {
        let document = "query($id: ID!) { node(id: $id) { ... on Cluster {
            name status failure deletedAt tenant { id } owner { nickname }
            workflows { nodes { kind status tasks { name status } } }
            ... on SearchCluster { serviceName namespace replicas storedStatus sourceUrl
                kubeStatus { phase readyReplicas totalReplicas stale }
                resources { cpuRequest cpuLimit memoryRequest memoryLimit diskSize gpuCount }
                vector { dimension expectedCount indexLimit } pods { name ready reason } }
            ... on DevCluster { provider host subnet serverIp
                ports { node portForward http https } } } } }";
        self.send(document, json!({ "id": id })).await.ok()["node"].clone()
    }

    pub async fn instance(&self, id: &str) -> Value {
        let reply = self
            .send(
                "query($id: ID!) { instance(id: $id) {
                    name status network { endpointUrl } order { status refundDue }
                    whyNotRunning { code message evidence }
                    runtime { state phase readyReplicas totalReplicas errorReason stale }
                    pods { name phase ready restarts reason }
                    workflows { totalCount nodes { id kind status } }
                } }",
                json!({ "id": id }),
            )
            .await;
        reply.ok()["instance"].clone()
    }

    pub async fn order(&self, id: &str) -> Value {
        let reply = self
            .send(
                "query($id: ID!) { order(id: $id) {
                    number status amount refundDue paidAt cancelledAt completedAt
                    product { id price } instance { id status } user { id } tenant { personal }
                } }",
                json!({ "id": id }),
            )
            .await;
        reply.ok()["order"].clone()
    }

    pub async fn workflow(&self, id: &str) -> Value {
        let reply = self
            .send(
                "query($id: ID!) { node(id: $id) { ... on Workflow {
                    kind status compensating queuePosition blockedBy { id }
                    tasks { id name type status error waitReason attempt compensation
                        attempts { number status error } log { text nextOffset } }
                } } }",
                json!({ "id": id }),
            )
            .await;
        reply.ok()["node"].clone()
    }
}

/// The input of a product that runs `image`.
pub fn product(image: &str) -> Value {
    json!({
        "name": "Small", "description": "For tests", "price": 500,
        "spec": { "cpuMillis": 250, "memoryMib": 128, "image": image, "config": { "port": 8080 } },
    })
}

impl Reply {
    /// The data of an answer that must hold no error.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert!(self.body["errors"].is_null(), "{self:#?}");
        assert_eq!(self.status, StatusCode::OK, "{self:#?}");
        self.body["data"].clone()
    }

    /// The first error as `CODE: message`.
    #[track_caller]
    pub fn error(&self) -> String {
        let error = &self.body["errors"][0];
        let code = error["extensions"]["code"].as_str();
        format!(
            "{}: {}",
            code.unwrap_or("without a code"),
            error["message"].as_str().unwrap_or("?")
        )
    }

    /// The code of the first error.
    #[track_caller]
    pub fn code(&self) -> &str {
        self.body["errors"][0]["extensions"]["code"].as_str().unwrap_or("none")
    }

    /// What a code carries with it, such as `field`.
    pub fn extension(&self, name: &str) -> &Value {
        &self.body["errors"][0]["extensions"][name]
    }
}
