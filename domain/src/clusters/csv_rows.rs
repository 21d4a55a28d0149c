//! What the rows of a file of clusters say.

use csv::{ReaderBuilder, StringRecord, Trim};

use super::{DevClusterProvider, NewDevCluster, Ports};
use crate::error::{Error, Result};

/// How many clusters a file may name.
const MOST_ROWS: usize = 500;

const COLUMNS: [&str; 8] = [
    "env",
    "provider",
    "node_port",
    "pf_port",
    "register_portainer",
    "haproxy_route",
    "http_port",
    "https_port",
];

/// A row, with what it asks for or why that cannot be read.
pub(super) struct CsvRow {
    pub line: u64,
    pub name: String,
    pub cluster: std::result::Result<NewDevCluster, String>,
}

/// Comments begin with `#`; columns come in any order, and all but `env` may be missing.
pub(super) fn parse(csv: &str) -> Result<Vec<CsvRow>> {
    let csv = csv.trim_start_matches('\u{feff}');
    let mut reader = ReaderBuilder::new()
        .comment(Some(b'#'))
        .trim(Trim::All)
        .flexible(true)
        .from_reader(csv.as_bytes());
    let header = reader.headers().map_err(|error| Error::invalid("csv", error.to_string()))?;
    let header = header.clone();
    if let Some(stray) = header.iter().find(|name| !COLUMNS.contains(name)) {
        return Err(Error::invalid("csv", format!("knows no column {stray:.40}")));
    }
    if !header.iter().any(|name| name == "env") {
        return Err(Error::invalid("csv", "has no column env"));
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| Error::invalid("csv", error.to_string()))?;
        if rows.len() == MOST_ROWS {
            return Err(Error::invalid("csv", format!("has more than {MOST_ROWS} rows")));
        }
        rows.push(row(&header, &record, line_of(&record, csv)));
    }
    Ok(rows)
}

/// The column that a field of a cluster stands in.
pub(super) fn column_of(field: &str) -> &str {
    match field.trim_start_matches('.') {
        "name" => "env",
        "nodePort" => "node_port",
        "portForwardPort" => "pf_port",
        "httpPort" => "http_port",
        "httpsPort" => "https_port",
        other => other,
    }
}

/// A record's position is before the comments that precede it.
fn line_of(record: &StringRecord, csv: &str) -> u64 {
    let Some(position) = record.position() else { return 0 };
    let start = usize::try_from(position.byte()).unwrap_or(csv.len());
    let before = csv.get(start..).unwrap_or_default().lines();
    let skipped = before.take_while(|line| line.trim().is_empty() || line.starts_with('#'));
    position.line() + u64::try_from(skipped.count()).unwrap_or(0)
}

fn row(header: &StringRecord, record: &StringRecord, line: u64) -> CsvRow {
    let value = |column: &str| {
        let place = header.iter().position(|name| name == column);
        place.and_then(|place| record.get(place)).filter(|value| !value.is_empty())
    };
    let name = value("env").unwrap_or_default().to_owned();
    let cluster = match record.len() {
        width if width == header.len() => cluster(&name, value),
        width => Err(format!("has {width} values, not {}", header.len())),
    };
    CsvRow { line, name, cluster }
}

fn cluster<'a>(
    name: &str,
    value: impl Fn(&str) -> Option<&'a str>,
) -> std::result::Result<NewDevCluster, String> {
    let port = |column: &str| {
        let port = value(column).map(|text| {
            text.parse::<i64>().map_err(|_| format!("{column}: must be a port number"))
        });
        port.transpose()
    };
    let flag = |column: &str| match value(column).map(str::to_lowercase).as_deref() {
        None => Ok(None),
        Some("false" | "no" | "0") => Ok(Some(false)),
        Some("true" | "yes" | "1") => Ok(Some(true)),
        Some(_) => Err(format!("{column}: must be true or false")),
    };
    let provider = match value("provider") {
        None => DevClusterProvider::K3d,
        Some(text) => DevClusterProvider::parse(text).ok_or("provider: must be k3d or kind")?,
    };
    Ok(NewDevCluster {
        name: name.to_owned(),
        tenant_id: None,
        provider,
        subnet: None,
        host: None,
        ports: Ports {
            node: port("node_port")?,
            port_forward: port("pf_port")?,
            http: port("http_port")?,
            https: port("https_port")?,
        },
        register_portainer: flag("register_portainer")?,
        haproxy_route: flag("haproxy_route")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_with_their_lines_whatever_the_order_of_the_columns() {
        let rows = parse(
            "# environments\n\
             provider, env, http_port, register_portainer\n\
             kind, dev, 18090, true\n\
             # a comment\n\
             , uat, ,\n",
        );

        let rows = rows.expect("it is good");
        let shown: Vec<_> = rows
            .iter()
            .map(|row| {
                let cluster = row.cluster.as_ref().expect("it is good");
                let ports = &cluster.ports;
                (row.line, row.name.as_str(), cluster.provider, ports.http, ports.node)
            })
            .collect();
        assert_eq!(
            shown,
            [
                (3, "dev", DevClusterProvider::Kind, Some(18090), None),
                (5, "uat", DevClusterProvider::K3d, None, None),
            ]
        );
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let rows =
            parse("env,provider,node_port,haproxy_route\na,minikube,,\nb,,x,\nc,,,maybe\nd\n")
                .expect("the header is good");

        let reasons: Vec<_> = rows.into_iter().filter_map(|row| row.cluster.err()).collect();
        assert_eq!(
            reasons,
            [
                "provider: must be k3d or kind",
                "node_port: must be a port number",
                "haproxy_route: must be true or false",
                "has 1 values, not 4",
            ]
        );
        assert!(parse("provider\nk3d\n").is_err() && parse("env,colour\na,red\n").is_err());
    }
}
