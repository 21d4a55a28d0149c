mod catalogue;
mod catalogue_rows;
mod deployment_rows;
mod deployments;
mod reads;
mod writes;
