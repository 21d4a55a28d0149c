CREATE TABLE clusters (
    id TEXT PRIMARY KEY NOT NULL,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    owner_id TEXT NOT NULL REFERENCES users (id),
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    namespace TEXT,
    status TEXT NOT NULL CHECK (status IN (
        'CREATING', 'CREATED', 'RUNNING', 'SCALING', 'STOPPED', 'DELETING', 'DELETED', 'FAILED'
    )),
    body TEXT NOT NULL,
    failure TEXT,
    released_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT,
    version BIGINT NOT NULL
);
-- A name is held until it is released: in a tenant, or on a host. So is a namespace.
CREATE UNIQUE INDEX clusters_living_name ON clusters (scope, name) WHERE released_at IS NULL;
CREATE UNIQUE INDEX clusters_living_namespace ON clusters (namespace) WHERE released_at IS NULL;
CREATE INDEX clusters_newest ON clusters (created_at, id);
CREATE INDEX clusters_of_tenant ON clusters (tenant_id, created_at, id);
CREATE INDEX clusters_of_name ON clusters (scope, name, created_at);

-- A port of a host has one holder.
CREATE TABLE port_leases (
    host TEXT NOT NULL,
    port INTEGER NOT NULL,
    purpose TEXT NOT NULL,
    cluster_id TEXT NOT NULL REFERENCES clusters (id),
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    acquired_at BIGINT NOT NULL,
    PRIMARY KEY (host, port)
);
CREATE INDEX port_leases_of_cluster ON port_leases (cluster_id);

-- What came of each file of clusters that was imported.
CREATE TABLE imports (
    id TEXT PRIMARY KEY NOT NULL,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    hash TEXT NOT NULL,
    outcomes TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX imports_newest ON imports (created_at, id);
