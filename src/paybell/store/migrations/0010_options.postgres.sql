-- What endpoints, applications and event types ask for, as JSON; applications and event types are kept in memory, too.
ALTER TABLE endpoints ADD COLUMN options TEXT NOT NULL DEFAULT '{}';
ALTER TABLE applications ADD COLUMN options TEXT NOT NULL DEFAULT '{}';
ALTER TABLE event_types ADD COLUMN options TEXT NOT NULL DEFAULT '{}';
ALTER TABLE event_types ADD COLUMN updated_at_ms BIGINT NOT NULL DEFAULT 0;
UPDATE event_types SET updated_at_ms = created_at_ms;
-- Comma-joined; '' for none.
ALTER TABLE messages ADD COLUMN channels TEXT NOT NULL DEFAULT '';

CREATE TRIGGER applications_changed AFTER INSERT OR UPDATE OR DELETE ON applications
    FOR EACH STATEMENT EXECUTE FUNCTION directory_changed();
CREATE TRIGGER event_types_changed AFTER INSERT OR UPDATE OR DELETE ON event_types
    FOR EACH STATEMENT EXECUTE FUNCTION directory_changed();
