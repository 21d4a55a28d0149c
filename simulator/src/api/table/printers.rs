use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    age::age,
    columns::{Column, number, text as column, wide},
    pods::{self, or_none},
    workloads,
};
use crate::{
    kinds::{
        CLAIM, CONFIG_MAP, DEPLOYMENT, ENDPOINT_SLICE, EVENT, INGRESS, JOB, Kind, NAMESPACE, NODE,
        POD, REPLICA_SET, SECRET, SERVICE, STATEFUL_SET,
    },
    object::{condition, entries, int, is_terminating, items, name, text},
    selectors::LabelSelector,
};

type Cells = fn(&Value, Timestamp) -> Vec<Value>;

/// How a kind is shown.
#[derive(Clone, Copy)]
pub(in crate::api) struct Printer {
    pub columns: &'static [Column],
    pub cells: Cells,
}

pub(in crate::api) fn printer(kind: &Kind) -> Printer {
    let known: [(&Kind, &'static [Column], Cells); 14] = [
        (&POD, pods::COLUMNS, pods::cells),
        (&DEPLOYMENT, workloads::DEPLOYMENT, workloads::deployment),
        (&REPLICA_SET, workloads::REPLICA_SET, workloads::replica_set),
        (&STATEFUL_SET, workloads::STATEFUL_SET, workloads::stateful_set),
        (&JOB, workloads::JOB, workloads::job),
        (&SERVICE, SERVICES, service),
        (&CONFIG_MAP, CONFIG_MAPS, config_map),
        (&SECRET, SECRETS, secret),
        (&NAMESPACE, NAMESPACES, namespace),
        (&NODE, NODES, node),
        (&EVENT, EVENTS, event),
        (&CLAIM, CLAIMS, claim),
        (&ENDPOINT_SLICE, SLICES, slice),
        (&INGRESS, INGRESSES, ingress),
    ];
    let found = known.into_iter().find(|(known, ..)| *known == kind);
    let (columns, cells) =
        found.map_or((OTHERS, other as Cells), |(_, columns, cells)| (columns, cells));
    Printer { columns, cells }
}

fn created(object: &Value, now: Timestamp) -> Value {
    age(&object["metadata"]["creationTimestamp"], now)
}

fn joined<'a>(texts: impl Iterator<Item = &'a str>) -> Value {
    let list: Vec<&str> = texts.filter(|text| !text.is_empty()).collect();
    or_none(&json!(list.join(",")))
}

const OTHERS: &[Column] = &[column("Name"), column("Created At")];

fn other(object: &Value, _: Timestamp) -> Vec<Value> {
    let created = object["metadata"]["creationTimestamp"].clone();
    vec![json!(name(object)), created]
}

const SERVICES: &[Column] = &[
    column("Name"),
    column("Type"),
    column("Cluster-IP"),
    column("External-IP"),
    column("Port(s)"),
    column("Age"),
    wide("Selector"),
];

fn service(object: &Value, now: Timestamp) -> Vec<Value> {
    let spec = &object["spec"];
    let addresses = items(&object["status"]["loadBalancer"]["ingress"]).iter();
    let outside = match text(&spec["type"]) {
        "LoadBalancer" if addresses.len() == 0 => json!("<pending>"),
        "ExternalName" => spec["externalName"].clone(),
        _ => joined(addresses.map(|address| text(&address["ip"]))),
    };
    let ports: Vec<String> = items(&spec["ports"])
        .iter()
        .map(|port| match port["nodePort"].as_i64() {
            Some(node) => format!("{}:{node}/{}", int(&port["port"]), text(&port["protocol"])),
            None => format!("{}/{}", int(&port["port"]), text(&port["protocol"])),
        })
        .collect();
    vec![
        json!(name(object)),
        spec["type"].clone(),
        or_none(&spec["clusterIP"]),
        outside,
        or_none(&json!(ports.join(","))),
        created(object, now),
        or_none(&json!(LabelSelector::of_map(&spec["selector"]).print())),
    ]
}

const CONFIG_MAPS: &[Column] = &[column("Name"), column("Data"), column("Age")];

fn config_map(object: &Value, now: Timestamp) -> Vec<Value> {
    let count = entries(&object["data"]).count() + entries(&object["binaryData"]).count();
    vec![json!(name(object)), json!(count), created(object, now)]
}

const SECRETS: &[Column] = &[column("Name"), column("Type"), number("Data"), column("Age")];

fn secret(object: &Value, now: Timestamp) -> Vec<Value> {
    let count = entries(&object["data"]).count();
    let kind = object["type"].clone();
    vec![json!(name(object)), kind, json!(count), created(object, now)]
}

const NAMESPACES: &[Column] = &[column("Name"), column("Status"), column("Age")];

fn namespace(object: &Value, now: Timestamp) -> Vec<Value> {
    let phase = object["status"]["phase"].clone();
    vec![json!(name(object)), phase, created(object, now)]
}

