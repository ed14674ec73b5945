-- Beside the refresh token of a grant, an access token: where the provider lets one live at a time, and a refresh would end what others were lent.
ALTER TABLE user_grant
    ADD COLUMN kept_until       timestamptz,
    ADD COLUMN kept_kek_id      text,
    ADD COLUMN kept_wrapped_key bytea,
    ADD COLUMN kept_nonce       bytea,
    ADD COLUMN kept_box         bytea;

GRANT UPDATE (kept_until, kept_kek_id, kept_wrapped_key, kept_nonce, kept_box) ON user_grant TO counterfoil_revoke;
