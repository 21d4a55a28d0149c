mod local;

pub use local::LocalBus;
