use std::fmt;

use jiff::Timestamp;

use crate::error::{Error, Result};

/// One page of a list that is ordered newest first by (creation, id).
#[derive(Clone, Debug)]
pub struct PageRequest {
    /// 1 to [`PageRequest::LIMIT`].
    pub first: usize,
    pub after: Option<PageKey>,
    /// Whether the caller will look at [`Page::total`].
    pub count: bool,
}

impl PageRequest {
    pub const DEFAULT: usize = 20;
    pub const LIMIT: usize = 100;

    pub fn new(first: Option<i64>, after: Option<String>, count: bool) -> Result<Self> {
        let after = after.map(|text| PageKey::parse(&text)).transpose()?;
        Ok(Self { first: page_size(first)?, after, count })
    }
}

/// The size of a page as a client may ask for it.
pub fn page_size(first: Option<i64>) -> Result<usize> {
    match first {
        None => Ok(PageRequest::DEFAULT),
        Some(first) => usize::try_from(first)
            .ok()
            .filter(|first| (1..=PageRequest::LIMIT).contains(first))
            .ok_or_else(|| {
                Error::invalid("first", format!("must be from 1 to {}", PageRequest::LIMIT))
            }),
    }
}

#[derive(Clone, Debug)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub has_next: bool,
    /// How many there are in all; `None` where the request did not ask.
    pub total: Option<i64>,
}

impl<T> Page<T> {
    /// Takes up to one row more than the page holds, which tells whether another page follows.
    pub fn from_rows(mut items: Vec<T>, first: usize, total: Option<i64>) -> Self {
        let has_next = items.len() > first;
        items.truncate(first);
        Self { items, has_next, total }
    }
}

/// Where a row stands in a list; the opaque cursor of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageKey {
    pub created_at: Timestamp,
    pub id: String,
}

impl PageKey {
    pub fn new(created_at: Timestamp, id: impl fmt::Display) -> Self {
        Self { created_at, id: id.to_string() }
    }

    pub fn encode(&self) -> String {
        format!("{:x}.{}", self.created_at.as_microsecond(), self.id)
    }

    pub fn parse(text: &str) -> Result<Self> {
        let parsed = text.split_once('.').and_then(|(micros, id)| {
            let micros = i64::from_str_radix(micros, 16).ok()?;
            Some(Self::new(Timestamp::from_microsecond(micros).ok()?, id))
        });
        parsed.ok_or_else(|| Error::invalid("after", "is not a cursor of this list"))
    }
}
