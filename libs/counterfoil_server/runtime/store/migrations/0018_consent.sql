-- What people agreed to: a grant for one app (project and environment) at one connector. Its refresh token lies as root secrets do.
CREATE TABLE user_grant (
    grant_id     uuid PRIMARY KEY,
    connector    text NOT NULL,
    installation text NOT NULL,
    project      text NOT NULL,
    environment  text NOT NULL,
    user_digest  text NOT NULL,
    scopes       text[] NOT NULL,
    state        text NOT NULL CHECK (state IN ('live', 'doubtful', 'ending', 'ended')),
    version      bigint NOT NULL DEFAULT 1,
    -- Whose turn it is to use the refresh token. A turn that is over and was not given back: nobody knows whether the token was used up.
    turn         uuid,
    turn_until   timestamptz,
    given_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    used_at      timestamptz,
    next_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_error   text,
    kek_id       text,
    wrapped_key  bytea,
    nonce        bytea,
    box          bytea
);
CREATE UNIQUE INDEX user_grant_one ON user_grant (connector, installation, project, environment, user_digest) WHERE state IN ('live', 'doubtful');
CREATE INDEX user_grant_ending ON user_grant (next_at) WHERE state = 'ending';

-- A question to a person: who asks, for what; and where the answer comes back to. Link and state are known by their digests only.
CREATE TABLE consent (
    consent_id   uuid PRIMARY KEY,
    link_digest  text NOT NULL UNIQUE,
    state_digest text UNIQUE,
    connector    text NOT NULL,
    installation text NOT NULL,
    project      text NOT NULL,
    environment  text NOT NULL,
    user_digest  text NOT NULL,
    scopes       text[] NOT NULL,
    return_to    text,
    verifier     bytea,
    outcome      text,
    fact         bytea,
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at   timestamptz NOT NULL
);
CREATE INDEX consent_over ON consent (expires_at);

-- Where a connector sends people: mint knows its providers and writes it, the gateway reads it.
CREATE TABLE consent_place (
    connector    text NOT NULL,
    installation text NOT NULL,
    url          text NOT NULL,
    issuer       text NOT NULL,
    says_issuer  boolean NOT NULL,
    parameters   jsonb NOT NULL,
    PRIMARY KEY (connector, installation)
);

ALTER TABLE mint ADD COLUMN user_digest text;
CREATE INDEX mint_user ON mint (connector, user_digest) WHERE user_digest IS NOT NULL;

GRANT SELECT (grant_id, connector, installation, project, environment, user_digest, scopes, state, given_at, used_at, last_error),
    UPDATE (state, next_at) ON user_grant TO counterfoil_gateway;
GRANT SELECT, INSERT, DELETE, UPDATE (state_digest, verifier) ON consent TO counterfoil_gateway;
GRANT SELECT ON consent_place TO counterfoil_gateway;
GRANT SELECT (user_digest) ON mint TO counterfoil_gateway, counterfoil_ops;

GRANT SELECT, INSERT, UPDATE ON user_grant TO counterfoil_mint;
GRANT SELECT, UPDATE (outcome, fact) ON consent TO counterfoil_mint;
GRANT SELECT, INSERT, UPDATE, DELETE ON consent_place TO counterfoil_mint;
GRANT SELECT (user_digest), INSERT (user_digest) ON mint TO counterfoil_mint;

GRANT SELECT, UPDATE (state, turn, turn_until, next_at, last_error, kek_id, wrapped_key, nonce, box) ON user_grant TO counterfoil_revoke;
