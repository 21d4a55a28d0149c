ALTER TABLE pods DROP COLUMN evidence;
ALTER TABLE pods DROP COLUMN last_exit_code;
ALTER TABLE targets DROP COLUMN leased_until;
ALTER TABLE targets DROP COLUMN fence;
ALTER TABLE targets DROP COLUMN observer;
