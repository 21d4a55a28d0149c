ALTER TABLE runtimes DROP COLUMN ready_endpoints;
ALTER TABLE pods DROP COLUMN revision;
