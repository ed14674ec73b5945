-- Everything that a stage writes. Who may touch what stands in 0002_roles.sql.

-- The registry: a projection and its append-only log, under one gap-free revision number.
CREATE TABLE registry_head (one boolean PRIMARY KEY DEFAULT true CHECK (one), revision bigint NOT NULL);
INSERT INTO registry_head (revision) VALUES (0);

CREATE TABLE registry_change (
    revision   bigint PRIMARY KEY,
    id         uuid NOT NULL UNIQUE,
    at         timestamptz NOT NULL,
    actor      jsonb NOT NULL,
    change     text NOT NULL,
    entry_kind text NOT NULL,
    name       text NOT NULL,
    entry      jsonb,
    relayed_at timestamptz
);
CREATE INDEX registry_change_unrelayed ON registry_change (revision) WHERE relayed_at IS NULL;

CREATE TABLE registry_entry (
    kind     text NOT NULL,
    name     text NOT NULL,
    entry    jsonb NOT NULL,
    revision bigint NOT NULL,
    PRIMARY KEY (kind, name)
);

-- What the fence needs of a connector. `id` is its advisory lock; `revision` the oldest registry revision that may still mint.
CREATE TABLE connector (
    id       integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name     text NOT NULL UNIQUE,
    state    text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'fenced', 'revoked')),
    epoch    bigint NOT NULL DEFAULT 1,
    revision bigint NOT NULL
);

-- Root secrets arrive sealed to the providers' public key; mint opens them once and keeps them under a data key that the key-encryption key wraps.
CREATE TABLE root_secret (
    connector    text NOT NULL,
    installation text NOT NULL,
    field        text NOT NULL,
    version      integer NOT NULL,
    sealed       bytea,
    kek_id       text,
    wrapped_key  bytea,
    nonce        bytea,
    box          bytea,
    at           timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (connector, installation, field, version),
    CHECK ((sealed IS NULL) <> (box IS NULL))
);

-- A block stops whatever a predicate wider than one connector names. NULL members match everything.
CREATE TABLE block (
    id          uuid PRIMARY KEY,
    connector   text,
    project     text,
    environment text,
    issuer      text,
    sub_hash    text,
    since       timestamptz NOT NULL,
    until       timestamptz,
    lifted_at   timestamptz
);
CREATE INDEX block_standing ON block (since) WHERE lifted_at IS NULL;

-- The order row is the outbox of revocation.requested.
CREATE TABLE revocation_order (
    id           uuid PRIMARY KEY,
    actor        jsonb NOT NULL,
    predicate    jsonb NOT NULL,
    cause        text NOT NULL,
    at           timestamptz NOT NULL,
    accepted     jsonb NOT NULL DEFAULT '{}',
    published_at timestamptz,
    ordered_at   timestamptz
);
CREATE INDEX revocation_order_unpublished ON revocation_order (at) WHERE published_at IS NULL;

CREATE TABLE service_key (
    kid        text PRIMARY KEY,
    role       text NOT NULL,
    use        text NOT NULL CHECK (use IN ('sign', 'open', 'log')),
    public     bytea NOT NULL,
    name       text,
    not_before timestamptz NOT NULL,
    not_after  timestamptz
);

CREATE TABLE used_token (
    digest       text PRIMARY KEY,
    request_hash text NOT NULL,
    expires      timestamptz NOT NULL
);

CREATE TABLE heartbeat (role text PRIMARY KEY, at timestamptz NOT NULL, caught_up_to timestamptz NOT NULL);

CREATE TABLE handed (
    instance    text NOT NULL,
    partition   integer NOT NULL,
    next_offset bigint NOT NULL,
    PRIMARY KEY (instance, partition)
);

