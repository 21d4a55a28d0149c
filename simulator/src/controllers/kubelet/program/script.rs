//! As much of a shell's language as short scripts take: quotes, variables, `;`, `&&`, `||` and
//! writing into a file.

use std::{collections::BTreeMap, iter::Peekable, str::Chars};

/// What a script's variables stand for.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    pub variables: BTreeMap<String, String>,
    /// What `"$@"` stands for.
    pub arguments: Vec<String>,
}

/// On what of the command before it depends whether a command is run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Join {
    #[default]
    Always,
    AfterSuccess,
    AfterFailure,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Command {
    pub join: Join,
    pub words: Vec<String>,
    /// The file that takes what it writes.
    pub output: Option<String>,
}

pub(super) fn parse(script: &str, scope: &Scope) -> Vec<Command> {
    let mut reader = Reader {
        text: script.chars().peekable(),
        scope,
        commands: Vec::new(),
        command: Command::default(),
        word: None,
        redirects: false,
    };
    reader.read();
    reader.commands
}

struct Reader<'a> {
    text: Peekable<Chars<'a>>,
    scope: &'a Scope,
    commands: Vec<Command>,
    command: Command,
    word: Option<String>,
    /// Whether the next word is the name of a file to write into.
    redirects: bool,
}

impl Reader<'_> {
    fn read(&mut self) {
        while let Some(c) = self.text.next() {
            match c {
                '\'' => self.literal(),
                '"' => self.quoted(),
                '\\' => self.escaped(),
                '$' => self.variable(),
                '>' => self.redirect(),
                ';' | '\n' => self.end_command(Join::Always),
                '&' if self.text.next_if_eq(&'&').is_some() => {
                    self.end_command(Join::AfterSuccess);
                }
                '|' if self.text.next_if_eq(&'|').is_some() => {
                    self.end_command(Join::AfterFailure);
                }
                c if c.is_whitespace() => self.end_word(),
                c => self.word().push(c),
            }
        }
        self.end_command(Join::Always);
    }

    fn word(&mut self) -> &mut String {
        self.word.get_or_insert_default()
    }

    fn literal(&mut self) {
        self.word();
        while let Some(c) = self.text.next().filter(|c| *c != '\'') {
            self.word().push(c);
        }
    }

    fn quoted(&mut self) {
        self.word();
        while let Some(c) = self.text.next().filter(|c| *c != '"') {
            match c {
                '\\' => self.escaped(),
                '$' => self.variable(),
                c => self.word().push(c),
            }
        }
    }

    fn escaped(&mut self) {
        if let Some(c) = self.text.next().filter(|c| *c != '\n') {
            self.word().push(c);
        }
    }

    fn variable(&mut self) {
        if self.text.next_if_eq(&'@').is_some() {
            return self.arguments();
        }
        let braced = self.text.next_if_eq(&'{').is_some();
        let mut name = String::new();
        while let Some(c) = self.text.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
            name.push(c);
        }
        if braced {
            self.text.next_if_eq(&'}');
        }
        match self.scope.variables.get(&name) {
            _ if name.is_empty() => self.word().push('$'),
            Some(value) => self.word().push_str(value),
            None => {}
        }
    }

    /// Each is a word of its own.
    fn arguments(&mut self) {
        for (index, argument) in self.scope.arguments.iter().enumerate() {
            if index > 0 {
                self.end_word();
            }
            self.word().push_str(argument);
        }
    }

    /// Errors go where everything goes, so `2>&1` says nothing.
    fn redirect(&mut self) {
        if self.text.next_if_eq(&'&').is_some() {
            self.text.next();
            self.word = None;
            return;
        }
        self.text.next_if_eq(&'>');
        self.end_word();
        self.redirects = true;
    }

    fn end_word(&mut self) {
        let Some(word) = self.word.take() else { return };
        if std::mem::take(&mut self.redirects) {
            self.command.output = Some(word);
        } else {
            self.command.words.push(word);
        }
    }

    fn end_command(&mut self, next: Join) {
        self.end_word();
        let command = std::mem::take(&mut self.command);
        self.command.join = next;
        if !command.words.is_empty() {
            self.commands.push(command);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(script: &str) -> Vec<Vec<String>> {
        let scope = Scope {
            variables: BTreeMap::from([("NAME".to_owned(), "a b".to_owned())]),
            arguments: vec!["x".to_owned(), "y z".to_owned()],
        };
        parse(script, &scope).into_iter().map(|command| command.words).collect()
    }

    #[test]
    fn quotes_hold_words_together() {
        let words = parsed(r#"a 'b  c' "d \"$NAME\"" e\ f '$NAME' ''"#);

        assert_eq!(words, [["a", "b  c", "d \"a b\"", "e f", "$NAME", ""]]);
    }

    #[test]
    fn arguments_are_words_of_their_own() {
        assert_eq!(parsed("run \"$@\" end"), [["run", "x", "y z", "end"]]);
    }

    #[test]
    fn commands_are_joined_in_three_ways() {
        let commands = parse("a; b && c 2>&1 || d > /tmp/e\nf", &Scope::default());

        let shown: Vec<_> = commands
            .iter()
            .map(|it| (it.join, it.words[0].as_str(), it.output.as_deref()))
            .collect();
        assert_eq!(
            shown,
            [
                (Join::Always, "a", None),
                (Join::Always, "b", None),
                (Join::AfterSuccess, "c", None),
                (Join::AfterFailure, "d", Some("/tmp/e")),
                (Join::Always, "f", None),
            ]
        );
    }
}
