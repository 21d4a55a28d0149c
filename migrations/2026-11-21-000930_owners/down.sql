DROP TABLE cluster_sightings;

CREATE TABLE instance_pods (
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
    started_at BIGINT,
    last_exit_code INTEGER,
    evidence TEXT NOT NULL DEFAULT '[]'
);
INSERT INTO instance_pods SELECT
    uid, owner_id, name, namespace, phase, ready, restarts, node, ip, reason, message,
    last_termination, started_at, last_exit_code, evidence
FROM pods WHERE owner_id LIKE 'inst%';
DROP TABLE pods;
ALTER TABLE instance_pods RENAME TO pods;
CREATE INDEX pods_of_instance ON pods (instance_id);
