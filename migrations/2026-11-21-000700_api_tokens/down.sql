DROP INDEX tenants_newest;
DROP TABLE api_tokens;
