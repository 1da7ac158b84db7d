-- Errands: tasks of an organisation or an application that send nothing and have a result.
ALTER TABLE tasks DROP CONSTRAINT tasks_kind_check;
ALTER TABLE tasks ADD CONSTRAINT tasks_kind_check CHECK (
    kind IN ('endpoint.recover', 'endpoint.replay', 'endpoint.bulk-replay', 'application.stats', 'event-type.aggregate',
             'application.purge_content'));
ALTER TABLE tasks ADD COLUMN result TEXT NOT NULL DEFAULT '';
