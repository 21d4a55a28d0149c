-- What is written and never read back, as ciphertext; the owner is an entity of any kind.
CREATE TABLE secrets (
    owner_id TEXT PRIMARY KEY NOT NULL,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    fingerprint TEXT NOT NULL,
    sealed TEXT NOT NULL,
    updated_at BIGINT NOT NULL
);
