-- The record of an order lists its credentials a part at a time, in the order of their names: without the second column each part costs what all do.
CREATE INDEX revocation_of_order ON revocation (order_id, credential_id);
DROP INDEX revocation_order_id;
