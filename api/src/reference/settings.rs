use clap::{Arg, Args, Command};

use super::markdown;
use crate::{config::Config, http::Limits};

const HEAD: [&str; 4] = ["variable", "flag", "default", "meaning"];

/// Every setting but the limits.
pub fn table() -> String {
    let limits = Limits::augment_args(Command::new("limits"));
    let is_limit = |arg: &&Arg| limits.get_arguments().any(|limit| limit.get_id() == arg.get_id());
    let all = Config::augment_args(Command::new("slipway"));
    markdown(HEAD, all.get_arguments().filter(|arg| !is_limit(arg)).map(row))
}

pub fn limits() -> String {
    let limits = Limits::augment_args(Command::new("limits"));
    markdown(HEAD, limits.get_arguments().map(row))
}

fn row(arg: &Arg) -> [String; 4] {
    let code = |text: &str| format!("`{text}`");
    let variable = arg.get_env().and_then(|name| name.to_str()).map(code);
    let flag = arg.get_long().map(|name| code(&format!("--{name}")));
    let defaults = arg.get_default_values();
    let default = defaults.first().and_then(|value| value.to_str()).map(code);
    [
        variable.unwrap_or_default(),
        flag.unwrap_or_default(),
        default.unwrap_or_else(|| "none".to_owned()),
        meaning(arg),
    ]
}

fn meaning(arg: &Arg) -> String {
    let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    let choices = arg.get_possible_values();
    if choices.is_empty() {
        return help;
    }
    let choices = choices.iter().map(|choice| match choice.get_help() {
        Some(help) => format!("`{}` ({help})", choice.get_name()),
        None => format!("`{}`", choice.get_name()),
    });
    format!("{help}: {}", choices.collect::<Vec<_>>().join(", "))
}
