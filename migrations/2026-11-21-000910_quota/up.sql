-- What administrators have set; without an amount there is no limit.
CREATE TABLE quota_limits (
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    dimension TEXT NOT NULL,
    amount BIGINT,
    PRIMARY KEY (tenant_id, dimension)
);

-- What each living thing takes: reserved until it is in use.
CREATE TABLE quota_claims (
    subject_id TEXT NOT NULL,
    dimension TEXT NOT NULL,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    amount BIGINT NOT NULL,
    in_use BOOLEAN NOT NULL,
    PRIMARY KEY (subject_id, dimension)
);
CREATE INDEX quota_claims_of_tenant ON quota_claims (tenant_id, dimension);

CREATE INDEX workflows_live_of_tenant ON workflows (tenant_id)
    WHERE status IN ('PENDING', 'RUNNING');