const NODES: &[Column] = &[
    column("Name"),
    column("Status"),
    column("Roles"),
    column("Age"),
    column("Version"),
    wide("Internal-IP"),
];

fn node(object: &Value, now: Timestamp) -> Vec<Value> {
    let ready = match text(&condition(object, "Ready")["status"]) {
        "True" => "Ready",
        "" => "Unknown",
        _ => "NotReady",
    };
    let closed = object["spec"]["unschedulable"] == true;
    let suffix = if closed { ",SchedulingDisabled" } else { "" };
    let status = &object["status"];
    vec![
        json!(name(object)),
        json!(format!("{ready}{suffix}")),
        json!("<none>"),
        created(object, now),
        status["nodeInfo"]["kubeletVersion"].clone(),
        or_none(&status["addresses"][0]["address"]),
    ]
}

const EVENTS: &[Column] = &[
    column("Last Seen"),
    column("Type"),
    column("Reason"),
    column("Object"),
    wide("Subobject"),
    wide("Source"),
    column("Message"),
    wide("First Seen"),
    Column("Count", "integer", true),
    Column("Name", "string", true),
];

fn event(object: &Value, now: Timestamp) -> Vec<Value> {
    let time = |field: &str| match &object[field] {
        Value::Null => &object["eventTime"],
        time => time,
    };
    let about = &object["involvedObject"];
    let kind = text(&about["kind"]).to_lowercase();
    vec![
        age(time("lastTimestamp"), now),
        object["type"].clone(),
        object["reason"].clone(),
        json!(format!("{kind}/{}", text(&about["name"]))),
        json!(text(&about["fieldPath"])),
        json!(text(&object["reportingComponent"])),
        json!(text(&object["message"]).trim()),
        age(time("firstTimestamp"), now),
        json!(int(&object["count"]).max(1)),
        json!(name(object)),
    ]
}

const CLAIMS: &[Column] = &[
    column("Name"),
    column("Status"),
    column("Volume"),
    column("Capacity"),
    column("Access Modes"),
    column("StorageClass"),
    column("VolumeAttributesClass"),
    column("Age"),
    wide("VolumeMode"),
];

fn claim(object: &Value, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let phase = if is_terminating(object) { "Terminating" } else { text(&status["phase"]) };
    let modes = items(&status["accessModes"]).iter().map(|mode| match text(mode) {
        "ReadWriteOnce" => "RWO",
        "ReadOnlyMany" => "ROX",
        "ReadWriteMany" => "RWX",
        "ReadWriteOncePod" => "RWOP",
        other => other,
    });
    let modes: Vec<&str> = modes.collect();
    vec![
        json!(name(object)),
        json!(phase),
        json!(text(&spec["volumeName"])),
        json!(text(&status["capacity"]["storage"])),
        json!(modes.join(",")),
        json!(text(&spec["storageClassName"])),
        json!("<unset>"),
        created(object, now),
        json!(text(&spec["volumeMode"])),
    ]
}

const SLICES: &[Column] =
    &[column("Name"), column("AddressType"), column("Ports"), column("Endpoints"), column("Age")];

fn slice(object: &Value, now: Timestamp) -> Vec<Value> {
    let ports: Vec<String> =
        items(&object["ports"]).iter().map(|port| int(&port["port"]).to_string()).collect();
    let ports = if ports.is_empty() { "<unset>".into() } else { ports.join(",") };
    let endpoints = items(&object["endpoints"]).iter();
    let addresses = endpoints.flat_map(|endpoint| items(&endpoint["addresses"]));
    let addresses: Vec<&str> = addresses.map(text).collect();
    let addresses = if addresses.is_empty() { "<unset>".into() } else { addresses.join(",") };
    vec![
        json!(name(object)),
        object["addressType"].clone(),
        json!(ports),
        json!(addresses),
        created(object, now),
    ]
}

const INGRESSES: &[Column] = &[
    column("Name"),
    column("Class"),
    column("Hosts"),
    column("Address"),
    column("Ports"),
    column("Age"),
];

fn ingress(object: &Value, now: Timestamp) -> Vec<Value> {
    let spec = &object["spec"];
    let hosts = items(&spec["rules"]).iter().map(|rule| text(&rule["host"]));
    let hosts: Vec<&str> = hosts.filter(|host| !host.is_empty()).collect();
    let hosts = if hosts.is_empty() { "*".into() } else { hosts.join(",") };
    let addresses = items(&object["status"]["loadBalancer"]["ingress"]).iter();
    let addresses: Vec<&str> = addresses.map(|address| text(&address["ip"])).collect();
    let secure = !items(&spec["tls"]).is_empty();
    vec![
        json!(name(object)),
        or_none(&spec["ingressClassName"]),
        json!(hosts),
        json!(addresses.join(",")),
        json!(if secure { "80, 443" } else { "80" }),
        created(object, now),
    ]
}
