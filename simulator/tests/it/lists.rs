use serde_json::{Value, json};

use crate::support::{CONFIG_MAPS, TestCluster, config_map};

/// Five ConfigMaps `cm-0` to `cm-4`, odd and even ones.
async fn five() -> TestCluster {
    let test = TestCluster::with_namespace().await;
    for index in 0..5 {
        let mut map = config_map(&format!("cm-{index}"), "x");
        let parity = if index % 2 == 0 { "even" } else { "odd" };
        map["metadata"]["labels"] = json!({"set": "five", "parity": parity});
        test.post(CONFIG_MAPS, map).await.ok();
    }
    test
}

fn names(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().unwrap();
    items.iter().map(|item| item["metadata"]["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_list_has_its_kind_and_its_items_have_none() {
    let test = five().await;
    let list = test.get(&format!("{CONFIG_MAPS}?labelSelector=parity=odd")).await.ok();
    let nowhere = test.get("/api/v1/namespaces/nowhere/configmaps").await.ok();

    assert_eq!(list["kind"], "ConfigMapList");
    assert_eq!(names(&list), ["cm-1", "cm-3"]);
    assert_eq!(list["items"][0]["kind"], Value::Null);
    assert_eq!(nowhere["items"], json!([]));
}

#[tokio::test]
async fn pages_show_one_moment() {
    let test = five().await;
    let path = format!("{CONFIG_MAPS}?labelSelector=set=five&limit=2");

    let first = test.get(&path).await.ok();
    test.delete(&format!("{CONFIG_MAPS}/cm-3")).await.ok();
    let token = first["metadata"]["continue"].as_str().unwrap();
    let second = test.get(&format!("{path}&continue={token}")).await.ok();
    let token = second["metadata"]["continue"].as_str().unwrap();
    let third = test.get(&format!("{path}&continue={token}")).await.ok();

    assert_eq!(names(&first), ["cm-0", "cm-1"]);
    assert_eq!(names(&second), ["cm-2", "cm-3"]);
    assert_eq!(names(&third), ["cm-4"]);
    assert_eq!(third["metadata"]["continue"], Value::Null);
    for page in [&second, &third] {
        assert_eq!(page["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
    }
}

#[tokio::test]
async fn the_rest_is_counted_only_without_a_selector() {
    let test = five().await;

    let all = test.get(&format!("{CONFIG_MAPS}?limit=2")).await.ok();
    let some = test.get(&format!("{CONFIG_MAPS}?limit=2&labelSelector=set")).await.ok();
    let cached = test.get(&format!("{CONFIG_MAPS}?limit=2&resourceVersion=0")).await.ok();

    assert_eq!(all["metadata"]["remainingItemCount"], 4);
    assert_eq!(some["metadata"]["remainingItemCount"], Value::Null);
    assert_eq!(cached["items"].as_array().unwrap().len(), 6);
}

#[tokio::test]
async fn an_expired_page_offers_a_token_to_go_on() {
    let test = five().await;
    let path = format!("{CONFIG_MAPS}?labelSelector=set=five&limit=2");
    let first = test.get(&path).await.ok();
    test.post(CONFIG_MAPS, config_map("new", "x")).await.ok();
    test.cluster.faults().expire_watches();

    let token = first["metadata"]["continue"].as_str().unwrap();
    let expired = test.get(&format!("{path}&continue={token}")).await;
    assert_eq!(expired.refusal().0, 410);
    let token = expired.body["metadata"]["continue"].as_str().unwrap();
    let rest = test.get(&format!("{path}&continue={token}")).await.ok();

    assert_eq!(names(&rest), ["cm-2", "cm-3"]);
}

#[tokio::test]
async fn an_exact_version_shows_the_past() {
    let test = five().await;
    let then = test.get(CONFIG_MAPS).await.ok();
    let version = then["metadata"]["resourceVersion"].as_str().unwrap();
    test.post(CONFIG_MAPS, config_map("new", "x")).await.ok();

    let path = format!("{CONFIG_MAPS}?resourceVersion={version}&resourceVersionMatch=Exact");
    let again = test.get(&path).await.ok();

    assert_eq!(names(&again), names(&then));
}

#[tokio::test]
async fn bad_options_are_refused() {
    let test = five().await;
    for (query, expected) in [
        ("labelSelector=a in (b", 400),
        ("fieldSelector=data.key=x", 400),
        ("fieldSelector=metadata.name", 400),
        ("limit=2&continue=nonsense", 400),
        ("resourceVersion=abc", 400),
        ("resourceVersionMatch=Exact", 422),
        ("resourceVersion=1&resourceVersionMatch=Roughly", 422),
        ("watch=1&sendInitialEvents=true", 422),
        ("resourceVersion=999999999", 504),
    ] {
        let reply = test.get(&format!("{CONFIG_MAPS}?{query}")).await;
        assert_eq!(reply.status.as_u16(), expected, "{query}: {}", reply.body);
    }
    let future = test.get(&format!("{CONFIG_MAPS}/cm-0?resourceVersion=999999999")).await;
    assert_eq!(future.headers["retry-after"], "1");
    assert_eq!(future.body["details"]["causes"][0]["reason"], "ResourceVersionTooLarge");
}
