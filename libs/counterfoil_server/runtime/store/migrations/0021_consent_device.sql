-- A code that a person types in at the provider: shown by the gateway, asked about by mint until it comes to something. What is asked with lies as
-- refresh tokens do.
CREATE TABLE consent_device (
    consent_id  uuid PRIMARY KEY,
    user_code   text NOT NULL,
    url         text NOT NULL,
    complete    text,
    pace        interval NOT NULL,
    next_at     timestamptz NOT NULL,
    turn        uuid,
    kek_id      text NOT NULL,
    wrapped_key bytea NOT NULL,
    nonce       bytea NOT NULL,
    box         bytea NOT NULL
);
CREATE INDEX consent_device_due ON consent_device (next_at);

GRANT SELECT (consent_id, user_code, url, complete) ON consent_device TO counterfoil_gateway;
GRANT SELECT, INSERT, UPDATE, DELETE ON consent_device TO counterfoil_mint;
GRANT UPDATE (expires_at) ON consent TO counterfoil_mint;
