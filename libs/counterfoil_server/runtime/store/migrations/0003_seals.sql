-- Second seals that are due to be destroyed are looked for every few seconds: without this, in the whole ledger, at a cost that grows with it.
CREATE INDEX mint_sealed ON mint (expires_at) WHERE seal_2 IS NOT NULL;

-- What makes these rows long is ciphertext, which PostgreSQL would try to compress each time, in vain.
ALTER TABLE mint SET (toast_tuple_target = 8160);
ALTER TABLE audit_leaf SET (toast_tuple_target = 8160);
