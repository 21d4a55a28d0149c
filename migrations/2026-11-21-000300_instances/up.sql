CREATE TABLE instances (
    id TEXT PRIMARY KEY NOT NULL,
    number BIGINT NOT NULL UNIQUE,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    owner_id TEXT NOT NULL REFERENCES users (id),
    order_id TEXT REFERENCES orders (id),
    name TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN (
        'CREATING', 'RUNNING', 'STOPPING', 'STOPPED', 'STARTING',
        'RESTARTING', 'UPDATING', 'FAILED', 'DELETING', 'DELETED'
    )),
    spec TEXT NOT NULL,
    namespace TEXT NOT NULL,
    host TEXT NOT NULL,
    restart_token TEXT,
    failure TEXT,
    released_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT,
    version BIGINT NOT NULL
);
-- A name is held until it is released.
CREATE UNIQUE INDEX instances_living_name ON instances (tenant_id, name) WHERE released_at IS NULL;
CREATE INDEX instances_newest ON instances (created_at, id);
CREATE INDEX instances_of_tenant ON instances (tenant_id, created_at, id);

-- What the cluster showed last.
CREATE TABLE runtimes (
    instance_id TEXT PRIMARY KEY NOT NULL REFERENCES instances (id),
    ready_replicas INTEGER NOT NULL,
    total_replicas INTEGER NOT NULL,
    message TEXT,
    error_reason TEXT,
    observed_at BIGINT NOT NULL
);

CREATE TABLE pods (
    uid TEXT PRIMARY KEY NOT NULL,
    instance_id TEXT NOT NULL REFERENCES instances (id),
    name TEXT NOT NULL,
    namespace TEXT NOT NULL,
    phase TEXT NOT NULL,
    ready BOOLEAN NOT NULL,
    restarts INTEGER NOT NULL,
    node TEXT,
    ip TEXT,
    reason TEXT,
    message TEXT,
    last_termination TEXT,
    started_at BIGINT
);
CREATE INDEX pods_of_instance ON pods (instance_id);

CREATE TABLE targets (
    name TEXT PRIMARY KEY NOT NULL,
    simulated BOOLEAN NOT NULL,
    connected BOOLEAN NOT NULL
);
