use async_graphql::SimpleObject;
use domain::explanation;

/// Why something does not run.
#[derive(SimpleObject)]
pub struct Explanation {
    /// One of IMAGE_PULL, CRASH_LOOP, OUT_OF_MEMORY, UNSCHEDULABLE, QUOTA, NOT_READY, DEADLINE,
    /// NAMESPACE_TERMINATING, TARGET_UNREACHABLE and FAILED.
    code: &'static str,
    /// The same for people.
    message: String,
    /// What the cluster said and the container's log ends with, most telling first.
    evidence: Vec<String>,
}

impl From<explanation::Explanation> for Explanation {
    fn from(explanation: explanation::Explanation) -> Self {
        let explanation::Explanation { code, message, evidence } = explanation;
        Self { code, message, evidence }
    }
}
