DROP TABLE counters;
DROP TABLE sessions;
DROP TABLE tenant_members;
DROP TABLE tenants;
DROP TABLE users;
