DROP INDEX tasks_due;
CREATE INDEX tasks_due ON tasks (ready_at) WHERE ready_at IS NOT NULL;
