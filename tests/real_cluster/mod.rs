//! The same tests on whatever cluster there is: one that is simulated and served on a port, by the
//! rights that `deploy/` grants, and the one that `SLIPWAY_TEST_KUBECONFIG` names. Time is real here.

mod application;
mod instance;
mod place;
mod slipway;

use std::panic::{AssertUnwindSafe, resume_unwind};

use futures::FutureExt;

use self::{
    place::{Images, Place},
    slipway::Slipway,
};

/// Runs a test with a Slipway on that cluster, and removes what it left whatever came of it.
async fn on(place: Place, test: impl AsyncFnOnce(&Slipway, &Images)) {
    let slipway = Slipway::on(&place.kubeconfig).await;
    let outcome = AssertUnwindSafe(test(&slipway, &place.images)).catch_unwind().await;
    slipway.end().await;
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
}

async fn on_a_simulated_one(test: impl AsyncFnOnce(&Slipway, &Images)) {
    on(Place::simulated().await, test).await;
}

async fn on_the_one_that_is_named(test: impl AsyncFnOnce(&Slipway, &Images)) {
    match Place::named() {
        Some(place) => on(place, test).await,
        None => eprintln!("skipped: SLIPWAY_TEST_KUBECONFIG names no cluster"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_lives_on_a_simulated_cluster() {
    on_a_simulated_one(instance::lives).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_lives_on_the_cluster_that_is_named() {
    on_the_one_that_is_named(instance::lives).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_does_not_run_says_why_on_a_simulated_cluster() {
    on_a_simulated_one(instance::says_why_it_does_not_run).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_does_not_run_says_why_on_the_cluster_that_is_named() {
    on_the_one_that_is_named(instance::says_why_it_does_not_run).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_change_is_changed_back_on_a_simulated_cluster() {
    on_a_simulated_one(instance::is_mended).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_change_is_changed_back_on_the_cluster_that_is_named() {
    on_the_one_that_is_named(instance::is_mended).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_is_tested_and_released_on_a_simulated_cluster() {
    on_a_simulated_one(application::is_tested_and_released).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_is_tested_and_released_on_the_cluster_that_is_named() {
    on_the_one_that_is_named(application::is_tested_and_released).await;
}
