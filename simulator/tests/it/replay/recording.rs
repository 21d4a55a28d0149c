use serde_json::Value;

/// A request and the answer a real API server gave to it.
pub struct Exchange {
    pub number: usize,
    pub note: String,
    /// Whose request it was, in words.
    pub identity: String,
    pub method: String,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub accept: String,
    pub content_type: String,
    /// Null for none; a text is sent as it is.
    pub body: Value,
    pub status: u16,
    /// The headers of the answer that tell something.
    pub headers: Vec<(String, String)>,
    pub answer: Value,
    /// The events of a watch or the lines of a followed log.
    pub stream: Option<Vec<Value>>,
    /// The field that was cut out of the recorded answer.
    pub without: String,
}

impl Exchange {
    pub fn is_watch(&self) -> bool {
        self.query.iter().any(|(name, _)| name == "watch")
    }

    fn of(value: &Value) -> Self {
        let (request, response) = (&value["request"], &value["response"]);
        let text = |value: &Value, fallback: &str| value.as_str().unwrap_or(fallback).to_owned();
        let headers = &request["headers"];
        Self {
            number: usize::try_from(value["n"].as_u64().unwrap()).unwrap(),
            note: text(&value["note"], ""),
            identity: text(&value["identity"], ""),
            method: text(&request["method"], ""),
            path: text(&request["path"], ""),
            query: pairs(&request["query"]),
            accept: text(&headers["accept"], "application/json"),
            content_type: text(&headers["content-type"], "application/json"),
            body: request["body"].clone(),
            status: u16::try_from(response["status"].as_u64().unwrap()).unwrap(),
            headers: pairs(&response["headers"]),
            answer: response["body"].clone(),
            stream: response["stream"].as_array().cloned(),
            without: text(&response["without"], ""),
        }
    }
}

fn pairs(value: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let fields = value.as_object().into_iter().flatten();
    fields.map(|(name, value)| (name.clone(), text(value))).collect()
}

/// The exchanges of `recordings/<name>.json`, in order.
pub fn read(name: &str) -> Vec<Exchange> {
    let path = format!("{}/recordings/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let recording: Value = serde_json::from_str(&text).unwrap();
    let exchanges = recording["exchanges"].as_array().unwrap();
    exchanges.iter().map(Exchange::of).collect()
}
