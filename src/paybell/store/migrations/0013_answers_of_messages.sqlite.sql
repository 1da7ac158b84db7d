-- The answer to a posted message is the message: its row says which, and keeps no copy of it.
ALTER TABLE kept_answers ADD COLUMN message_id TEXT NOT NULL DEFAULT '';
