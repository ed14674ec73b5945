-- Of what is alive the console counts by connector and class, and an order is looked at by project: without these each reads every row that is alive.
CREATE INDEX mint_alive_kind ON mint (connector, class) WHERE state IN ('minting', 'active', 'revoking', 'stuck', 'uncertain');
CREATE INDEX mint_alive_place ON mint (project, environment) WHERE state IN ('minting', 'active', 'revoking', 'stuck', 'uncertain');
-- Whether an order is over waits for requests on the wire, failed ones with them: those whose window is open, without a look at the whole ledger.
CREATE INDEX mint_window ON mint (window_closes_at) WHERE state IN ('minting', 'failed');
