use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;

use super::{
    Program,
    script::{self, Scope},
    shell::Shell,
};
use crate::object::{items, text};

/// What a container is told to run.
#[derive(Clone, Debug)]
pub(in super::super) struct Invocation {
    script: String,
    scope: Scope,
    /// Whether the first command that fails is the last.
    stops_at_failure: bool,
    message_path: String,
    /// Whether commands that nobody knows go on and on.
    serves: bool,
}

impl Invocation {
    /// None where the container says nothing, or nothing that is understood, and its image decides.
    pub fn of(container: &Value, serves: bool) -> Option<Self> {
        let variables = variables(container);
        let words = [&container["command"], &container["args"]];
        let words = words.into_iter().flat_map(items);
        let mut words = words.map(|word| expanded(text(word), &variables)).collect::<Vec<_>>();
        let name = words.first()?.rsplit('/').next()?;
        let mut invocation = Self {
            script: "\"$@\"".to_owned(),
            scope: Scope { variables, arguments: Vec::new() },
            stops_at_failure: false,
            message_path: text(&container["terminationMessagePath"]).to_owned(),
            serves,
        };
        if name.starts_with("buildctl") {
            invocation.scope.arguments = words;
            return Some(invocation);
        }
        let flags = words.get(1)?.strip_prefix('-')?;
        let is_script = matches!(name, "ash" | "bash" | "dash" | "sh") && flags.ends_with('c');
        if !is_script || words.len() < 3 {
            return None;
        }
        invocation.stops_at_failure = flags.contains('e');
        invocation.script = words.remove(2);
        // What follows the script is its own name, then its arguments.
        invocation.scope.arguments = words.into_iter().skip(3).collect();
        Some(invocation)
    }

    /// Runs it, for at least so long.
    pub fn run(&self, at_least: Duration) -> Program {
        let commands = script::parse(&self.script, &self.scope);
        let shell = Shell::new(at_least, self.serves, self.stops_at_failure);
        shell.run(&commands, &self.message_path)
    }
}

/// The environment, as far as the container itself spells it out.
fn variables(container: &Value) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    for variable in items(&container["env"]) {
        let value = expanded(text(&variable["value"]), &variables);
        variables.insert(text(&variable["name"]).to_owned(), value);
    }
    variables
}

/// Puts values for `$(NAME)`, as a kubelet does; `$$` is a `$`.
fn expanded(text: &str, variables: &BTreeMap<String, String>) -> String {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        let reference = after.strip_prefix('(').and_then(|inner| inner.split_once(')'));
        let value = reference.and_then(|(name, after)| Some((variables.get(name)?, after)));
        rest = match (value, after.strip_prefix('$')) {
            (Some((value, after)), _) => {
                expanded.push_str(value);
                after
            }
            (None, escaped) => {
                expanded.push('$');
                escaped.unwrap_or(after)
            }
        };
    }
    expanded + rest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run(container: &Value) -> Program {
        Invocation::of(container, false).unwrap().run(Duration::from_secs(2))
    }

    fn log(program: &Program) -> Vec<&str> {
        program.lines.iter().map(|(_, line)| line.as_str()).collect()
    }

    #[test]
    fn references_are_expanded_and_doubled_signs_stand_for_one() {
        let program = run(&json!({
            "command": ["sh", "-c", "echo $(A) $$A $(B) \"$@\"", "name", "one", "two three"],
            "env": [{"name": "A", "value": "1"}],
        }));

        assert_eq!(log(&program), ["1 1 $(B) one two three"]);
    }

    #[test]
    fn what_is_not_a_script_is_left_to_the_image() {
        for command in [json!(null), json!(["nginx", "-g"]), json!(["sh"]), json!(["sh", "-c"])] {
            assert!(Invocation::of(&json!({"command": command}), false).is_none(), "{command}");
        }
    }
}
