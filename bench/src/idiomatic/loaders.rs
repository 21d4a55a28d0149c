use std::{collections::HashMap, sync::Arc};

use async_graphql::{Error, dataloader::Loader};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{
    database::{Database, on},
    tables::{Instance, Product, instances, products},
};

pub struct Products(pub Arc<Database>);
pub struct Instances(pub Arc<Database>);

impl Loader<String> for Products {
    type Value = Product;
    type Error = Arc<Error>;

    async fn load(&self, ids: &[String]) -> Result<HashMap<String, Product>, Arc<Error>> {
        self.found(ids).await.map_err(Arc::new)
    }
}

impl Products {
    async fn found(&self, ids: &[String]) -> Result<HashMap<String, Product>, Error> {
        let found: Vec<Product> = on!(&*self.0, |c| products::table
            .filter(products::id.eq_any(ids))
            .select(Product::as_select())
            .load(&mut c)
            .await?);
        Ok(found.into_iter().map(|product| (product.id.clone(), product)).collect())
    }
}

impl Loader<String> for Instances {
    type Value = Instance;
    type Error = Arc<Error>;

    async fn load(&self, ids: &[String]) -> Result<HashMap<String, Instance>, Arc<Error>> {
        self.found(ids).await.map_err(Arc::new)
    }
}

impl Instances {
    async fn found(&self, ids: &[String]) -> Result<HashMap<String, Instance>, Error> {
        let found: Vec<Instance> = on!(&*self.0, |c| instances::table
            .filter(instances::id.eq_any(ids))
            .select(Instance::as_select())
            .load(&mut c)
            .await?);
        Ok(found.into_iter().map(|instance| (instance.id.clone(), instance)).collect())
    }
}
