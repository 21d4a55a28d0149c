mod order;
mod product;
mod service;
mod spec;
mod store;

pub use order::{Order, OrderAction, OrderFilter, OrderStatus, OrderSummary};
pub use product::{
    NewProduct, Product, ProductChange, ProductFilter, ProductStatus, ProductSummary,
};
pub use service::NewOrder;
pub use spec::{ComputeSpec, Gpu, SpecChange};
pub use store::{CommerceReads, CommerceWrites, Offer, OrderBasis, OrderQuestion};
