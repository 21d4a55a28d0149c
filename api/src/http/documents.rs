//! Documents that clients name instead of sending them: those that they have sent once (automatic
//! persisted queries), or those of a file and no others.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
    sync::{Arc, Mutex, MutexGuard},
};

use anyhow::{Context, bail};
use domain::error::ErrorCode;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{bounded::Bounded, params::Params, refusal::Refusal};

/// What clients may name.
pub enum Documents {
    Kept(Mutex<Kept>),
    Trusted(Trusted),
}

/// The documents used last, by their hashes.
pub struct Kept(Bounded<Arc<str>>);

/// The only documents that are run.
pub struct Trusted {
    by_id: HashMap<String, Arc<str>>,
    texts: HashSet<Arc<str>>,
}

/// What the tools of different clients write.
#[derive(Deserialize)]
#[serde(untagged)]
enum Manifest {
    Operations { operations: Vec<Operation> },
    ById(HashMap<String, String>),
}

#[derive(Deserialize)]
struct Operation {
    id: String,
    body: String,
}

impl Documents {
    /// Those of a file where there is one, otherwise what clients send.
    pub fn new(trusted: Option<&Path>, most_bytes: usize) -> anyhow::Result<Self> {
        let Some(path) = trusted else {
            return Ok(Self::Kept(Mutex::new(Kept(Bounded::new(most_bytes)))));
        };
        let text = std::fs::read_to_string(path);
        let text = text.with_context(|| format!("reading {}", path.display()))?;
        Trusted::from_manifest(&text)
            .with_context(|| format!("{} does not list documents", path.display()))
            .map(Self::Trusted)
    }

    /// Puts the document in that is only named.
    pub fn complete(&self, params: &mut Params) -> Result<(), Refusal> {
        match self {
            Self::Kept(kept) => lock(kept).complete(params),
            Self::Trusted(trusted) => trusted.complete(params),
        }
    }

    /// Keeps a document that has been found harmless, if it came with its name.
    pub fn keep(&self, params: &Params) {
        if let (Self::Kept(kept), Some(hash)) = (self, &params.document_id) {
            lock(kept).0.put(hash.clone(), params.query.len(), params.query.as_str().into());
        }
    }
}

impl Kept {
    fn complete(&mut self, params: &mut Params) -> Result<(), Refusal> {
        let Some(hash) = &params.document_id else {
            return Ok(());
        };
        if params.query.is_empty() {
            params.query = self.0.get(hash).ok_or_else(not_found)?.to_string();
        } else if *hash != sha256(&params.query) {
            return Err(Refusal::invalid("sha256Hash is not the hash of the document"));
        }
        Ok(())
    }
}

impl Trusted {
    fn from_manifest(text: &str) -> anyhow::Result<Self> {
        let documents: Vec<(String, String)> = match serde_json::from_str(text)? {
            Manifest::ById(documents) => documents.into_iter().collect(),
            Manifest::Operations { operations } => {
                operations.into_iter().map(|operation| (operation.id, operation.body)).collect()
            }
        };
        if documents.is_empty() {
            bail!("there is none");
        }
        let by_id: HashMap<_, Arc<str>> =
            documents.into_iter().map(|(id, text)| (id, text.into())).collect();
        Ok(Self { texts: by_id.values().cloned().collect(), by_id })
    }

    fn complete(&self, params: &mut Params) -> Result<(), Refusal> {
        match &params.document_id {
            Some(id) if params.query.is_empty() => {
                params.query = self.by_id.get(id).ok_or_else(not_found)?.to_string();
                Ok(())
            }
            _ if self.texts.contains(params.query.as_str()) => Ok(()),
            _ => Err(Refusal::new(ErrorCode::Forbidden, "only trusted documents are run here")),
        }
    }
}

/// Clients that try a hash first send the whole document after this answer.
fn not_found() -> Refusal {
    Refusal::new(ErrorCode::PersistedQueryNotFound, "PersistedQueryNotFound")
}

fn sha256(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().expect("nothing panics while it holds this lock")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(query: &str, id: &str) -> Params {
        Params { document_id: Some(id.to_owned()), ..Params::of(query) }
    }

    fn complete(documents: &Documents, mut params: Params) -> Result<String, ErrorCode> {
        documents.complete(&mut params).map(|()| params.query).map_err(|refusal| refusal.code)
    }

    #[test]
    fn a_document_is_kept_under_its_hash_alone() {
        let documents = Documents::new(None, 1_000).unwrap();
        let hash = sha256("{ a }");

        let unknown = complete(&documents, named("", &hash));
        assert_eq!(unknown, Err(ErrorCode::PersistedQueryNotFound));
        assert_eq!(complete(&documents, named("{ b }", &hash)), Err(ErrorCode::Invalid));
        documents.keep(&named("{ a }", &hash));

        assert_eq!(complete(&documents, named("", &hash)), Ok("{ a }".to_owned()));
    }

    #[test]
    fn what_is_kept_is_bounded_and_what_was_used_last_stays() {
        let documents = Documents::new(None, 20).unwrap();
        let keep = |query: &str| documents.keep(&named(query, &sha256(query)));
        keep("{ first }");
        keep("{ again }");
        complete(&documents, named("", &sha256("{ first }"))).unwrap();

        keep("{ third }");
        keep(&"{ too large }".repeat(9));

        assert!(complete(&documents, named("", &sha256("{ first }"))).is_ok());
        assert!(complete(&documents, named("", &sha256("{ third }"))).is_ok());
        assert!(complete(&documents, named("", &sha256("{ again }"))).is_err());
    }

    #[test]
    fn only_trusted_documents_are_run_where_there_is_a_file() {
        for manifest in [
            r#"{ "x1": "{ a }" }"#,
            r#"{ "format": "apollo-persisted-query-manifest", "version": 1,
                "operations": [{ "id": "x1", "name": "A", "type": "query", "body": "{ a }" }] }"#,
        ] {
            let documents = Documents::Trusted(Trusted::from_manifest(manifest).unwrap());

            assert_eq!(complete(&documents, named("", "x1")), Ok("{ a }".to_owned()));
            assert_eq!(complete(&documents, Params::of("{ a }")), Ok("{ a }".to_owned()));
            assert_eq!(complete(&documents, Params::of("{ b }")), Err(ErrorCode::Forbidden));
            assert_eq!(complete(&documents, named("{ b }", "x1")), Err(ErrorCode::Forbidden));
            let unknown = complete(&documents, named("", "x2"));
            assert_eq!(unknown, Err(ErrorCode::PersistedQueryNotFound));
        }
        assert!(Trusted::from_manifest("{}").is_err());
        assert!(Trusted::from_manifest("[1]").is_err());
    }
}
