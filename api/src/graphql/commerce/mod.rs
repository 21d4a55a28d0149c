mod inputs;
mod mutation;
mod order;
mod product;
mod query;
mod spec;
mod subscription;

pub use inputs::{GpuInput, OrderFilter, PlaceOrderInput};
pub use mutation::CommerceMutation;
pub use order::Order;
pub use product::Product;
pub use query::{CommerceQuery, either_id_or_number};
pub use spec::ComputeSpec;
pub use subscription::CommerceSubscription;
