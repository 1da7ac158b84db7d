-- Periods: what is appended lies in one partition a week, made ahead, and dropped whole when it has been kept long enough.
-- An id's first twelve digits are its time in milliseconds, so that a period is a range of ids.

CREATE FUNCTION paybell_id_at(prefix text, at_ms bigint) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT prefix || '_' || lpad(to_hex(at_ms), 12, '0') $$;

-- Makes one period's partition beside the table, moves what the default one holds of it, and joins it to the table: that
-- blocks no insert. Gives its name, or NULL where it is there already.
CREATE FUNCTION paybell_period_make(parent text, key text, prefix text, from_ms bigint, until_ms bigint) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    part text := parent || '_' || to_char(to_timestamp(from_ms / 1000.0) AT TIME ZONE 'UTC', 'YYYYMMDD');
    low  text := paybell_id_at(prefix, from_ms);
    high text := paybell_id_at(prefix, until_ms);
BEGIN
    IF to_regclass(part) IS NOT NULL THEN
        RETURN NULL;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', part, parent);
    EXECUTE format('WITH moved AS (DELETE FROM %I WHERE %I >= %L AND %I < %L RETURNING *) INSERT INTO %I SELECT * FROM moved',
                   parent || '_other', key, low, key, high, part);
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, part, low, high);
    RETURN part;
END $$;

-- Drops one period of some tables together, unless something of it still waits in the queue. Nothing can begin to wait
-- meanwhile: what is replayed or resent is first taken out of these tables.
CREATE FUNCTION paybell_period_drop(parents text[], suffix text, queue text, key text, low text, high text) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    parent text;
    waits  boolean;
BEGIN
    FOREACH parent IN ARRAY parents LOOP
        IF to_regclass(parent || '_' || suffix) IS NOT NULL THEN
            EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', parent || '_' || suffix);
        END IF;
    END LOOP;
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I WHERE %I >= %L AND %I < %L)', queue, key, low, key, high) INTO waits;
    IF waits THEN
        RETURN false;
    END IF;
    FOREACH parent IN ARRAY parents LOOP
        EXECUTE format('DROP TABLE IF EXISTS %I', parent || '_' || suffix);
    END LOOP;
    RETURN true;
END $$;
