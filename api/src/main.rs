use api::cli::Cli;
use clap::Parser;
use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    keep_pages_small();
    Cli::parse().run().await
}

/// The allocator asks for huge pages, of which each takes 2 MiB for the first few bytes in it.
fn keep_pages_small() {
    // Where it cannot be said, the process is larger, and that is all.
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}
