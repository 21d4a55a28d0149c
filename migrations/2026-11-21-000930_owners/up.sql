-- Pods are of clusters too.
CREATE TABLE owned_pods (
    uid TEXT PRIMARY KEY NOT NULL,
    owner_id TEXT NOT NULL,
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
    started_at BIGINT,
    last_exit_code INTEGER,
    evidence TEXT NOT NULL
);
INSERT INTO owned_pods SELECT
    uid, instance_id, name, namespace, phase, ready, restarts, node, ip, reason, message,
    last_termination, started_at, last_exit_code, evidence
FROM pods;
DROP TABLE pods;
ALTER TABLE owned_pods RENAME TO pods;
CREATE INDEX pods_of_owner ON pods (owner_id);

-- What the platform's cluster showed last of a search cluster.
CREATE TABLE cluster_sightings (
    cluster_id TEXT PRIMARY KEY NOT NULL REFERENCES clusters (id),
    ready_replicas INTEGER NOT NULL,
    total_replicas INTEGER NOT NULL,
    message TEXT,
    error_reason TEXT,
    observed_at BIGINT NOT NULL
);
