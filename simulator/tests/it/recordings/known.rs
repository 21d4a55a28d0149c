//! Where the simulated cluster answers otherwise, and why that is left so.

pub enum Extent {
    /// The call fares otherwise.
    Status,
    /// The answer reads otherwise.
    Content,
}

use Extent::{Content, Status};

/// Recording, exchange, how much of the answer differs, reason.
pub const KNOWN: &[(u8, usize, Extent, &str)] = &[
    (1, 1, Content, "the build is another"),
    (1, 4, Content, "the recording has been cut to fewer resources"),
    (
        1,
        11,
        Content,
        "the recording has been cut to fewer resources; events.k8s.io is for reading here",
    ),
    (1, 15, Content, "there are no such parts to be ready"),
    (1, 20, Content, "the wording is that of another JSON parser"),
    (3, 35, Content, "the message quotes the whole object, with fields in another order"),
    (3, 39, Status, "duplicate fields are not noticed"),
    (7, 12, Content, "the text of a node's image puller"),
    (7, 14, Content, "the scheduler tries again, and tells it, when something has changed only"),
    (8, 11, Content, "an EndpointSlice is written fewer times on the way"),
    (10, 20, Status, "there is no Pod Security"),
    (10, 21, Content, "there is no Pod Security"),
    (11, 20, Content, "the message quotes the template as a Go structure"),
    (12, 13, Content, "the wording is that of another JSON parser"),
    (14, 2, Status, "there is no anonymous caller"),
    (14, 3, Content, "the build is another"),
    (14, 14, Content, "there is no RBAC to give as a reason"),
    (14, 17, Content, "an account has a name and nothing else"),
    (14, 18, Content, "what everybody may ask about is left out"),
    (15, 15, Content, "the real server names this cause four times"),
    (15, 38, Content, "the message shows a difference of Go structures"),
    (16, 26, Content, "the text of a node that was recorded without its container"),
    (16, 28, Content, "a line break at the end of a message"),
];
