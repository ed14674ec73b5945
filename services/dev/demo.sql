-- The database that lends, apart from ours. Run by the superuser inside the database `demo`, as one batch; running it again changes nothing.
-- The broker's password is set apart from this file, as a SCRAM verifier.

-- CREATEROLE, never superuser: since PostgreSQL 16 it can touch only the roles it made. pg_signal_backend ends their sessions.
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'demo_broker') THEN
        CREATE ROLE demo_broker LOGIN CREATEROLE NOSUPERUSER NOCREATEDB NOREPLICATION NOBYPASSRLS;
    END IF;
END $$;
GRANT pg_signal_backend TO demo_broker;

-- A lent role reaches this database and no other: everyone else's right to connect is taken away, here too.
-- A database that is made later has its PUBLIC right again: whoever makes one takes it away again.
DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT datname FROM pg_database WHERE datname <> 'template0' LOOP
        EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', name);
    END LOOP;
END $$;
GRANT CONNECT ON DATABASE demo TO demo_broker WITH GRANT OPTION;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
-- Every role may make large objects, and owns them then.
REVOKE EXECUTE ON FUNCTION lo_creat(integer), lo_create(oid), lo_from_bytea(oid, bytea), lo_import(text), lo_import(text, oid) FROM PUBLIC;

-- On offer: the schema `shop`. The broker may pass on reading and writing, and not a right more.
CREATE SCHEMA IF NOT EXISTS shop;
CREATE TABLE IF NOT EXISTS shop.customers (id integer PRIMARY KEY, name text NOT NULL, city text NOT NULL);
CREATE TABLE IF NOT EXISTS shop.products (id integer PRIMARY KEY, name text NOT NULL, cents integer NOT NULL);
CREATE TABLE IF NOT EXISTS shop.orders (
    id serial PRIMARY KEY, customer integer NOT NULL REFERENCES shop.customers, product integer NOT NULL REFERENCES shop.products,
    quantity integer NOT NULL, placed_at timestamptz NOT NULL DEFAULT now());
INSERT INTO shop.customers VALUES (1, 'Ada', 'London'), (2, 'Grace', 'New York'), (3, 'Edsger', 'Rotterdam') ON CONFLICT DO NOTHING;
INSERT INTO shop.products VALUES (1, 'ledger', 2450), (2, 'ink', 690), (3, 'stamp', 1200) ON CONFLICT DO NOTHING;
INSERT INTO shop.orders (customer, product, quantity)
    SELECT c, p, c + p FROM generate_series(1, 3) c, generate_series(1, 3) p WHERE NOT EXISTS (SELECT FROM shop.orders);

-- Not on offer: nobody's credential ever shows it.
CREATE SCHEMA IF NOT EXISTS payroll;
CREATE TABLE IF NOT EXISTS payroll.salaries (customer integer PRIMARY KEY, cents integer NOT NULL);
INSERT INTO payroll.salaries VALUES (1, 900000), (2, 950000), (3, 870000) ON CONFLICT DO NOTHING;

GRANT USAGE ON SCHEMA shop TO demo_broker WITH GRANT OPTION;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA shop TO demo_broker WITH GRANT OPTION;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA shop TO demo_broker WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO demo_broker WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT USAGE ON SEQUENCES TO demo_broker WITH GRANT OPTION;
