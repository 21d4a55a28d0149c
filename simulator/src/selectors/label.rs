use serde_json::Value;

use crate::{
    object::{entries, items, text},
    status_error::{Result, StatusError},
};

#[derive(Clone, Debug, PartialEq)]
enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Absent,
    Above(i64),
    Below(i64),
}

#[derive(Clone, Debug, PartialEq)]
struct Requirement {
    key: String,
    test: Test,
}

/// A conjunction of requirements on labels; an empty one matches everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct LabelSelector(Vec<Requirement>);

impl LabelSelector {
    /// The query form: `a=b,c!=d,e in (f,g),h,!i`.
    pub fn parse(text: &str) -> Result<Self> {
        let mut requirements = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let (requirement, after) = requirement(rest)?;
            requirements.push(requirement);
            rest = match after.trim_start() {
                "" => "",
                after => after.strip_prefix(',').ok_or_else(|| unparsable(after, "','"))?.trim(),
            };
        }
        Ok(Self(requirements))
    }

    /// `matchLabels` and `matchExpressions`.
    pub fn of_object(selector: &Value) -> Self {
        let mut all = Self::of_map(&selector["matchLabels"]);
        for expression in items(&selector["matchExpressions"]) {
            let values =
                || items(&expression["values"]).iter().map(|v| text(v).to_owned()).collect();
            let test = match text(&expression["operator"]) {
                "In" => Test::In(values()),
                "NotIn" => Test::NotIn(values()),
                "Exists" => Test::Exists,
                _ => Test::Absent,
            };
            all.0.push(Requirement { key: text(&expression["key"]).to_owned(), test });
        }
        all
    }

    /// Plain pairs, as in a Service.
    pub fn of_map(labels: &Value) -> Self {
        let equal = |(key, value): (&String, &Value)| Requirement {
            key: key.clone(),
            test: Test::In(vec![text(value).to_owned()]),
        };
        Self(entries(labels).map(equal).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn matches(&self, labels: &Value) -> bool {
        self.0.iter().all(|requirement| requirement.holds(labels))
    }

    /// As `Scale` shows it.
    pub fn print(&self) -> String {
        let parts: Vec<String> = self.0.iter().map(Requirement::print).collect();
        parts.join(",")
    }
}

impl Requirement {
    fn holds(&self, labels: &Value) -> bool {
        let value = labels[self.key.as_str()].as_str();
        let number = || value.and_then(|value| value.parse::<i64>().ok());
        match &self.test {
            Test::In(wanted) => value.is_some_and(|value| wanted.iter().any(|one| one == value)),
            Test::NotIn(unwanted) => {
                value.is_none_or(|value| unwanted.iter().all(|one| one != value))
            }
            Test::Exists => value.is_some(),
            Test::Absent => value.is_none(),
            Test::Above(limit) => number().is_some_and(|number| number > *limit),
            Test::Below(limit) => number().is_some_and(|number| number < *limit),
        }
    }

    fn print(&self) -> String {
        let key = &self.key;
        match &self.test {
            Test::In(values) => match values.as_slice() {
                [one] => format!("{key}={one}"),
                many => format!("{key} in ({})", many.join(",")),
            },
            Test::NotIn(values) => format!("{key} notin ({})", values.join(",")),
            Test::Exists => key.clone(),
            Test::Absent => format!("!{key}"),
            Test::Above(limit) => format!("{key}>{limit}"),
            Test::Below(limit) => format!("{key}<{limit}"),
        }
    }
}

/// One requirement and what follows it.
fn requirement(text: &str) -> Result<(Requirement, &str)> {
    if let Some(rest) = text.strip_prefix('!') {
        let (key, rest) = word(rest.trim_start());
        return Ok((Requirement { key: checked(key, rest)?, test: Test::Absent }, rest));
    }
    let (key, rest) = word(text);
    let key = checked(key, rest)?;
    let rest = rest.trim_start();
    for (operator, make) in OPERATORS {
        if let Some(rest) = rest.strip_prefix(operator) {
            let (value, rest) = word(rest.trim_start());
            return Ok((Requirement { key, test: make(value)? }, rest));
        }
    }
    let (operator, after) = word(rest);
    match operator {
        "" => Ok((Requirement { key, test: Test::Exists }, rest)),
        "in" | "notin" => {
            let (values, rest) = values(after.trim_start())?;
            let test = if operator == "in" { Test::In(values) } else { Test::NotIn(values) };
            Ok((Requirement { key, test }, rest))
        }
        other => Err(unparsable(other, "in, notin, =, ==, !=, gt, lt")),
    }
}

type Make = fn(&str) -> Result<Test>;

const OPERATORS: [(&str, Make); 5] = [
    ("==", |value| Ok(Test::In(vec![value.to_owned()]))),
    ("=", |value| Ok(Test::In(vec![value.to_owned()]))),
    ("!=", |value| Ok(Test::NotIn(vec![value.to_owned()]))),
    (">", |value| number(value).map(Test::Above)),
    ("<", |value| number(value).map(Test::Below)),
];

fn values(text: &str) -> Result<(Vec<String>, &str)> {
    let inner = text.strip_prefix('(').ok_or_else(|| unparsable(text, "'('"))?;
    let (list, rest) = inner.split_once(')').ok_or_else(|| unparsable("", "',' or ')'"))?;
    Ok((list.split(',').map(|value| value.trim().to_owned()).collect(), rest))
}

fn word(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !(c.is_ascii_alphanumeric() || "-_./".contains(c)))
        .unwrap_or(text.len());
    text.split_at(end)
}

fn checked(key: &str, rest: &str) -> Result<String> {
    if key.is_empty() { Err(unparsable(rest, "identifier")) } else { Ok(key.to_owned()) }
}

fn number(text: &str) -> Result<i64> {
    text.parse().map_err(|_| unparsable(text, "integer"))
}

fn unparsable(found: &str, expected: &str) -> StatusError {
    StatusError::bad_request(format!(
        "unable to parse requirement: found '{found}', expected: {expected}"
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::LabelSelector;

    #[test]
    fn set_based_requirements() {
        let labels = json!({"app": "web", "tier": "front", "size": "3"});
        for (text, expected) in [
            ("", true),
            ("app=web", true),
            ("app==web,tier!=back", true),
            ("app in (api, web),tier notin (back)", true),
            ("app,!gone", true),
            ("size>2,size<4", true),
            ("app=api", false),
            ("gone", false),
            ("!app", false),
            ("app notin (web)", false),
        ] {
            let selector = LabelSelector::parse(text).unwrap();
            assert_eq!(selector.matches(&labels), expected, "{text}");
        }
    }

    #[test]
    fn an_open_set_is_refused() {
        let refusal = LabelSelector::parse("example.io/set in (seven").unwrap_err();

        assert_eq!(
            refusal.message(),
            "unable to parse requirement: found '', expected: ',' or ')'"
        );
    }
}
