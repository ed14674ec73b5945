-- Roots of full tiles: of 256 leaves at level 1, of 256 of those at level 2, and so on. The leaves' own hashes are in audit_leaf. What a writer
-- from before this migration appends has no rows here until the next writer makes them, before it appends.
CREATE TABLE audit_tile (
    level smallint NOT NULL CHECK (level BETWEEN 1 AND 7),
    idx   bigint NOT NULL,
    hash  bytea NOT NULL,
    PRIMARY KEY (level, idx)
);
-- Which leaves speak of a request, and of the rest which of a credential. A look into the leaves themselves would read the whole log.
CREATE TABLE audit_about (
    id  uuid NOT NULL,
    idx bigint NOT NULL,
    PRIMARY KEY (id, idx)
);
CREATE TRIGGER audit_tile_append_only BEFORE UPDATE OR DELETE ON audit_tile FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_tile_no_truncate BEFORE TRUNCATE ON audit_tile FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_about_append_only BEFORE UPDATE OR DELETE ON audit_about FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_about_no_truncate BEFORE TRUNCATE ON audit_about FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

GRANT SELECT, INSERT ON audit_tile TO counterfoil_audit;
GRANT INSERT ON audit_about TO counterfoil_audit;
GRANT SELECT ON audit_tile, audit_about TO counterfoil_gateway, counterfoil_ops;
