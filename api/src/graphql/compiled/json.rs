use std::{fmt::Display, io::Write};

use jiff::Timestamp;
use serde::Serialize;

use super::Answer;

/// Objects as they are written, one after the other in one text.
#[derive(Default)]
pub(super) struct Pieces {
    text: Vec<u8>,
    spans: Vec<Span>,
    /// Of the one that is being written.
    begun: Span,
}

/// One object, with how many objects are in it, itself among them.
#[derive(Clone, Copy, Default)]
struct Span {
    start: usize,
    end: usize,
    objects: usize,
}

impl Pieces {
    /// Begins the next object; it has ended when all its members are written.
    pub fn begin(&mut self) {
        self.begun = Span { start: self.text.len(), end: 0, objects: 1 };
        self.text.push(b'{');
    }

    pub fn end(&mut self) {
        self.text.push(b'}');
        self.spans.push(Span { end: self.text.len(), ..self.begun });
    }

    /// The name of the next member.
    pub fn key(&mut self, key: &str) {
        if self.text.last() != Some(&b'{') {
            self.text.push(b',');
        }
        // A name needs no escapes.
        self.word(key);
        self.text.push(b':');
    }

    /// An object of others as a member of this one.
    pub fn object(&mut self, of: &Self, at: Option<usize>) {
        match at.and_then(|at| of.spans.get(at)) {
            Some(span) => {
                self.text.extend_from_slice(&of.text[span.start..span.end]);
                self.begun.objects += span.objects;
            }
            None => self.null(),
        }
    }

    /// All objects of others as a list.
    pub fn list(&mut self, of: &Self) {
        self.items(of.spans.len(), |pieces, at| pieces.object(of, Some(at)));
    }

    pub fn items(&mut self, count: usize, mut item: impl FnMut(&mut Self, usize)) {
        self.text.push(b'[');
        for at in 0..count {
            if at > 0 {
                self.text.push(b',');
            }
            item(self, at);
        }
        self.text.push(b']');
    }

    /// An object that is written in place.
    pub fn nested(&mut self, members: impl FnOnce(&mut Self)) {
        self.begun.objects += 1;
        self.text.push(b'{');
        members(self);
        self.text.push(b'}');
    }

    pub fn null(&mut self) {
        self.text.extend_from_slice(b"null");
    }

    pub fn text(&mut self, text: &str) {
        serde_json::to_writer(&mut self.text, text).expect("a text can be written as JSON");
    }

    /// What needs no escapes.
    pub fn word(&mut self, word: &str) {
        self.text.push(b'"');
        self.text.extend_from_slice(word.as_bytes());
        self.text.push(b'"');
    }

    /// An id, a time or a number as a text, which need no escapes.
    pub fn quoted(&mut self, value: impl Display) {
        write!(self.text, "\"{value}\"").expect("memory can be written to");
    }

    /// A number, true or false.
    pub fn plain(&mut self, value: impl Serialize) {
        serde_json::to_writer(&mut self.text, &value).expect("memory can be written to");
    }

    pub fn time(&mut self, at: Option<Timestamp>) {
        match at {
            Some(at) => self.quoted(at),
            None => self.null(),
        }
    }

    /// Closes the root, which does not count.
    pub fn into_answer(mut self) -> Answer {
        self.text.push(b'}');
        let data = String::from_utf8(self.text).expect("all of it was written as text");
        Answer { data, objects: self.begun.objects - 1 }
    }
}
