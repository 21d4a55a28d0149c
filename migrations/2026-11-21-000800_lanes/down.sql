ALTER TABLE tasks DROP COLUMN memo;
DROP INDEX workflows_of_lane_group;
ALTER TABLE workflows DROP COLUMN lanes;
ALTER TABLE workflows DROP COLUMN lane_group;
