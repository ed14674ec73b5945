-- The console reads what its pages show, and no secret. What it changes goes through the gateway, with the operator's own token.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'counterfoil_console') THEN
        CREATE ROLE counterfoil_console NOLOGIN;
    END IF;
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO counterfoil_console', current_database());
END $$;
GRANT USAGE ON SCHEMA public TO counterfoil_console;
GRANT SELECT ON service_key, registry_head, registry_entry, registry_change, connector, block, heartbeat, revocation_order,
    audit_leaf, audit_head, audit_tile, audit_about TO counterfoil_console;
GRANT SELECT (connector, installation, field, version, at) ON root_secret TO counterfoil_console;
GRANT SELECT (issuer, sub_hash, request_id, attempt, credential_id, request_hash, state, epoch, class, connector, installation, project, environment,
    granted, deadline, ends_by_itself, traceparent, sent_at, window_closes_at, expires_at) ON mint TO counterfoil_console;
GRANT SELECT (id, credential_id, cause, order_id, state, attempts, at, next_at, last_error, ordered_at, published_at) ON revocation TO counterfoil_console;
GRANT SELECT (request_hash, outcome, idx, proof, deadline, credential_id, box, delivered) ON reply TO counterfoil_console;

-- A session. `id` is the hash of what the browser holds, and `token` is sealed under a key that is made of it: who reads this table can use neither.
CREATE TABLE console_session (
    id           bytea PRIMARY KEY,
    token        bytea NOT NULL,
    name         text NOT NULL,
    role         text NOT NULL,
    may          text[] NOT NULL,
    signed_in_at timestamptz NOT NULL,
    checked_at   timestamptz NOT NULL,
    ends_at      timestamptz NOT NULL
);
CREATE INDEX console_session_ends ON console_session (ends_at);
-- The state of a login that has begun (RFC 6749, section 10.12), used once.
CREATE TABLE console_login (state text PRIMARY KEY, ends_at timestamptz NOT NULL);
GRANT SELECT, INSERT, UPDATE, DELETE ON console_session, console_login TO counterfoil_console;
