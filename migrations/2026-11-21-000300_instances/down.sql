DROP TABLE targets;
DROP TABLE pods;
DROP TABLE runtimes;
DROP TABLE instances;
