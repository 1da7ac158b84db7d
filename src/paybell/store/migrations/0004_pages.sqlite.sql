-- An organisation's payments, newest first, need no sort, with statistics or without; no query goes by this index any more.

CREATE INDEX payments_by_organisation ON payments (organisation_id, id);
DROP INDEX deliveries_by_endpoint;
