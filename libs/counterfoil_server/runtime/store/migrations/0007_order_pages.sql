-- Orders are listed newest first, a page at a time; every app that revokes its own leaves one.
CREATE INDEX revocation_order_newest ON revocation_order (at, id);
