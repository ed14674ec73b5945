-- What the console's receiver keeps of traces, a partition a day. Attributes are JSON as text: COPY takes them as they are, and nobody asks by them. There is no partition for everything else: it would be in the way of tomorrow's.
CREATE TABLE span (
    trace_id   bytea NOT NULL,
    span_id    bytea NOT NULL,
    parent_id  bytea,
    request_id uuid,
    service    text NOT NULL,
    name       text NOT NULL,
    kind       smallint NOT NULL,
    started    timestamptz NOT NULL,
    seconds    double precision NOT NULL,
    failed     boolean NOT NULL,
    attributes text NOT NULL
) PARTITION BY RANGE (started);
CREATE INDEX span_trace ON span (trace_id);
CREATE INDEX span_request ON span (request_id) WHERE request_id IS NOT NULL;
CREATE INDEX span_started ON span USING brin (started);

-- The console makes and drops days, and can make nothing else: it owns no table.
CREATE FUNCTION span_day(day date) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7017, 12);
    IF to_regclass('public.span_' || to_char(day, 'YYYYMMDD')) IS NULL AND day BETWEEN current_date - 7 AND current_date + 2 THEN
        EXECUTE format('CREATE TABLE public.%I PARTITION OF public.span FOR VALUES FROM (%L) TO (%L)', 'span_' || to_char(day, 'YYYYMMDD'),
            day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC');
    END IF;
END $$;
CREATE FUNCTION span_forget(before date) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    name text;
    gone integer := 0;
BEGIN
    FOR name IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'public.span'::regclass LOOP
        IF to_date(right(name, 8), 'YYYYMMDD') < before AND before <= current_date THEN
            EXECUTE format('DROP TABLE public.%I', name);
            gone := gone + 1;
        END IF;
    END LOOP;
    RETURN gone;
END $$;
REVOKE ALL ON FUNCTION span_day(date), span_forget(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION span_day(date), span_forget(date) TO counterfoil_console;
GRANT SELECT, INSERT ON span TO counterfoil_console;
