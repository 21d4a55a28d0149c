use std::fmt;

use jiff::Timestamp;

use crate::error::{Error, Result};

/// One page of a list.
#[derive(Clone, Debug)]
pub struct PageRequest {
    /// 1 to [`PageRequest::LIMIT`].
    pub first: usize,
    pub after: Option<PageKey>,
    /// Whether the caller will look at [`Page::total`].
    pub count: bool,
    pub sort: Sort,
}

impl PageRequest {
    pub const DEFAULT: usize = 20;
    pub const LIMIT: usize = 100;

    pub fn new(first: Option<i64>, after: Option<String>, count: bool) -> Result<Self> {
        let after = after.map(|text| PageKey::parse(&text)).transpose()?;
        Ok(Self { first: page_size(first)?, after, count, sort: Sort::default() })
    }

    /// As many as a page holds, from the newest on.
    pub fn all() -> Self {
        Self { first: Self::LIMIT, after: None, count: false, sort: Sort::default() }
    }

    /// In another order, in which `after` has to be a cursor too.
    pub fn sorted(self, sort: Sort) -> Result<Self> {
        match &self.after {
            Some(after) if after.by != sort.by => {
                Err(Error::invalid("after", "is a cursor of another order"))
            }
            _ => Ok(Self { sort, ..self }),
        }
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

impl<T> Page<T> {
    /// One page of a list that is there as a whole; `key` tells where an item stands in it.
    pub fn cut(mut all: Vec<T>, page: &PageRequest, key: impl Fn(&T) -> PageKey) -> Self {
        let total = page.count.then(|| i64::try_from(all.len()).unwrap_or(i64::MAX));
        let place = |item: &T| {
            let key = key(item);
            (key.value, key.id)
        };
        all.sort_by_key(place);
        if page.sort.direction == Direction::Desc {
            all.reverse();
        }
        if let Some(after) = &page.after {
            let after = (after.value.clone(), after.id.clone());
            all.retain(|item| match page.sort.direction {
                Direction::Asc => place(item) > after,
                Direction::Desc => place(item) < after,
            });
        }
        Self::from_rows(all, page.first, total)
    }
}

/// What a list is ordered by. Ids tell equal items apart, in the same direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sort {
    pub by: SortField,
    pub direction: Direction,
}

/// The fields that lists are ordered by, each where its entity has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SortField {
    CreatedAt,
    UpdatedAt,
    Name,
    Email,
    Price,
    Amount,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    Asc,
    Desc,
}

impl Default for Sort {
    /// Newest first.
    fn default() -> Self {
        Self { by: SortField::CreatedAt, direction: Direction::Desc }
    }
}

impl SortField {
    const ALL: &[Self] =
        &[Self::CreatedAt, Self::UpdatedAt, Self::Name, Self::Email, Self::Price, Self::Amount];

    /// What a cursor of this order begins with.
    fn letter(self) -> char {
        match self {
            Self::CreatedAt => 'c',
            Self::UpdatedAt => 'u',
            Self::Name => 'n',
            Self::Email => 'e',
            Self::Price => 'p',
            Self::Amount => 'a',
        }
    }
}

/// What an item has in the field that its list is ordered by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SortValue {
    /// A count, or microseconds since 1970.
    Number(i64),
    Text(String),
}

impl From<Timestamp> for SortValue {
    fn from(at: Timestamp) -> Self {
        Self::Number(at.as_microsecond())
    }
}

impl From<i64> for SortValue {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for SortValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// Where an item stands in a list; the opaque cursor of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageKey {
    pub by: SortField,
    pub value: SortValue,
    pub id: String,
}

impl PageKey {
    /// In a list that is ordered by creation.
    pub fn new(created_at: Timestamp, id: impl fmt::Display) -> Self {
        Self::of(SortField::CreatedAt, created_at.into(), id)
    }

    pub fn of(by: SortField, value: SortValue, id: impl fmt::Display) -> Self {
        Self { by, value, id: id.to_string() }
    }

    pub fn encode(&self) -> String {
        let (letter, id) = (self.by.letter(), &self.id);
        match &self.value {
            SortValue::Number(number) => format!("{letter}{number:x}.{id}"),
            SortValue::Text(text) => {
                let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
                format!("{letter}x{hex}.{id}")
            }
        }
    }

    pub fn parse(text: &str) -> Result<Self> {
        Self::decode(text).ok_or_else(|| Error::invalid("after", "is not a cursor of this list"))
    }

    fn decode(text: &str) -> Option<Self> {
        let letter = text.chars().next()?;
        let by = SortField::ALL.iter().copied().find(|by| by.letter() == letter)?;
        let (value, id) = text[1..].split_once('.')?;
        let value = match value.strip_prefix('x') {
            Some(hex) => SortValue::Text(unhex(hex)?),
            None => SortValue::Number(i64::from_str_radix(value, 16).ok()?),
        };
        Some(Self::of(by, value, id))
    }
}

fn unhex(hex: &str) -> Option<String> {
    let pairs = hex.as_bytes().chunks(2);
    let byte = |pair: &[u8]| {
        let pair = str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
        u8::from_str_radix(pair, 16).ok()
    };
    let bytes = pairs.map(byte);
    String::from_utf8(bytes.collect::<Option<_>>()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_nothing_else_is_one() {
        let keys = [
            PageKey::new(Timestamp::UNIX_EPOCH, "inst_1"),
            PageKey::of(SortField::Name, "wéb.1".into(), "inst_1"),
            PageKey::of(SortField::Amount, 250.into(), "ord_1"),
        ];
        for key in keys {
            assert_eq!(PageKey::parse(&key.encode()).unwrap(), key);
        }
        for wrong in ["", "c", "c1", "z1.a", "cxzz.a", "é1.a", "nx0.a"] {
            assert!(PageKey::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_cursor_is_good_for_its_own_order_alone() {
        let page = PageRequest::new(None, Some("c1.inst_1".to_owned()), false).unwrap();

        let by_name = Sort { by: SortField::Name, direction: Direction::Asc };

        assert!(page.clone().sorted(Sort::default()).is_ok());
        assert!(page.sorted(by_name).is_err());
    }
}
