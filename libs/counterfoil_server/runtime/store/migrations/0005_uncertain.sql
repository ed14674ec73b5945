-- What cannot be ended is uncertain until the provider's own time is up, which may be later than what was lent: the row says until when.
GRANT UPDATE (expires_at) ON mint TO counterfoil_revoke;
