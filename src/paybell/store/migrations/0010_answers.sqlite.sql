-- Answers that are kept under the idempotency keys of requests, so that a request that is sent again changes nothing.
-- `status_code` is 0 while the first is being answered; `answer` is sealed.
CREATE TABLE kept_answers (
    organisation_id TEXT NOT NULL,
    name            TEXT NOT NULL,
    request_digest  BLOB NOT NULL,
    status_code     INTEGER NOT NULL,
    answer          BLOB NOT NULL,
    ends_at_ms      INTEGER NOT NULL,
    PRIMARY KEY (organisation_id, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX kept_answers_by_end ON kept_answers (ends_at_ms);
