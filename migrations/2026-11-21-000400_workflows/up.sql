CREATE TABLE workflows (
    id TEXT PRIMARY KEY NOT NULL,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    lane_number BIGINT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('PENDING', 'RUNNING', 'SUCCESS', 'FAILED', 'CANCELED')),
    cancel_reason TEXT,
    compensating BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    completed_at BIGINT,
    UNIQUE (subject_id, lane_number)
);
CREATE INDEX workflows_newest ON workflows (created_at, id);
CREATE INDEX workflows_of_tenant ON workflows (tenant_id, created_at, id);
CREATE INDEX workflows_of_subject ON workflows (subject_id, created_at, id);
CREATE INDEX workflows_live ON workflows (status) WHERE status IN ('PENDING', 'RUNNING');

CREATE TABLE tasks (
    id TEXT PRIMARY KEY NOT NULL,
    workflow_id TEXT NOT NULL REFERENCES workflows (id),
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    ordinal INTEGER NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    payload_version INTEGER NOT NULL,
    phase TEXT NOT NULL CHECK (phase IN ('FORWARD', 'COMPENSATION')),
    status TEXT NOT NULL CHECK (status IN (
        'PENDING', 'RUNNING', 'SUCCESS', 'FAILED', 'CANCELED', 'SKIPPED'
    )),
    depends_on TEXT NOT NULL,
    payload TEXT NOT NULL,
    result TEXT,
    error TEXT,
    wait_reason TEXT,
    attempt INTEGER NOT NULL,
    time_limit_ms BIGINT,
    deadline BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    started_at BIGINT,
    completed_at BIGINT,
    fence BIGINT NOT NULL,
    ready_at BIGINT,
    leased BOOLEAN NOT NULL,
    wakes BIGINT NOT NULL,
    UNIQUE (workflow_id, ordinal)
);
CREATE INDEX tasks_due ON tasks (ready_at) WHERE ready_at IS NOT NULL;
CREATE INDEX tasks_newest ON tasks (created_at, id);
CREATE INDEX tasks_of_tenant ON tasks (tenant_id, created_at, id);

CREATE TABLE task_attempts (
    task_id TEXT NOT NULL REFERENCES tasks (id),
    number INTEGER NOT NULL,
    status TEXT NOT NULL,
    result TEXT,
    error TEXT,
    started_at BIGINT NOT NULL,
    completed_at BIGINT,
    PRIMARY KEY (task_id, number)
);

-- A task's log in the pieces that it was appended in; offsets and lengths are bytes.
CREATE TABLE task_logs (
    task_id TEXT NOT NULL REFERENCES tasks (id),
    attempt INTEGER NOT NULL,
    byte_offset BIGINT NOT NULL,
    byte_length BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (task_id, attempt, byte_offset)
);
