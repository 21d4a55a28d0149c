use simulator::{Account, Rule};

use crate::replay::Replay;

/// The recording whose callers differ: what its exchanges call the identity is the token here.
pub async fn recording() -> Replay {
    let mut replay = Replay::in_its_namespaces("14-auth").await;
    let reader = "system:serviceaccount:ns-114:reader";
    let reads = rule(Some("ns-114"), "", "configmaps", &["get", "list"]);
    replay.test.guard(vec![
        account(&format!("{reader} (bearer token)"), reader, reads),
        account("member of system:masters", "admin", rule(None, "*", "*", &["*"])),
    ]);
    replay.to(18).await;
    replay
}

fn account(token: &str, name: &str, rule: Rule) -> Account {
    Account { token: token.to_owned(), name: name.to_owned(), rules: vec![rule] }
}

fn rule(namespace: Option<&str>, group: &str, resource: &str, verbs: &[&str]) -> Rule {
    Rule {
        namespace: namespace.map(str::to_owned),
        groups: vec![group.to_owned()],
        resources: vec![resource.to_owned()],
        verbs: verbs.iter().map(|&verb| verb.to_owned()).collect(),
    }
}
