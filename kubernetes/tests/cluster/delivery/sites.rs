use std::sync::Arc;

use domain::{
    delivery::{Kubeconfig, Secrets, Sites, Slot},
    error::ErrorCode,
};
use kubernetes::{KubernetesSites, SiteSettings};
use serde_json::{Value, json};

use super::yard::{Yard, settings};
use crate::tls::{Authority, Knows};

fn kubeconfig(cluster: &Value, user: &Value) -> Kubeconfig {
    let text = json!({
        "current-context": "here",
        "clusters": [{ "name": "here", "cluster": cluster }],
        "contexts": [{ "name": "here", "context": { "cluster": "here", "user": "me" } }],
        "users": [{ "name": "me", "user": user }],
    })
    .to_string();
    Kubeconfig { fingerprint: text.clone(), text }
}

/// Sites of which those on this machine are within reach.
fn near(yard: &Yard) -> KubernetesSites {
    let networks = vec!["127.0.0.0/8".parse().unwrap()];
    KubernetesSites::new(yard.client.clone(), SiteSettings { networks, ..settings() })
}

#[tokio::test]
async fn a_kubeconfig_leads_to_its_own_cluster() {
    let (own, other) = (Yard::new().await, Yard::new().await);
    for knows in [Knows::Tokens, Knows::Certificates] {
        let authority = Authority::new();
        let address = authority.serve(other.cluster.router(), knows).await;
        let server = format!("https://{address}");
        let cluster = json!({ "server": server, "certificate-authority-data": authority.data() });
        let config = kubeconfig(&cluster, &authority.user(knows));
        let sites = near(&own);

        let site = sites.site(Some(&config)).await.unwrap();
        let release = other.release(Slot::Blue, "api:v1");
        site.apply_release(&release, &Secrets::default()).await.unwrap();

        assert_eq!(sites.check(&config).unwrap(), server);
        assert_eq!(other.names("apps/v1", "Deployment").await, ["api-blue"]);
        assert_eq!(own.names("apps/v1", "Deployment").await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_client_is_kept_for_its_kubeconfig() {
    let yard = Yard::new().await;
    let sites = near(&yard);
    let config = |port: u16| {
        kubeconfig(&json!({ "server": format!("http://127.0.0.1:{port}") }), &json!({}))
    };

    let first = sites.site(Some(&config(1))).await.unwrap();
    let again = sites.site(Some(&config(1))).await.unwrap();
    let other = sites.site(Some(&config(2))).await.unwrap();
    let own = sites.site(None).await.unwrap();

    assert!(Arc::ptr_eq(&first, &again));
    assert!(!Arc::ptr_eq(&first, &other) && !Arc::ptr_eq(&first, &own));
}

#[tokio::test]
async fn what_could_do_harm_is_refused_when_it_is_saved_and_when_it_is_used() {
    let yard = Yard::new().await;
    let sites = near(&yard);
    let server = json!({ "server": "https://prod.example:6443" });
    let hostile = [
        kubeconfig(&server, &json!({ "exec": { "command": "/bin/sh" } })),
        kubeconfig(&server, &json!({ "tokenFile": "/etc/passwd" })),
        kubeconfig(&server, &json!({ "auth-provider": { "name": "gcp" } })),
        kubeconfig(&json!({ "server": "https://10.1.2.3" }), &json!({ "token": "t" })),
        kubeconfig(&json!({ "server": "https://[::ffff:169.254.169.254]" }), &json!({})),
    ];

    for config in hostile {
        let saved = sites.check(&config).map_err(|error| error.code());
        let used = sites.site(Some(&config)).await.map(drop).map_err(|error| error.code());
        assert_eq!((saved, used), (Err(ErrorCode::Invalid), Err(ErrorCode::Invalid)));
    }
}
