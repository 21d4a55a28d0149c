mod claim;
mod reads;
mod rows;
mod writes;
