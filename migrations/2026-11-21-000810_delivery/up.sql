CREATE TABLE versions (
    id TEXT PRIMARY KEY NOT NULL,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    git_tag TEXT NOT NULL,
    git_commit TEXT NOT NULL,
    repository TEXT NOT NULL,
    description TEXT NOT NULL,
    created_by TEXT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    deleted_at BIGINT
);
CREATE UNIQUE INDEX versions_of_tag ON versions (tenant_id, repository, git_tag)
    WHERE deleted_at IS NULL;
CREATE INDEX versions_newest ON versions (created_at, id);
CREATE INDEX versions_of_tenant ON versions (tenant_id, created_at, id);

CREATE TABLE applications (
    id TEXT PRIMARY KEY NOT NULL,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    name TEXT NOT NULL,
    repository TEXT NOT NULL,
    kind TEXT NOT NULL,
    config TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT,
    revision BIGINT NOT NULL
);
CREATE UNIQUE INDEX applications_named ON applications (tenant_id, name) WHERE deleted_at IS NULL;
CREATE INDEX applications_newest ON applications (created_at, id);
CREATE INDEX applications_of_tenant ON applications (tenant_id, created_at, id);

CREATE TABLE environments (
    id TEXT PRIMARY KEY NOT NULL,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('KUBERNETES', 'PHYSICAL')),
    is_active BOOLEAN NOT NULL,
    cluster TEXT,
    namespace TEXT,
    server TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT,
    revision BIGINT NOT NULL
);
CREATE UNIQUE INDEX environments_named ON environments (tenant_id, name) WHERE deleted_at IS NULL;
CREATE INDEX environments_newest ON environments (created_at, id);
CREATE INDEX environments_of_tenant ON environments (tenant_id, created_at, id);

CREATE TABLE deployments (
    id TEXT PRIMARY KEY NOT NULL,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    version_id TEXT NOT NULL REFERENCES versions (id),
    environment_id TEXT NOT NULL REFERENCES environments (id),
    strategy TEXT NOT NULL CHECK (strategy IN ('ROLLING', 'BLUE_GREEN')),
    status TEXT NOT NULL CHECK (status IN ('PENDING', 'RUNNING', 'SUCCESS', 'FAILED')),
    failure TEXT CHECK (failure IN ('TASK_FAILED', 'CANCELED_BY_USER', 'TIMEOUT')),
    error_message TEXT NOT NULL,
    rollback_of TEXT REFERENCES deployments (id),
    workflow_id TEXT NOT NULL,
    created_by TEXT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    started_at BIGINT,
    completed_at BIGINT,
    courses TEXT NOT NULL,
    terms TEXT NOT NULL,
    revision BIGINT NOT NULL
);
CREATE INDEX deployments_newest ON deployments (created_at, id);
CREATE INDEX deployments_of_tenant ON deployments (tenant_id, created_at, id);
CREATE INDEX deployments_of_environment ON deployments (environment_id, created_at, id);
CREATE INDEX deployments_of_version ON deployments (version_id);

-- Which applications a deployment is about, to be searched by them.
CREATE TABLE deployment_applications (
    deployment_id TEXT NOT NULL REFERENCES deployments (id),
    application_id TEXT NOT NULL REFERENCES applications (id),
    PRIMARY KEY (deployment_id, application_id)
);
CREATE INDEX deployments_of_application ON deployment_applications (application_id);

-- What of an application stands in an environment, and the place that it has there.
CREATE TABLE standings (
    application_id TEXT NOT NULL REFERENCES applications (id),
    environment_id TEXT NOT NULL REFERENCES environments (id),
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    server TEXT NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    deployment_id TEXT NOT NULL,
    release TEXT,
    PRIMARY KEY (application_id, environment_id),
    UNIQUE (tenant_id, server, namespace, name)
);

CREATE TABLE built_images (
    application_id TEXT NOT NULL REFERENCES applications (id),
    version_id TEXT NOT NULL REFERENCES versions (id),
    recipe TEXT NOT NULL,
    image TEXT NOT NULL,
    PRIMARY KEY (application_id, version_id)
);
