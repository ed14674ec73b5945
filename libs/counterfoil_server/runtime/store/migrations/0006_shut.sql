-- When the provider itself stopped all that it ever gave for a connector: done by revoke while the connector is fenced, where its config asks for it.
ALTER TABLE connector ADD COLUMN shut_at timestamptz;
GRANT UPDATE (shut_at) ON connector TO counterfoil_revoke;
