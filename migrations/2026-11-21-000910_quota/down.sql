DROP INDEX workflows_live_of_tenant;
DROP TABLE quota_claims;
DROP TABLE quota_limits;
