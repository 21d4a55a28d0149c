use domain::delivery::{Job, JobName, JobWork, Login, Place, Secrets, SshKey};
use domain::secrets::SecretValues;
use jiff::SignedDuration;
use serde_json::{Value, json};

pub(super) const APPLICATION: &str = "app_0197c2a4b1e87d02a3c45e6f70819203";
pub(super) const ENVIRONMENT: &str = "env_0197c2a4b1e87d02a3c45e6f70819204";
pub(super) const DEPLOYMENT: &str = "dep_0197c2a4b1e87d02a3c45e6f70819205";

pub(super) fn place() -> Place {
    Place {
        namespace: "slipway-acme-prod".to_owned(),
        application: "api".to_owned(),
        application_id: APPLICATION.parse().expect("it is an id"),
        environment_id: ENVIRONMENT.parse().expect("it is an id"),
    }
}

pub(super) fn job(name: &str, work: JobWork) -> Job {
    Job {
        name: JobName { namespace: "slipway-acme-prod".to_owned(), name: name.to_owned() },
        place: place(),
        deployment_id: DEPLOYMENT.parse().expect("it is an id"),
        limit: SignedDuration::from_mins(10),
        work,
    }
}

/// The labels of what is of the deployment.
pub(super) fn labels() -> Value {
    json!({
        "app.kubernetes.io/managed-by": "slipway",
        "app.kubernetes.io/name": "api",
        "slipway.io/application": APPLICATION,
        "slipway.io/deployment": DEPLOYMENT,
        "slipway.io/environment": ENVIRONMENT,
    })
}

/// All that an application may have.
pub(super) fn secrets() -> Secrets {
    let login = |username: &str| {
        Some(Login { username: username.to_owned(), password: "s3cret".to_owned() })
    };
    let environment = SecretValues::parse("secrets", json!({ "TOKEN": "t0ken" }));
    Secrets {
        git: login("git"),
        git_key: Some(SshKey("k3y".to_owned())),
        registry: login("robot"),
        environment: Some(environment.expect("they are values")),
    }
}
