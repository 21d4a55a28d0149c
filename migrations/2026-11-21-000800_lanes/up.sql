-- What a workflow needs for itself alone: lanes of a group, or the whole group.
ALTER TABLE workflows ADD COLUMN lane_group TEXT NOT NULL DEFAULT '';
ALTER TABLE workflows ADD COLUMN lanes TEXT NOT NULL DEFAULT '[]';
UPDATE workflows SET lane_group = subject_id;
CREATE UNIQUE INDEX workflows_of_lane_group ON workflows (lane_group, lane_number);

-- What an executor goes on from.
ALTER TABLE tasks ADD COLUMN memo TEXT;
