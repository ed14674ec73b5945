-- What was minted within the last minute, counted where a connector or link has a limit. Rows come in order of time: a few bytes per page range.
CREATE INDEX mint_sent ON mint USING brin (sent_at) WITH (pages_per_range = 16, autosummarize = on);
