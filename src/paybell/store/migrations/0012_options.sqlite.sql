-- What endpoints, applications and event types ask for, as JSON; applications and event types are kept in memory, too.
ALTER TABLE endpoints ADD COLUMN options TEXT NOT NULL DEFAULT '{}';
ALTER TABLE applications ADD COLUMN options TEXT NOT NULL DEFAULT '{}';
ALTER TABLE event_types ADD COLUMN options TEXT NOT NULL DEFAULT '{}';
ALTER TABLE event_types ADD COLUMN updated_at_ms INTEGER NOT NULL DEFAULT 0;
UPDATE event_types SET updated_at_ms = created_at_ms;
-- Comma-joined; '' for none.
ALTER TABLE messages ADD COLUMN channels TEXT NOT NULL DEFAULT '';

CREATE TRIGGER applications_added AFTER INSERT ON applications BEGIN UPDATE directory SET version = version + 1; END;
CREATE TRIGGER applications_changed AFTER UPDATE ON applications BEGIN UPDATE directory SET version = version + 1; END;
CREATE TRIGGER applications_removed AFTER DELETE ON applications BEGIN UPDATE directory SET version = version + 1; END;
CREATE TRIGGER event_types_added AFTER INSERT ON event_types BEGIN UPDATE directory SET version = version + 1; END;
CREATE TRIGGER event_types_changed AFTER UPDATE ON event_types BEGIN UPDATE directory SET version = version + 1; END;
CREATE TRIGGER event_types_removed AFTER DELETE ON event_types BEGIN UPDATE directory SET version = version + 1; END;
