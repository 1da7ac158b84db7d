-- The trace that a message was posted in; '' where it begins one, which its id names.
ALTER TABLE messages ADD COLUMN trace TEXT NOT NULL DEFAULT '';
