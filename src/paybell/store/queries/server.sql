-- server_facts [postgres] --
-- How new the server is, and whether it took the limit that our sessions ask for.
SELECT current_setting('server_version_num')::integer,
       (SELECT setting FROM pg_settings WHERE name = 'statement_timeout');

-- server_careless [postgres] --
-- What is off that a power cut must not find off, where that was set, and for which database and role.
SELECT name, source, quote_ident(current_database()), quote_ident(session_user) FROM pg_settings
 WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND setting = 'off'
 ORDER BY name;
