-- What surrounds a pod: the revision that it is of, and the Service that leads to it.
ALTER TABLE pods ADD COLUMN revision INTEGER;
ALTER TABLE runtimes ADD COLUMN ready_endpoints INTEGER;
