//! Takes out of a text what differs from run to run: times, uids, addresses and random names.

/// The letters of generated names.
const LETTERS: &str = "bcdfghjklmnpqrstvwxz2456789";

pub fn mask(text: &str) -> String {
    if text.parse::<jiff::Timestamp>().is_ok() {
        return "<time>".into();
    }
    // The numbers of versions are the run's own.
    let numbers = ["ersion in", "resource version"];
    let numbers = numbers.iter().any(|words| text.contains(words));
    let mut masked = String::new();
    for word in split(text) {
        masked.push_str(match word {
            word if is_uid(word) => "<uid>",
            word if is_address(word) => "<ip>",
            word if numbers && word.bytes().all(|byte| byte.is_ascii_digit()) => "<version>",
            word if is_age(word) => "<age>",
            word if is_random(word) => "*",
            word => word,
        });
    }
    for node in ["node-0", "node-1", "node-2", "node-3", "gpu-0"] {
        masked = masked.replace(node, "<node>");
    }
    masked
}

/// Words and what stands between them; uids and addresses are one word each.
fn split(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let inner = |letter: char| letter.is_ascii_alphanumeric();
        let length = if is_uid(rest.get(..36).unwrap_or_default()) {
            36
        } else if let Some(length) = address_length(rest) {
            length
        } else if inner(first) {
            rest.find(|letter| !inner(letter)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (word, after) = rest.split_at(length);
        words.push(word);
        rest = after;
    }
    words
}

fn is_uid(word: &str) -> bool {
    word.len() == 36
        && word.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn address_length(text: &str) -> Option<usize> {
    let length = text.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(text.len());
    is_address(&text[..length]).then_some(length)
}

fn is_address(word: &str) -> bool {
    word.parse::<std::net::Ipv4Addr>().is_ok()
}

/// As tables print it: `5s`, `2m`.
fn is_age(word: &str) -> bool {
    let number = word.strip_suffix(['s', 'm', 'h', 'd']);
    number.is_some_and(|number| number.len() <= 3 && number.parse::<u32>().is_ok())
}

fn is_random(word: &str) -> bool {
    let is_hex = word.len() >= 8 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let generated = matches!(word.len(), 5 | 7..=10) && word.chars().all(|c| LETTERS.contains(c));
    is_hex || generated
}

/// Fields of which only the presence is compared.
pub fn is_volatile(field: &str) -> bool {
    matches!(
        field,
        "uid"
            | "resourceVersion"
            | "continue"
            | "podIP"
            | "podIPs"
            | "hostIP"
            | "hostIPs"
            | "ip"
            | "nodeName"
            | "zone"
            | "addresses"
            | "host"
            | "reportingInstance"
            | "imageID"
            | "containerID"
            | "clusterIP"
            | "clusterIPs"
            | "batch.kubernetes.io/controller-uid"
            | "controller-uid"
            | "count"
            | "restartCount"
            | "startTime"
            | "volumeName"
    )
}

/// Fields that only one of the two clusters has a use for.
pub fn is_incidental(field: &str) -> bool {
    field.starts_with("topology.kubernetes.io/")
        || field.starts_with("volume.")
        || matches!(
            field,
            "allocatedResources" | "nominatedNodeName" | "description" | "storageVersionHash"
        )
}
