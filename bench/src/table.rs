//! Medians of rounds, as a table in Markdown.

use std::collections::HashMap;

/// Figures by their names, of one round.
pub type Figures = Vec<(&'static str, f64)>;

/// The rounds of several servers at one kind of work.
pub struct Table {
    title: String,
    rounds: Vec<(&'static str, Vec<Figures>)>,
}

impl Table {
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), rounds: Vec::new() }
    }

    pub fn add(&mut self, server: &'static str, round: Figures) {
        match self.rounds.iter_mut().find(|(name, _)| *name == server) {
            Some((_, rounds)) => rounds.push(round),
            None => self.rounds.push((server, vec![round])),
        }
    }

    /// A line for each server, and one for Slipway's ratio to each of the others.
    pub fn print(&self) {
        let Some(names) = self.rounds.first().and_then(|(_, rounds)| rounds.first()) else {
            return;
        };
        let names: Vec<_> = names.iter().map(|(name, _)| *name).collect();
        println!("\n| {} | {} |", self.title, names.join(" | "));
        println!("|---|{}", "--:|".repeat(names.len()));
        let medians: Vec<_> =
            self.rounds.iter().map(|(server, rounds)| (*server, medians(rounds))).collect();
        let line =
            |first: &str, cells: Vec<String>| println!("| {first} | {} |", cells.join(" | "));
        for (server, medians) in &medians {
            line(server, names.iter().map(|name| shown(medians[name])).collect());
        }
        let Some((first, ours)) = medians.first() else { return };
        for (server, theirs) in &medians[1..] {
            let ratio = |name: &&str| format!("{:.2}×", ours[name] / theirs[name]);
            line(&format!("{first} / {server}"), names.iter().map(ratio).collect());
        }
    }
}

fn medians(rounds: &[Figures]) -> HashMap<&'static str, f64> {
    let names = rounds.iter().flatten().map(|(name, _)| *name);
    let median = |name| {
        let figures = rounds.iter().flatten().filter(|(of, _)| *of == name);
        let mut figures: Vec<f64> = figures.map(|(_, figure)| *figure).collect();
        figures.sort_by(f64::total_cmp);
        figures[figures.len() / 2]
    };
    names.map(|name| (name, median(name))).collect()
}

fn shown(figure: f64) -> String {
    if figure >= 100.0 { format!("{figure:.0}") } else { format!("{figure:.2}") }
}
