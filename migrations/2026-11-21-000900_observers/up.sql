-- Who may record what a target shows, and until when.
ALTER TABLE targets ADD COLUMN observer TEXT;
ALTER TABLE targets ADD COLUMN fence BIGINT NOT NULL DEFAULT 0;
ALTER TABLE targets ADD COLUMN leased_until BIGINT;

ALTER TABLE pods ADD COLUMN last_exit_code INTEGER;
ALTER TABLE pods ADD COLUMN evidence TEXT NOT NULL DEFAULT '[]';
