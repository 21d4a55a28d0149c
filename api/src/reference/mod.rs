//! Tables of the documentation that are made from what the program itself goes by.

mod errors;
mod metrics;
mod settings;

use clap::ValueEnum;

/// A page in `docs/` that has such a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Page {
    Errors,
    Limits,
    Metrics,
    Settings,
}

/// The table of a page, in Markdown.
pub fn table(page: Page) -> String {
    match page {
        Page::Errors => errors::table(),
        Page::Limits => settings::limits(),
        Page::Metrics => metrics::table(),
        Page::Settings => settings::table(),
    }
}

fn markdown<const N: usize>(
    head: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let mut table = line(&head.map(str::to_owned));
    table += &line(&[const { "---" }; N].map(str::to_owned));
    for row in rows {
        table += &line(&row.map(|cell| cell.replace('|', "\\|")));
    }
    table
}
