use std::fs;

use serde_json::{Value, json};

use crate::support::TestApp;

#[test]
fn schema_graphql_is_what_the_program_exports() {
    let committed = fs::read_to_string("../schema.graphql").unwrap();

    assert!(
        committed == api::graphql::sdl(),
        "run `cargo xtask schema` and look at the difference"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_in_the_schema_has_a_description() {
    let app = TestApp::new().await;
    let document = "{ __schema { types { name kind description
        fields { name description args { name description } }
        inputFields { name description } enumValues { name description } } } }";
    let types = app.anonymous().send(document, json!({})).await.ok()["__schema"]["types"].clone();

    let mut bare = Vec::new();
    for kind in types.as_array().unwrap() {
        let name = kind["name"].as_str().unwrap();
        // What GraphQL itself brings is described by its specification.
        let built_in = ["Boolean", "Float", "ID", "Int", "String"].contains(&name);
        if name.starts_with("__") || built_in {
            continue;
        }
        check(kind, name, &mut bare);
        for part in ["fields", "inputFields", "enumValues"] {
            for field in kind[part].as_array().into_iter().flatten() {
                let path = format!("{name}.{}", field["name"].as_str().unwrap());
                check(field, &path, &mut bare);
                for argument in field["args"].as_array().into_iter().flatten() {
                    let path = format!("{path}({})", argument["name"].as_str().unwrap());
                    check(argument, &path, &mut bare);
                }
            }
        }
    }

    assert_eq!(bare, Vec::<String>::new());
}

fn check(thing: &Value, path: &str, bare: &mut Vec<String>) {
    if thing["description"].as_str().unwrap_or_default().is_empty() {
        bare.push(path.to_owned());
    }
}
