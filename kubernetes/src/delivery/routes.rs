use domain::{
    delivery::{Place, Route, Slot},
    error::Result,
};
use k8s_openapi::api::core::v1::Service;
use kube::Client;

use super::{find, labels, manifest};
use crate::{
    apply::{inside_namespace, patch_inside},
    error,
    remove::delete_this,
};

pub(super) async fn apply(client: &Client, route: &Route) -> Result<()> {
    let Place { namespace, application, .. } = &route.place;
    find::free::<Service>(client, &route.place, application).await?;
    let service = manifest::route(route);
    let put = || patch_inside(client, namespace, &service);
    inside_namespace(client, namespace, put).await.map(drop).map_err(error::cluster)
}

pub(super) async fn routed(client: &Client, place: &Place) -> Result<Option<Slot>> {
    let service = find::own::<Service>(client, place, &place.application).await?;
    let selector = service.and_then(|service| service.spec?.selector);
    Ok(selector.as_ref().and_then(labels::slot))
}

pub(super) async fn remove(client: &Client, place: &Place) -> Result<()> {
    match find::own::<Service>(client, place, &place.application).await? {
        Some(service) => delete_this(client, &service).await.map_err(error::cluster),
        None => Ok(()),
    }
}
