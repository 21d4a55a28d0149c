//! What one writes by the documentation of async-graphql and diesel-async: a pool, a loader for
//! each edge to one, a broadcast channel for subscriptions.

mod database;
mod follow;
mod loaders;
mod schema;
mod tables;

use std::sync::Arc;

use anyhow::Result;
use async_graphql::{Schema, dataloader::DataLoader};
use async_graphql_axum::{GraphQL, GraphQLSubscription};
use axum::{Router, routing::post_service};
use tokio::{net::TcpListener, sync::broadcast};

use self::{
    database::Database,
    follow::Follow,
    loaders::{Instances, Products},
    schema::{Mutation, Query},
};

pub async fn serve(listen: &str, database: &str) -> Result<()> {
    let database = Arc::new(Database::open(database)?);
    let schema = Schema::build(Query, Mutation, Follow)
        .data(DataLoader::new(Products(database.clone()), tokio::spawn))
        .data(DataLoader::new(Instances(database.clone()), tokio::spawn))
        .data(database)
        .data(broadcast::Sender::<tables::Order>::new(1_024))
        .finish();
    let routes =
        post_service(GraphQL::new(schema.clone())).get_service(GraphQLSubscription::new(schema));
    let listener = TcpListener::bind(listen).await?;
    Ok(axum::serve(listener, Router::new().route("/graphql", routes)).await?)
}
