-- How many exchanges of each hour ended how: counted from the log as it grows, since a page cannot read a million leaves.
CREATE TABLE console_tally (
    hour      timestamptz NOT NULL,
    connector text NOT NULL,
    outcome   text NOT NULL,
    code      text NOT NULL,
    count     bigint NOT NULL,
    PRIMARY KEY (hour, connector, outcome, code)
);
CREATE TABLE console_tally_head (one boolean PRIMARY KEY DEFAULT true CHECK (one), next_idx bigint NOT NULL);
INSERT INTO console_tally_head (next_idx) VALUES (0);
GRANT SELECT, INSERT, UPDATE, DELETE ON console_tally TO counterfoil_console;
GRANT SELECT, UPDATE ON console_tally_head TO counterfoil_console;
