//! Kubeconfigs that would have this process run a program or read a file.

use std::fs;

use kubernetes::{Kubeconfig, connect};
use serde_json::{Value, json};

fn document(cluster: &Value, user: &Value) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "preferences": {},
        "current-context": "here",
        "clusters": [{ "name": "there", "cluster": cluster }],
        "contexts": [{ "name": "here", "context": { "cluster": "there", "user": "me", "namespace": "a" } }],
        "users": [{ "name": "me", "user": user }],
    })
}

fn with_user(user: &Value) -> String {
    document(&json!({ "server": "https://there:6443" }), user).to_string()
}

fn with_cluster(cluster: &Value) -> String {
    document(cluster, &json!({ "token": "t" })).to_string()
}

fn refusal(text: impl AsRef<[u8]>) -> String {
    match Kubeconfig::parse(text.as_ref()) {
        Ok(_) => panic!("accepted: {}", String::from_utf8_lossy(text.as_ref())),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_is_written_out_is_accepted() {
    let yaml = "\
apiVersion: v1
kind: Config
current-context: here
clusters:
- name: there
  cluster:
    server: https://there:6443/k8s
    extensions: [{ name: minikube, extension: { version: v1 } }]
contexts:
- {name: here, context: {cluster: there, user: me}}
users:
- name: me
  user: {token: t}
";

    let parsed = Kubeconfig::parse(yaml.as_bytes()).unwrap();

    assert_eq!(parsed.server(), "https://there:6443/k8s");
    assert!(Kubeconfig::parse(with_user(&json!({})).as_bytes()).is_ok());
}

#[test]
fn programs_and_files_are_refused() {
    let exec = json!({ "apiVersion": "client.authentication.k8s.io/v1", "command": "touch" });
    let provider = json!({ "name": "gcp", "config": { "cmd-path": "touch" } });
    let users = [
        ("exec", json!({ "exec": exec })),
        ("auth-provider", json!({ "auth-provider": provider })),
        ("tokenFile", json!({ "tokenFile": "/etc/passwd" })),
        ("client-certificate", json!({ "client-certificate": "/etc/passwd" })),
        ("client-key", json!({ "token": "t", "client-key": "/etc/passwd" })),
        ("username", json!({ "username": "root" })),
        ("password", json!({ "password": "hidden" })),
        ("as", json!({ "token": "t", "as": "system:admin" })),
    ];
    let clusters = [
        ("certificate-authority", json!({ "certificate-authority": "/etc/passwd" })),
        ("proxy-url", json!({ "proxy-url": "http://elsewhere" })),
    ];

    for (key, user) in users {
        let message = refusal(with_user(&user));
        assert!(message.contains(&format!("`{key}` is not allowed")), "{message}");
    }
    for (key, mut cluster) in clusters {
        cluster["server"] = json!("https://there:6443");
        let message = refusal(with_cluster(&cluster));
        assert!(message.contains(&format!("`{key}` is not allowed")), "{message}");
    }
}

#[test]
fn a_disguise_does_not_help() {
    let good = with_user(&json!({ "token": "t" }));
    let exec = r#""token":"t","exec":{"command":"touch"}"#;
    let plain = good.replace(r#""token":"t""#, exec);
    let yaml = |user: &str| {
        format!(
            "current-context: here\n\
             clusters: [{{name: there, cluster: {{server: 'https://there:6443'}}}}]\n\
             contexts: [{{name: here, context: {{cluster: there, user: me}}}}]\n\
             users:\n- name: me\n  user:\n{user}"
        )
    };
    assert!(Kubeconfig::parse(yaml("    token: t\n").as_bytes()).is_ok());
    let disguised = [
        plain.clone(),
        plain.replace("\"exec\"", r#""\u0065xec""#),
        good.replace(r#""token":"t""#, r#""token":"t","token":"u""#),
        yaml("    \"\\x65xec\": {command: touch}\n"),
        yaml("    ? exec\n    : {command: touch}\n"),
        yaml("    !!str exec: {command: touch}\n"),
        yaml("    'exec': {command: touch}\n"),
        yaml("    <<: {exec: {command: touch}}\n"),
        yaml("    token: &a t\n"),
        yaml("    token: *a\n"),
        yaml("    token: !!python/object t\n"),
        yaml("    token: t\n---\nusers: []\n"),
        format!("x: &a {{exec: {{command: touch}}}}\n{}", yaml("    <<: *a\n")),
        format!("{}{}", "[".repeat(100), "]".repeat(100)),
        format!("{good}{}", " ".repeat(64 * 1024)),
    ];

    for text in disguised {
        refusal(text);
    }
    refusal([0xff, 0xfe, 0x00]);
    refusal("");
}

#[test]
fn refusals_quote_no_secret() {
    let secret = "s3cr3t-t0ken";
    let texts = [
        with_user(&json!({ "token": { "deep": secret } })),
        with_user(&json!({ "token": "t", secret: "x" })),
        with_user(&json!({ "client-certificate-data": secret, "client-key-data": secret })),
        with_user(&json!({ "token": secret })).replace("\"token\"", "token: ["),
        with_cluster(&json!({ "server": format!("https://me:{secret}@there") })),
        with_cluster(&json!({ "server": "https://there", "insecure-skip-tls-verify": secret })),
    ];

    for text in texts {
        let message = refusal(text);
        assert!(!message.contains(secret), "{message}");
    }
}

#[test]
fn the_way_to_the_server_is_a_safe_one() {
    let servers = [
        "http://there:6443",
        "ftp://there",
        "there",
        "https://",
        "https://a@there",
        "https://b?c=d",
    ];
    for server in servers {
        let message = refusal(with_cluster(&json!({ "server": server })));
        assert!(message.contains("`server` must be"), "{message}");
    }
    let insecure = json!({ "server": "https://there", "insecure-skip-tls-verify": true });
    assert!(refusal(with_cluster(&insecure)).contains("`insecure-skip-tls-verify`"));
    let bare = json!({ "server": "https://there", "certificate-authority-data": "AAAA" });
    assert!(refusal(with_cluster(&bare)).contains("`certificate-authority-data` must be"));
    let local = json!({ "server": "http://127.0.0.1:1", "insecure-skip-tls-verify": false });
    assert!(Kubeconfig::parse(with_cluster(&local).as_bytes()).is_ok());
}

#[tokio::test]
async fn no_program_is_run_when_one_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let exec = json!({
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "touch",
        "args": [trace],
        "interactiveMode": "Never",
    });
    let path = folder.path().join("kubeconfig");
    fs::write(&path, with_user(&json!({ "exec": exec }))).unwrap();

    let refused = connect::kubeconfig(&path);

    assert!(refused.is_err());
    assert!(!trace.exists());
}
