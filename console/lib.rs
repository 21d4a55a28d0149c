//! GraphiQL, as `build.rs` built it. Where it could not, there is nothing here.

use std::io::{self, Read};

use flate2::read::GzDecoder;
use include_dir::{Dir, File, include_dir};

static FILES: Dir<'_> = include_dir!("$OUT_DIR/dist");

/// A file that the page asks for.
pub struct Asset {
    pub content_type: &'static str,
    /// The content, compressed by gzip.
    pub gzip: &'static [u8],
}

/// The page, where it could be built.
pub fn page() -> Option<&'static [u8]> {
    FILES.get_file("index.html").map(File::contents)
}

/// A file by its name, which changes with its content.
pub fn asset(name: &str) -> Option<Asset> {
    let file = FILES.get_file(format!("assets/{name}.gz"))?;
    Some(Asset { content_type: content_type(name), gzip: file.contents() })
}

impl Asset {
    /// The content for those who do not take gzip.
    pub fn inflate(&self) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        GzDecoder::new(self.gzip).read_to_end(&mut content)?;
        Ok(content)
    }
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("ttf") => "font/ttf",
        _ => "application/octet-stream",
    }
}
