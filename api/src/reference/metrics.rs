use std::collections::BTreeSet;

use super::markdown;
use crate::metrics::Metrics;

/// Every metric with its labels, by what a process shows of itself.
pub fn table() -> String {
    let text = Metrics::sample().text().expect("a text can be written");
    let rows = text.lines().filter_map(|line| {
        let (name, help) = line.strip_prefix("# HELP ")?.split_once(' ')?;
        let kind = text
            .lines()
            .find_map(|line| line.strip_prefix("# TYPE ")?.strip_prefix(name)?.strip_prefix(' '))?;
        // A counter's samples have another name than the counter.
        let shown = if kind == "counter" { format!("{name}_total") } else { name.to_owned() };
        Some([format!("`{shown}`"), kind.to_owned(), labels(&text, name), help.to_owned()])
    });
    markdown(["metric", "type", "labels", "meaning"], rows)
}

fn labels(text: &str, metric: &str) -> String {
    let of_metric = text.lines().filter_map(|line| line.strip_prefix(metric));
    let labels = of_metric.filter_map(|rest| {
        let (suffix, rest) = rest.split_once('{')?;
        let whole = ["", "_total", "_bucket"].contains(&suffix);
        whole.then(|| rest.split_once('}').map(|(labels, _)| labels)).flatten()
    });
    let names: BTreeSet<&str> = labels
        .flat_map(|labels| labels.split(','))
        .filter_map(|label| Some(label.split_once('=')?.0))
        .filter(|name| *name != "le")
        .collect();
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