-- The ledger: every credential that may be alive.
CREATE TABLE mint (
    issuer           text NOT NULL,
    sub_hash         text NOT NULL,
    request_id       uuid NOT NULL,
    attempt          integer NOT NULL,
    credential_id    uuid NOT NULL UNIQUE,
    decision_hash    text NOT NULL,
    request_hash     text NOT NULL,
    wish_hash        text NOT NULL,
    state            text NOT NULL CHECK (state IN ('minting', 'active', 'revoking', 'revoked', 'failed', 'stuck', 'uncertain', 'expired')),
    epoch            bigint NOT NULL,
    class            text NOT NULL,
    connector        text NOT NULL,
    installation     text NOT NULL,
    project          text NOT NULL,
    environment      text NOT NULL,
    handle           jsonb,
    granted          jsonb,
    deadline         timestamptz NOT NULL,
    ends_by_itself   boolean NOT NULL,
    traceparent      text,
    sent_at          timestamptz NOT NULL,
    window_closes_at timestamptz NOT NULL,
    expires_at       timestamptz NOT NULL,
    fact             bytea,
    seal_2           bytea,
    secret_digest    text,
    PRIMARY KEY (issuer, sub_hash, request_id, attempt)
);
CREATE UNIQUE INDEX mint_one_alive ON mint (issuer, sub_hash, request_id) WHERE state IN ('minting', 'active');
CREATE INDEX mint_request_hash ON mint (request_hash);
CREATE INDEX mint_secret_digest ON mint (secret_digest) WHERE secret_digest IS NOT NULL;
CREATE INDEX mint_alive ON mint (connector, state) WHERE state IN ('minting', 'active', 'revoking', 'stuck', 'uncertain');
CREATE INDEX mint_ending ON mint (expires_at) WHERE state = 'active';
CREATE INDEX mint_open_window ON mint (window_closes_at) WHERE state = 'minting';
CREATE INDEX mint_unanswered ON mint (deadline) WHERE state = 'active';

CREATE TABLE revocation (
    id            uuid PRIMARY KEY,
    credential_id uuid NOT NULL UNIQUE,
    cause         text NOT NULL,
    order_id      uuid,
    state         text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'inflight', 'confirmed', 'stuck', 'uncertain', 'abandoned')),
    attempts      integer NOT NULL DEFAULT 0,
    at            timestamptz NOT NULL DEFAULT clock_timestamp(),
    next_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_error    text,
    ordered_at    timestamptz,
    settled       bytea,
    published_at  timestamptz
);
CREATE INDEX revocation_unordered ON revocation (at) WHERE ordered_at IS NULL;
CREATE INDEX revocation_due ON revocation (next_at) WHERE state IN ('pending', 'inflight', 'stuck', 'uncertain');
CREATE INDEX revocation_unpublished ON revocation (id) WHERE settled IS NOT NULL AND published_at IS NULL;
CREATE INDEX revocation_order_id ON revocation (order_id);

-- The audit log.
CREATE TABLE audit_leaf (
    idx       bigint PRIMARY KEY,
    fact_id   uuid NOT NULL,
    fact_hash bytea NOT NULL,
    leaf_hash bytea NOT NULL,
    bytes     bytea NOT NULL,
    UNIQUE (fact_id, fact_hash)
);
CREATE TABLE audit_head (
    one        boolean PRIMARY KEY DEFAULT true CHECK (one),
    size       bigint NOT NULL,
    edge       bytea NOT NULL,
    last_leaf  bytea NOT NULL,
    checkpoint text NOT NULL
);
CREATE TABLE reply (
    request_hash  text PRIMARY KEY,
    fact_hash     bytea NOT NULL,
    outcome       text NOT NULL,
    idx           bigint NOT NULL,
    proof         text NOT NULL,
    deadline      timestamptz NOT NULL,
    credential_id uuid,
    box           boolean NOT NULL DEFAULT false,
    delivered     timestamptz
);
CREATE INDEX reply_undelivered ON reply (deadline) WHERE delivered IS NULL AND credential_id IS NOT NULL;

-- The subject's text: the one table that may be erased.
CREATE TABLE subject (sub_hash text PRIMARY KEY, box bytea NOT NULL);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_leaf_append_only BEFORE UPDATE OR DELETE ON audit_leaf FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_leaf_no_truncate BEFORE TRUNCATE ON audit_leaf FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER registry_change_no_delete BEFORE DELETE ON registry_change FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER registry_change_no_truncate BEFORE TRUNCATE ON registry_change FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
