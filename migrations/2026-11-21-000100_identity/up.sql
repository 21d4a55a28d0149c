CREATE TABLE users (
    id TEXT PRIMARY KEY NOT NULL,
    number BIGINT NOT NULL UNIQUE,
    email TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    nickname TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('ENABLED', 'DISABLED', 'RESTRICTED')),
    status_reason TEXT,
    roles TEXT NOT NULL,
    token_version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    version BIGINT NOT NULL
);
CREATE INDEX users_newest ON users (created_at, id);

CREATE TABLE tenants (
    id TEXT PRIMARY KEY NOT NULL,
    org_id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    personal BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE tenant_members (
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    role TEXT NOT NULL CHECK (role IN ('OWNER', 'MEMBER', 'VIEWER')),
    PRIMARY KEY (tenant_id, user_id)
);
CREATE INDEX tenant_members_of_user ON tenant_members (user_id);

CREATE TABLE sessions (
    id TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    refresh_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX sessions_of_user ON sessions (user_id);

-- Numbers that only grow: the next user's, and the last tick of each owner's snowflakes.
CREATE TABLE counters (
    name TEXT PRIMARY KEY NOT NULL,
    value BIGINT NOT NULL
);
