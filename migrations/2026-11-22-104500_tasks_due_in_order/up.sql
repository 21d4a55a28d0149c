-- Tasks that fall due at the same time are claimed in the order of their ids, without sorting them.
DROP INDEX tasks_due;
CREATE INDEX tasks_due ON tasks (ready_at, id) WHERE ready_at IS NOT NULL;
