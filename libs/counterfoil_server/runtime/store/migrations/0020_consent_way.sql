-- How a person is asked: sent to the provider, or on a page of the gateway's.
ALTER TABLE consent_place ADD COLUMN way text NOT NULL DEFAULT 'redirect';
