use serde_json::json;

use crate::support::{CONFIG_MAPS, TestCluster, config_map};

fn labelled(name: &str, color: &str) -> serde_json::Value {
    let mut map = config_map(name, "x");
    map["metadata"]["labels"] = json!({"color": color});
    map
}

#[tokio::test]
async fn leaving_a_selection_is_a_deletion() {
    let test = TestCluster::with_namespace().await;
    test.post(CONFIG_MAPS, labelled("a", "red")).await.ok();
    let mut watch = test.watch(&format!("{CONFIG_MAPS}?watch=1&labelSelector=color=red")).await;

    test.post(CONFIG_MAPS, labelled("b", "blue")).await.ok();
    let recolor = |color: &str| json!({"metadata": {"labels": {"color": color}}});
    test.merge(&format!("{CONFIG_MAPS}/b"), recolor("red")).await.ok();
    test.merge(&format!("{CONFIG_MAPS}/b"), json!({"data": {"key": "y"}})).await.ok();
    test.merge(&format!("{CONFIG_MAPS}/a"), recolor("blue")).await.ok();
    test.delete(&format!("{CONFIG_MAPS}/b")).await.ok();

    let told = |kind: &str, name: &str| (kind.to_owned(), name.to_owned());
    assert_eq!(watch.told().await, told("ADDED", "a"));
    assert_eq!(watch.told().await, told("ADDED", "b"));
    assert_eq!(watch.told().await, told("MODIFIED", "b"));
    let left = watch.next().await.unwrap();
    assert_eq!(left["type"], "DELETED");
    assert_eq!(left["object"]["metadata"]["labels"]["color"], "red");
    assert_eq!(watch.told().await, told("DELETED", "b"));
}

#[tokio::test]
async fn a_streaming_list_marks_the_end_of_what_exists() {
    let test = TestCluster::with_namespace().await;
    test.post(CONFIG_MAPS, labelled("a", "red")).await.ok();
    let query = "watch=1&labelSelector=color&sendInitialEvents=true\
                 &resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    let mut watch = test.watch(&format!("{CONFIG_MAPS}?{query}")).await;

    assert_eq!(watch.told().await.0, "ADDED");
    let mark = watch.next().await.unwrap();
    assert_eq!(mark["type"], "BOOKMARK");
    assert_eq!(mark["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
    test.post(CONFIG_MAPS, labelled("b", "red")).await.ok();
    assert_eq!(watch.told().await, ("ADDED".into(), "b".into()));
}

#[tokio::test]
async fn bookmarks_come_only_when_asked_for_and_the_timeout_ends_it() {
    let test = TestCluster::with_namespace().await;
    let version = test.get(CONFIG_MAPS).await.ok()["metadata"]["resourceVersion"].clone();
    let query = format!("watch=1&resourceVersion={}&timeoutSeconds=15", version.as_str().unwrap());
    let mut plain = test.watch(&format!("{CONFIG_MAPS}?{query}")).await;
    let mut marked = test.watch(&format!("{CONFIG_MAPS}?{query}&allowWatchBookmarks=true")).await;

    test.advance(11.0);
    let mark = marked.next().await.unwrap();
    test.advance(5.0);

    assert_eq!(mark["type"], "BOOKMARK");
    assert_eq!(mark["object"]["kind"], "ConfigMap");
    assert_eq!(marked.next().await.unwrap()["type"], "BOOKMARK");
    assert!(marked.next().await.is_none());
    assert!(plain.next().await.is_none());
}

#[tokio::test]
async fn versions_of_a_watch_resume_where_they_stopped() {
    let test = TestCluster::with_namespace().await;
    let made = test.post(CONFIG_MAPS, config_map("a", "x")).await.ok();
    test.post(CONFIG_MAPS, config_map("b", "x")).await.ok();

    let version = made["metadata"]["resourceVersion"].as_str().unwrap();
    let mut watch =
        test.watch(&format!("{CONFIG_MAPS}?watch=true&resourceVersion={version}")).await;

    assert_eq!(watch.told().await, ("ADDED".into(), "b".into()));
}
