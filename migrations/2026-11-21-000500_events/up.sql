-- PostgreSQL numbers the positions by a sequence. SQLite reads the type as a name only: there the
-- one writer numbers them itself.
CREATE TABLE events (
    position BIGSERIAL PRIMARY KEY NOT NULL,
    event_type TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    parent_id TEXT,
    tenant_id TEXT,
    actor_id TEXT,
    cause TEXT,
    request_id TEXT,
    previous TEXT,
    at BIGINT NOT NULL,
    data TEXT NOT NULL
);
CREATE INDEX events_of_subject ON events (subject_id, position);
CREATE INDEX events_of_parent ON events (parent_id, position);
CREATE INDEX events_of_tenant ON events (tenant_id, position);

CREATE TABLE idempotency_keys (
    scope TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    entity TEXT,
    workflow TEXT,
    cursor BIGINT,
    taken_at BIGINT NOT NULL,
    PRIMARY KEY (scope, idempotency_key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (taken_at);
