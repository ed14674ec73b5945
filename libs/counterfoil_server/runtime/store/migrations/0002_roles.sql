-- One database role per process, each with what its work needs and nothing else. They cannot log in until an operator gives them a way to.
DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['gateway', 'verifier', 'policy', 'mint', 'revoke', 'audit', 'revoker', 'ops'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'counterfoil_' || name) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', 'counterfoil_' || name);
        END IF;
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), 'counterfoil_' || name);
        EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', 'counterfoil_' || name);
        EXECUTE format('GRANT SELECT ON service_key, registry_head TO %I', 'counterfoil_' || name);
    END LOOP;
    EXECUTE format('REVOKE CONNECT, TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
END $$;

GRANT SELECT ON registry_entry TO counterfoil_gateway, counterfoil_verifier, counterfoil_policy, counterfoil_mint, counterfoil_revoke, counterfoil_ops;
GRANT SELECT ON connector TO counterfoil_gateway, counterfoil_mint, counterfoil_revoke, counterfoil_audit, counterfoil_revoker, counterfoil_ops;
GRANT SELECT ON block TO counterfoil_gateway, counterfoil_mint, counterfoil_audit, counterfoil_revoker, counterfoil_ops;
GRANT SELECT ON heartbeat TO counterfoil_gateway, counterfoil_mint, counterfoil_ops;

-- gateway: the registry's writer, and the door of every revocation. It can put a root secret in, sealed, and read none.
GRANT INSERT, UPDATE, DELETE ON registry_entry TO counterfoil_gateway;
GRANT SELECT, INSERT, UPDATE (relayed_at) ON registry_change TO counterfoil_gateway;
GRANT UPDATE ON registry_head TO counterfoil_gateway;
GRANT INSERT, UPDATE ON connector TO counterfoil_gateway;
GRANT INSERT (connector, installation, field, version, sealed), SELECT (connector, installation, field, version, at) ON root_secret TO counterfoil_gateway;
GRANT INSERT, UPDATE (lifted_at) ON block TO counterfoil_gateway;
GRANT SELECT, INSERT, UPDATE (published_at) ON revocation_order TO counterfoil_gateway;
GRANT SELECT, INSERT ON revocation TO counterfoil_gateway;
GRANT SELECT, INSERT, UPDATE ON handed TO counterfoil_gateway;
GRANT SELECT (request_hash, fact_hash, outcome, idx, proof, deadline, credential_id, box, delivered), UPDATE (delivered) ON reply TO counterfoil_gateway;
GRANT SELECT (issuer, sub_hash, request_id, attempt, credential_id, request_hash, state, epoch, class, connector, installation, project, environment,
    handle, granted, deadline, ends_by_itself, sent_at, window_closes_at, expires_at, secret_digest) ON mint TO counterfoil_gateway, counterfoil_ops;
GRANT SELECT ON audit_leaf, audit_head TO counterfoil_gateway, counterfoil_ops;
GRANT SELECT ON registry_change, revocation, revocation_order, reply TO counterfoil_ops;

-- ops: keys and nothing else of the registry.
GRANT INSERT, UPDATE (not_after) ON service_key TO counterfoil_ops;
GRANT INSERT ON registry_change TO counterfoil_ops;
GRANT UPDATE ON registry_head TO counterfoil_ops;

-- mint: writes the second seal and cannot read it.
GRANT INSERT, SELECT (issuer, sub_hash, request_id, attempt, credential_id, decision_hash, request_hash, wish_hash, state, epoch, class, connector,
    installation, project, environment, handle, granted, deadline, ends_by_itself, traceparent, sent_at, window_closes_at, expires_at, fact, secret_digest),
    UPDATE (state, handle, granted, expires_at, fact, seal_2, secret_digest) ON mint TO counterfoil_mint;
GRANT SELECT, INSERT, DELETE ON used_token TO counterfoil_mint;
GRANT SELECT, INSERT ON revocation TO counterfoil_mint;
GRANT SELECT (request_hash, outcome, deadline, credential_id, box, delivered) ON reply TO counterfoil_mint;
GRANT SELECT, UPDATE (sealed, kek_id, wrapped_key, nonce, box) ON root_secret TO counterfoil_mint;

-- revoke: reads root secrets and second seals, settles.
GRANT SELECT (connector, installation, field, version, kek_id, wrapped_key, nonce, box) ON root_secret TO counterfoil_revoke;
GRANT SELECT, UPDATE (state, seal_2) ON mint TO counterfoil_revoke;
GRANT SELECT, INSERT, UPDATE (state, attempts, next_at, last_error, settled, published_at) ON revocation TO counterfoil_revoke;
GRANT SELECT (revision, entry_kind, name, entry) ON registry_change TO counterfoil_revoke;

-- revoker: orders, and says when a fenced connector has nothing alive any more.
GRANT UPDATE (state) ON connector TO counterfoil_revoker;
GRANT SELECT (issuer, sub_hash, request_id, attempt, credential_id, request_hash, state, epoch, class, connector, installation, project, environment,
    deadline, ends_by_itself, traceparent, sent_at, window_closes_at, expires_at), UPDATE (state) ON mint TO counterfoil_revoker;
GRANT SELECT, INSERT, UPDATE (ordered_at) ON revocation TO counterfoil_revoker;
GRANT SELECT, UPDATE (ordered_at) ON revocation_order TO counterfoil_revoker;
GRANT SELECT ON reply TO counterfoil_revoker;
GRANT DELETE ON block TO counterfoil_revoker;

-- audit: appends. It changes nothing but the head, who was answered, and its heartbeat.
GRANT SELECT, INSERT ON audit_leaf TO counterfoil_audit;
GRANT SELECT, INSERT, UPDATE ON audit_head TO counterfoil_audit;
GRANT SELECT, INSERT, UPDATE (outcome, box, delivered) ON reply TO counterfoil_audit;
GRANT SELECT, INSERT, UPDATE ON heartbeat TO counterfoil_audit;
GRANT SELECT, INSERT, DELETE ON subject TO counterfoil_audit;
GRANT INSERT ON revocation TO counterfoil_audit;
GRANT SELECT (credential_id, state, fact) ON mint TO counterfoil_audit;
