//! What a container answers on its port: 200 or, where its image or the path names one by
//! `http503` or `/status/503`, another status.

use http::StatusCode;

use super::container::ContainerRun;

impl ContainerRun {
    /// None where nobody listens, on this port or yet.
    pub fn answer(&self, port: i64, path: &str) -> Option<(StatusCode, String)> {
        if !self.ready || !self.ports.contains(&port) {
            return None;
        }
        let status = of_path(path).or_else(|| of_image(&self.image)).unwrap_or(StatusCode::OK);
        Some((status, format!("{}: {} at {path}\n", self.name, status.as_u16())))
    }
}

fn of_path(path: &str) -> Option<StatusCode> {
    path.strip_prefix("/status/")?.parse().ok()
}

fn of_image(image: &str) -> Option<StatusCode> {
    let name = image.rsplit('/').next()?;
    let mut words = name.split(|c: char| !c.is_ascii_alphanumeric());
    words.find_map(|word| word.strip_prefix("http")?.parse().ok())
}
