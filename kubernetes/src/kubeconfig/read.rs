use domain::error::{Error, Result};
use serde_saphyr::{DuplicateKeyPolicy, MergeKeyPolicy, Options, budget, options};

use super::document::Document;

const LARGEST: usize = 64 * 1024;
const DEEPEST: usize = 32;

/// YAML, and JSON as a part of it. What comes out as an error never quotes a value, which may be
/// a secret.
pub(super) fn read(text: &[u8]) -> Result<Document> {
    if text.len() > LARGEST {
        return Err(refused(format!("must have at most {LARGEST} bytes")));
    }
    serde_saphyr::from_slice_with_options(text, strict()).map_err(|error| explained(&error))
}

pub(super) fn refused(message: impl Into<String>) -> Error {
    Error::invalid("kubeconfig", message)
}

/// One document, in which everything stands where it means something.
fn strict() -> Options {
    options! {
        budget: budget! {
            max_depth: DEEPEST,
            flow_nesting_limit: DEEPEST,
            max_documents: 1,
            max_anchors: 0,
            max_aliases: 0,
            max_merge_keys: 0,
        },
        duplicate_keys: DuplicateKeyPolicy::Error,
        merge_keys: MergeKeyPolicy::Error,
        reject_unsupported_tags: true,
        reject_tagged_field_names: true,
        with_snippet: false,
    }
}

fn explained(error: &serde_saphyr::Error) -> Error {
    use serde_saphyr::Error as Cause;
    let what = match error {
        Cause::SerdeUnknownField { field, .. } if is_key(field) => {
            format!("`{field}` is not allowed: {ALLOWED}")
        }
        Cause::SerdeUnknownField { .. } => format!("a key is not allowed: {ALLOWED}"),
        Cause::SerdeMissingField { field, .. } => format!("`{field}` is missing"),
        Cause::DuplicateMappingKey { .. } => "a key is there twice".to_owned(),
        Cause::MergeKeyNotAllowed { .. } => "merge keys are not allowed".to_owned(),
        Cause::Budget { .. } | Cause::MultipleDocuments { .. } => format!(
            "must be one document without anchors and aliases, at most {DEEPEST} levels deep"
        ),
        _ => "is not a kubeconfig in YAML or JSON".to_owned(),
    };
    match error.location().map(|location| location.line()) {
        Some(line) if line > 0 => refused(format!("line {line}: {what}")),
        _ => refused(what),
    }
}

const ALLOWED: &str = "credentials are a token or a client certificate, written out \
                       (`kubectl config view --raw --flatten --minify` does so)";

/// Whether it looks like a key; what stands in its place may be a secret.
fn is_key(field: &str) -> bool {
    field.len() <= 40 && field.chars().all(|c| c.is_ascii_alphabetic() || c == '-')
}
