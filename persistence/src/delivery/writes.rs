use async_trait::async_trait;
use diesel::prelude::*;
use domain::{
    Result,
    delivery::{
        Application, BuiltImage, DeliveryWrites, Deployment, Environment, Standing, Version,
    },
    ids::{ApplicationId, EnvironmentId},
};

use super::{
    catalogue_rows::{ApplicationRow, EnvironmentRow, VersionRow},
    deployment_rows::{ApplicationOfDeploymentRow, BuiltImageRow, DeploymentRow, StandingRow},
};
use crate::{
    backend::{Conn, run},
    error::database,
    page::stale,
    run::RunQueryDsl,
    schema::{
        applications, built_images, deployment_applications, deployments, environments, standings,
        versions,
    },
    types::AsText,
};

#[async_trait]
impl DeliveryWrites for Conn {
    async fn insert_version(&mut self, version: &Version) -> Result<()> {
        let row = VersionRow::from(version);
        run!(self, |c| diesel::insert_into(versions::table).values(&row).execute(c))
            .map(drop)
            .map_err(database)
    }

    async fn update_version(&mut self, version: &Version) -> Result<()> {
        let row = VersionRow::from(version);
        let this = versions::id.eq(AsText(version.id));
        run!(self, |c| diesel::update(versions::table).filter(this).set(&row).execute(c))
            .map(drop)
            .map_err(database)
    }

    async fn insert_application(&mut self, application: &Application) -> Result<()> {
        let row = ApplicationRow::from(application);
        run!(self, |c| diesel::insert_into(applications::table).values(&row).execute(c))
            .map(drop)
            .map_err(database)
    }

    async fn update_application(&mut self, application: &Application) -> Result<()> {
        let mut row = ApplicationRow::from(application);
        row.revision += 1;
        let unchanged = applications::id
            .eq(AsText(application.id))
            .and(applications::revision.eq(application.revision));
        let changed = run!(self, |c| diesel::update(applications::table)
            .filter(unchanged)
            .set(&row)
            .execute(c))
        .map_err(database)?;
        stale(changed, "application", application.id)
    }

    async fn insert_environment(&mut self, environment: &Environment) -> Result<()> {
        let row = EnvironmentRow::from(environment);
        run!(self, |c| diesel::insert_into(environments::table).values(&row).execute(c))
            .map(drop)
            .map_err(database)
    }

    async fn update_environment(&mut self, environment: &Environment) -> Result<()> {
        let mut row = EnvironmentRow::from(environment);
        row.revision += 1;
        let unchanged = environments::id
            .eq(AsText(environment.id))
            .and(environments::revision.eq(environment.revision));
        let changed = run!(self, |c| diesel::update(environments::table)
            .filter(unchanged)
            .set(&row)
            .execute(c))
        .map_err(database)?;
        stale(changed, "environment", environment.id)
    }

    async fn insert_deployment(&mut self, deployment: &Deployment) -> Result<()> {
        let row = DeploymentRow::from(deployment);
        run!(self, |c| diesel::insert_into(deployments::table).values(&row).execute(c))
            .map_err(database)?;
        for row in ApplicationOfDeploymentRow::all(deployment) {
            run!(self, |c| diesel::insert_into(deployment_applications::table)
                .values(&row)
                .execute(c))
            .map_err(database)?;
        }
        Ok(())
    }

    async fn update_deployment(&mut self, deployment: &Deployment) -> Result<()> {
        let mut row = DeploymentRow::from(deployment);
        row.revision += 1;
        let unchanged = deployments::id
            .eq(AsText(deployment.id))
            .and(deployments::revision.eq(deployment.revision));
        let changed = run!(self, |c| diesel::update(deployments::table)
            .filter(unchanged)
            .set(&row)
            .execute(c))
        .map_err(database)?;
        stale(changed, "deployment", deployment.id)
    }

    async fn save_standing(&mut self, standing: &Standing) -> Result<bool> {
        let row = StandingRow::from(standing);
        let this = (AsText(standing.application_id), AsText(standing.environment_id));
        let place = standings::tenant_id
            .eq(AsText(standing.tenant_id))
            .and(standings::server.eq(&standing.server))
            .and(standings::namespace.eq(&standing.namespace))
            .and(standings::name.eq(&standing.name));
        let stays = run!(self, |c| diesel::update(standings::table.find(this).filter(place))
            .set(&row)
            .execute(c))
        .map_err(database)?;
        if stays == 1 {
            return Ok(true);
        }
        run!(self, |c| diesel::delete(standings::table.find(this)).execute(c)).map_err(database)?;
        let taken = run!(self, |c| diesel::insert_into(standings::table)
            .values(&row)
            .on_conflict_do_nothing()
            .execute(c))
        .map_err(database)?;
        Ok(taken == 1)
    }

    async fn delete_standings_of(&mut self, application: ApplicationId) -> Result<()> {
        let theirs = standings::application_id.eq(AsText(application));
        run!(self, |c| diesel::delete(standings::table.filter(theirs)).execute(c))
            .map(drop)
            .map_err(database)
    }

    async fn delete_standings_in(&mut self, environment: EnvironmentId) -> Result<()> {
        let theirs = standings::environment_id.eq(AsText(environment));
        run!(self, |c| diesel::delete(standings::table.filter(theirs)).execute(c))
            .map(drop)
            .map_err(database)
    }

    async fn save_built_image(&mut self, image: &BuiltImage) -> Result<()> {
        let row = BuiltImageRow::from(image);
        run!(self, |c| diesel::insert_into(built_images::table)
            .values(&row)
            .on_conflict((built_images::application_id, built_images::version_id))
            .do_update()
            .set(&row)
            .execute(c))
        .map(drop)
        .map_err(database)
    }
}
