//! One pass over the bytes of a document before the parser, which recurses, sees them. It cuts
//! tokens exactly where the parser does, or finer: what it takes for a string or a comment, the
//! parser takes for the same, so no bracket can hide from the count.

use async_graphql::Pos;

/// What a document holds, counted without recursion and without allocating.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub tokens: usize,
    /// The most brackets open at once.
    pub nesting: usize,
}

/// The byte at which a string begins that does not end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnterminatedString(pub usize);

pub fn tally(source: &str) -> Result<Tally, UnterminatedString> {
    let mut lexer = Lexer { bytes: source.as_bytes(), at: 0 };
    let (mut tally, mut open) = (Tally::default(), 0_usize);
    while let Some(first) = lexer.next_significant() {
        match first {
            b'(' | b'[' | b'{' => open += 1,
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        tally.nesting = tally.nesting.max(open);
        tally.tokens += 1;
        lexer.take_token(first)?;
    }
    Ok(tally)
}

/// The line and column of a byte, both counted from one.
pub fn position(source: &str, offset: usize) -> Pos {
    let before = &source[..source.floor_char_boundary(offset)];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Pos { line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1 }
}

struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Lexer<'_> {
    fn peek(&self) -> Option<u8> {
        self.peek_at(0)
    }

    fn peek_at(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn starts_with(&self, text: &[u8]) -> bool {
        self.bytes[self.at..].starts_with(text)
    }

    fn skip_while(&mut self, accepts: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&accepts) {
            self.at += 1;
        }
    }

    /// Skips white space, commas, byte order marks and comments.
    fn next_significant(&mut self) -> Option<u8> {
        loop {
            match self.peek()? {
                b' ' | b',' | b'\t' | b'\n' | b'\r' => self.at += 1,
                b'#' => self.skip_while(|byte| byte != b'\n' && byte != b'\r'),
                _ if self.starts_with("\u{feff}".as_bytes()) => self.at += 3,
                first => return Some(first),
            }
        }
    }

    fn take_token(&mut self, first: u8) -> Result<(), UnterminatedString> {
        match first {
            b'"' => return self.take_string(),
            b'.' if self.starts_with(b"...") => self.at += 3,
            b'-' | b'0'..=b'9' => self.take_number(),
            b'_' | b'a'..=b'z' | b'A'..=b'Z' => self.take_name(),
            _ => self.at += 1,
        }
        Ok(())
    }

    /// To the parser, `truefalse` is two values.
    fn take_name(&mut self) {
        match ["true", "false", "null"].iter().find(|word| self.starts_with(word.as_bytes())) {
            Some(word) => self.at += word.len(),
            None => self.skip_while(|byte| byte == b'_' || byte.is_ascii_alphanumeric()),
        }
    }

    /// `00` is two numbers, and so is `1-1`: the parser needs no space between them.
    fn take_number(&mut self) {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.skip_while(|byte| byte.is_ascii_digit());
        }
        if self.peek() == Some(b'.') && self.is_digit_at(1) {
            self.at += 1;
            self.skip_while(|byte| byte.is_ascii_digit());
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(self.peek_at(1), Some(b'+' | b'-')));
            if self.is_digit_at(1 + sign) {
                self.at += 1 + sign;
                self.skip_while(|byte| byte.is_ascii_digit());
            }
        }
    }

    fn is_digit_at(&self, ahead: usize) -> bool {
        self.peek_at(ahead).is_some_and(|byte| byte.is_ascii_digit())
    }

    fn take_string(&mut self) -> Result<(), UnterminatedString> {
        let start = self.at;
        let ended = if self.starts_with(br#"""""#) {
            self.take_block_string()
        } else {
            self.take_line_string()
        };
        ended.ok_or(UnterminatedString(start))
    }

    fn take_block_string(&mut self) -> Option<()> {
        self.at += 3;
        loop {
            if self.starts_with(br#"\""""#) {
                self.at += 4;
            } else if self.starts_with(br#"""""#) {
                self.at += 3;
                return Some(());
            } else {
                self.peek()?;
                self.at += 1;
            }
        }
    }

    fn take_line_string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Some(());
                }
                b'\n' | b'\r' => return None,
                b'\\' => {
                    self.peek_at(1)?;
                    self.at += 2;
                }
                _ => self.at += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(source: &str) -> usize {
        tally(source).unwrap().tokens
    }

    #[test]
    fn counts_what_the_grammar_calls_tokens() {
        assert_eq!(tokens(""), 0);
        assert_eq!(tokens("{ a, b } # } c"), 4);
        assert_eq!(tokens("\u{feff}{...F @skip(if: $no)}"), 12);
        assert_eq!(tokens("query Q($a: [Int!]! = [1, -2.5e+3]) { f(x: \"a\\\"b\") }"), 25);
        assert_eq!(tokens(r#"{ f(x: """ { [ \""" ( """) }"#), 8);
    }

    #[test]
    fn separates_values_that_touch() {
        assert_eq!(tokens("[0000]"), 6);
        assert_eq!(tokens("[1-1-1.5.5]"), 7);
        assert_eq!(tokens(r#"["a""b"]"#), 4);
        assert_eq!(tokens("[1...]"), 4);
        assert_eq!(tokens("[truefalsenull]"), 5);
    }

    #[test]
    fn nesting_is_the_most_open_at_once() {
        let nesting = |source| tally(source).unwrap().nesting;

        assert_eq!(nesting("{ a(x: [{ y: 1 }]) b }"), 4);
        assert_eq!(nesting("]]]]{{"), 2);
        assert_eq!(nesting("{ a(x: \"{[(\") } # {{{{"), 2);
        assert_eq!(nesting(&"[".repeat(30_000)), 30_000);
    }

    #[test]
    fn reports_where_a_string_begins_that_does_not_end() {
        assert_eq!(tally("{ a(x: \"b\n\") }"), Err(UnterminatedString(7)));
        assert_eq!(tally(r#"{ a(x: """b"") }"#), Err(UnterminatedString(7)));
        assert_eq!(tally(r#"{ a(x: "\"#), Err(UnterminatedString(7)));
    }

    #[test]
    fn position_counts_characters() {
        assert_eq!(position("{\n ñx", 5), Pos { line: 2, column: 3 });
        assert_eq!(position("{", 99), Pos { line: 1, column: 2 });
    }
}
