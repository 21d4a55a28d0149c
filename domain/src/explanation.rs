//! Why something does not run: a rule table over what is known of it, with the evidence.

use std::fmt;

use crate::runtime::Pod;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// One of a closed list, such as `IMAGE_PULL`.
    pub code: &'static str,
    pub message: String,
    /// What was said, most telling first.
    pub evidence: Vec<String>,
}

/// What the cluster shows of something that should run, and what is said about that.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Circumstances<'a> {
    /// Why its workload fails, and the same in a sentence.
    pub(crate) failure: Option<(&'a str, Option<&'a str>)>,
    pub(crate) pods: &'a [Pod],
    /// What holds up the workflow that runs for it.
    pub(crate) trouble: Option<&'a str>,
    /// Whether the watch on the cluster works.
    pub(crate) connected: bool,
}

/// What it comes to when something is said. A sign is a word, or a phrase.
struct Rule {
    code: &'static str,
    message: &'static str,
    signs: &'static [&'static str],
}

/// The first rule that applies is the one, whatever is said besides.
const RULES: &[Rule] = &[
    Rule {
        code: "OUT_OF_MEMORY",
        message: "the container used more memory than it may",
        signs: &["OOMKilled"],
    },
    Rule {
        code: "IMAGE_PULL",
        message: "the image cannot be pulled",
        signs: &["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"],
    },
    Rule {
        code: "CRASH_LOOP",
        message: "the container ends again and again",
        signs: &["CrashLoopBackOff", "ContainerCannotRun", "StartError", "Error", "Completed"],
    },
    Rule {
        code: "QUOTA",
        message: "the cluster's quota for the tenant is used up",
        signs: &["exceeded quota"],
    },
    Rule {
        code: "UNSCHEDULABLE",
        message: "a volume that the pod needs is not there",
        signs: &["unbound immediate PersistentVolumeClaims", "persistent volumes to bind"],
    },
    Rule {
        code: "UNSCHEDULABLE",
        message: "no node has room for the pod",
        signs: &["Unschedulable"],
    },
    Rule {
        code: "NAMESPACE_TERMINATING",
        message: "the namespace is being removed and can be made again once it is gone",
        signs: &["is terminating", "NamespaceTerminating"],
    },
    Rule {
        code: "TARGET_UNREACHABLE",
        message: "the cluster does not answer",
        signs: &["the cluster is unavailable"],
    },
    Rule {
        code: "DEADLINE",
        message: "it was not ready in time",
        signs: &["ProgressDeadlineExceeded"],
    },
    Rule {
        code: "FAILED",
        message: "the cluster refuses to create the pod",
        signs: &["FailedCreate"],
    },
];

/// What keeps a thing that should run from it.
pub(crate) fn explain(known: Circumstances<'_>) -> Explanation {
    let said = said(&known);
    let mut evidence: Vec<String> = said.iter().map(ToString::to_string).collect();
    evidence.extend(unready(known.pods).flat_map(|pod| pod.evidence.clone()));
    evidence.dedup();
    let (code, message) = match RULES.iter().find(|rule| said.iter().any(|it| it.shows(rule))) {
        Some(rule) => (rule.code, detailed(rule, &said, known.pods)),
        None if !known.connected => {
            ("TARGET_UNREACHABLE", "the cluster does not answer".to_owned())
        }
        None => ("NOT_READY", "it is not ready yet".to_owned()),
    };
    Explanation { code, message, evidence }
}

/// After a failure the cluster may have nothing to show any more; the failure says what it was.
pub(crate) fn of_failure(failure: &str) -> Explanation {
    let (code, message) = match RULES.iter().find(|rule| rule.fits(failure)) {
        Some(rule) => (rule.code, rule.message),
        None if failure.starts_with("deadline") => ("DEADLINE", "it was not ready in time"),
        None => ("FAILED", "its last workflow did not succeed"),
    };
    Explanation { code, message: message.to_owned(), evidence: vec![failure.to_owned()] }
}

/// A reason in one word, and the same in a sentence; or a sentence alone.
struct Saying<'a> {
    reason: &'a str,
    message: Option<&'a str>,
}

impl Saying<'_> {
    fn shows(&self, rule: &Rule) -> bool {
        rule.fits(self.reason) || self.message.is_some_and(|message| rule.has_phrase_in(message))
    }
}

impl fmt::Display for Saying<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason)?;
        self.message.map_or(Ok(()), |message| write!(f, ": {message}"))
    }
}

impl Rule {
    /// Whether a sign is there as a whole word or as a phrase.
    fn fits(&self, text: &str) -> bool {
        let is_word =
            |sign: &str| text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == sign);
        self.signs.iter().any(|sign| is_word(sign)) || self.has_phrase_in(text)
    }

    fn has_phrase_in(&self, text: &str) -> bool {
        self.signs.iter().any(|sign| sign.contains(' ') && text.contains(sign))
    }
}

/// All that speaks against it: its pods, then what makes them, then the workflow.
fn said<'a>(known: &Circumstances<'a>) -> Vec<Saying<'a>> {
    let of_pods = unready(known.pods).flat_map(|pod| {
        let last = pod.last_termination.as_deref().map(|reason| Saying { reason, message: None });
        let now = pod.reason.as_deref();
        let now = now.map(|reason| Saying { reason, message: pod.message.as_deref() });
        last.into_iter().chain(now)
    });
    let of_workload = known.failure.map(|(reason, message)| Saying { reason, message });
    let of_workflow = known.trouble.map(|reason| Saying { reason, message: None });
    of_pods.chain(of_workload).chain(of_workflow).collect()
}

/// The pods that are not ready. Those of the latest revision alone: that others fail is what an
/// update may be for.
fn unready(pods: &[Pod]) -> impl Iterator<Item = &Pod> {
    let latest = pods.iter().filter_map(|pod| pod.revision).max();
    let is_old = move |pod: &&Pod| pod.revision.is_some_and(|it| Some(it) < latest);
    pods.iter().filter(move |pod| !pod.ready && !is_old(pod))
}

/// The rule's message with what is known in particular.
fn detailed(rule: &Rule, said: &[Saying<'_>], pods: &[Pod]) -> String {
    let detail = match rule.code {
        "CRASH_LOOP" => unready(pods)
            .find_map(|pod| pod.last_exit_code)
            .map(|code| format!(", last with exit code {code}")),
        "UNSCHEDULABLE" => Some(lacking(said))
            .filter(|lacking| !lacking.is_empty())
            .map(|it| format!(": there is not enough {}", it.join(" and "))),
        _ => None,
    };
    format!("{}{}", rule.message, detail.unwrap_or_default())
}

/// The resources that the scheduler found too little of, as in `3 Insufficient cpu`.
fn lacking<'a>(said: &[Saying<'a>]) -> Vec<&'a str> {
    let messages = said.iter().filter_map(|saying| saying.message);
    let mut found: Vec<&str> = messages
        .flat_map(|message| message.split("Insufficient ").skip(1))
        .filter_map(|rest| rest.split([' ', ',']).next())
        .map(|resource| resource.trim_end_matches('.'))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}
