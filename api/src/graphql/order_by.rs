//! In which order a list comes, per entity.

use async_graphql::{Enum, InputObject};
use domain::page::{self, Sort, SortField};

/// Which way a list runs.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "page::Direction")]
pub enum OrderDirection {
    /// Smallest, earliest or first in the alphabet at the front.
    Asc,
    /// Greatest, latest or last in the alphabet at the front.
    Desc,
}

macro_rules! order_by {
    ($(#[$meta:meta])* $input:ident, $(#[$fields_meta:meta])* $fields:ident {
        $($(#[$field_meta:meta])* $field:ident,)*
    }) => {
        $(#[$fields_meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Enum)]
        pub enum $fields { $($(#[$field_meta])* $field,)* }

        $(#[$meta])*
        #[derive(InputObject)]
        pub struct $input {
            /// What to order by; ids tell equal items apart.
            field: $fields,
            /// Which way.
            #[graphql(default_with = "OrderDirection::Desc")]
            direction: OrderDirection,
        }

        impl From<$input> for Sort {
            fn from(order: $input) -> Self {
                let $input { field, direction } = order;
                let by = match field { $($fields::$field => SortField::$field,)* };
                Self { by, direction: direction.into() }
            }
        }
    };
}

order_by! {
    /// The order of a list of accounts.
    UserOrderBy,
    /// What accounts are ordered by.
    UserOrderField {
        /// When they registered.
        CreatedAt,
        /// The e-mail address.
        Email,
    }
}

order_by! {
    /// The order of a list of products.
    ProductOrderBy,
    /// What products are ordered by.
    ProductOrderField {
        /// When they were made.
        CreatedAt,
        /// When they were last changed.
        UpdatedAt,
        /// The name.
        Name,
        /// The price.
        Price,
    }
}

order_by! {
    /// The order of a list of orders.
    OrderOrderBy,
    /// What orders are ordered by.
    OrderOrderField {
        /// When they were placed.
        CreatedAt,
        /// When they were last changed.
        UpdatedAt,
        /// What they cost.
        Amount,
    }
}

order_by! {
    /// The order of a list of instances.
    InstanceOrderBy,
    /// What instances are ordered by.
    InstanceOrderField {
        /// When they were paid for.
        CreatedAt,
        /// When they were last changed.
        UpdatedAt,
        /// The name.
        Name,
    }
}

order_by! {
    /// The order of a list of versions.
    VersionOrderBy,
    /// What versions are ordered by.
    VersionOrderField {
        /// When they were registered.
        CreatedAt,
    }
}

order_by! {
    /// The order of a list of applications.
    ApplicationOrderBy,
    /// What applications are ordered by.
    ApplicationOrderField {
        /// When they were made.
        CreatedAt,
        /// When they were last changed.
        UpdatedAt,
        /// The name.
        Name,
    }
}

order_by! {
    /// The order of a list of clusters.
    ClusterOrderBy,
    /// What clusters are ordered by.
    ClusterOrderField {
        /// When they were asked for.
        CreatedAt,
        /// When they were last changed.
        UpdatedAt,
        /// The name.
        Name,
    }
}

order_by! {
    /// The order of a list of environments.
    EnvironmentOrderBy,
    /// What environments are ordered by.
    EnvironmentOrderField {
        /// When they were made.
        CreatedAt,
        /// When they were last changed.
        UpdatedAt,
        /// The name.
        Name,
    }
}

order_by! {
    /// The order of a list of deployments.
    DeploymentOrderBy,
    /// What deployments are ordered by.
    DeploymentOrderField {
        /// When they were asked for.
        CreatedAt,
        /// When they last changed.
        UpdatedAt,
    }
}

order_by! {
    /// The order of a list of workflows.
    WorkflowOrderBy,
    /// What workflows are ordered by.
    WorkflowOrderField {
        /// When they were planned.
        CreatedAt,
    }
}

order_by! {
    /// The order of a list of tasks.
    TaskOrderBy,
    /// What tasks are ordered by.
    TaskOrderField {
        /// When they were planned.
        CreatedAt,
        /// When they were last changed.
        UpdatedAt,
    }
}
