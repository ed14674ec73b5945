-- What became of a dead letter: Kafka keeps the letters, and knows nothing of that. The record of it is a registry change of the same transaction.
CREATE TABLE dead_letter (
    topic     text NOT NULL,
    partition integer NOT NULL,
    lies_at   bigint NOT NULL,
    act       text NOT NULL CHECK (act IN ('redriven', 'discarded')),
    reason    text NOT NULL,
    at        timestamptz NOT NULL,
    PRIMARY KEY (topic, partition, lies_at)
);
GRANT SELECT, INSERT, UPDATE ON dead_letter TO counterfoil_ops, counterfoil_gateway;
GRANT SELECT ON dead_letter TO counterfoil_console;
