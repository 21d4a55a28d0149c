CREATE TABLE instance_logs (
    id TEXT PRIMARY KEY NOT NULL,
    instance_id TEXT NOT NULL REFERENCES instances (id),
    log_type TEXT NOT NULL CHECK (log_type IN ('INFO', 'ERROR', 'WARNING', 'STATE_CHANGE')),
    message TEXT NOT NULL,
    data TEXT,
    created_at BIGINT NOT NULL
);
CREATE INDEX instance_logs_of_instance ON instance_logs (instance_id, created_at, id);
CREATE INDEX instance_logs_age ON instance_logs (created_at);
