-- How often a delivery had been tried when somebody last had it sent once more; attempts say whether they come of that.
ALTER TABLE deliveries ADD COLUMN resent_at_count INTEGER;
ALTER TABLE attempts ADD COLUMN manual INTEGER NOT NULL DEFAULT 0 CHECK (manual IN (0, 1));
