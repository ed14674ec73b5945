-- Heads that were published, and who witnessed them: what /v1/audit/checkpoint and later proofs show. At most one each five seconds or 1,000 leaves.
CREATE TABLE audit_published (
    size       bigint PRIMARY KEY,
    checkpoint text NOT NULL,
    at         timestamptz NOT NULL DEFAULT clock_timestamp()
);
-- `witness`: name and key id; `line`: its line of the note, which was checked before it was kept.
CREATE TABLE audit_cosignature (
    size    bigint NOT NULL REFERENCES audit_published (size),
    witness text NOT NULL,
    line    text NOT NULL,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (size, witness)
);
CREATE TRIGGER audit_published_append_only BEFORE UPDATE OR DELETE ON audit_published FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_published_no_truncate BEFORE TRUNCATE ON audit_published FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_cosignature_append_only BEFORE UPDATE OR DELETE ON audit_cosignature FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_cosignature_no_truncate BEFORE TRUNCATE ON audit_cosignature FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

GRANT SELECT, INSERT ON audit_published, audit_cosignature TO counterfoil_audit;
GRANT SELECT ON audit_published, audit_cosignature TO counterfoil_gateway, counterfoil_ops;
