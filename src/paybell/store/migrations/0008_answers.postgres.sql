-- Answers that are kept under the idempotency keys of requests, so that a request that is sent again changes nothing.
-- `status_code` is 0 while the first is being answered; `answer` is sealed.
CREATE TABLE kept_answers (
    organisation_id TEXT COLLATE "C" NOT NULL,
    name            TEXT COLLATE "C" NOT NULL,
    request_digest  BYTEA NOT NULL,
    status_code     INTEGER NOT NULL,
    answer          BYTEA NOT NULL,
    ends_at_ms      BIGINT NOT NULL,
    PRIMARY KEY (organisation_id, name)
);
CREATE INDEX kept_answers_by_end ON kept_answers (ends_at_ms);
