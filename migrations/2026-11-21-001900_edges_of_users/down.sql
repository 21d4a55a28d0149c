DROP INDEX instances_of_owner;
DROP INDEX orders_of_user;
