"""Every name that telemetry uses, spelled once: attributes of spans, then labels, then the table of metrics.

Messaging semantic conventions 1.41 (development): https://opentelemetry.io/docs/specs/semconv/messaging/
"""

from typing import Final

from counterfoil_server.runtime.telemetry.metric import Metric

SCHEMA_URL = "https://opentelemetry.io/schemas/1.41.0"

SYSTEM = "messaging.system"
OPERATION = "messaging.operation.name"
OPERATION_TYPE = "messaging.operation.type"
DESTINATION = "messaging.destination.name"
PARTITION = "messaging.destination.partition.id"
OFFSET = "messaging.kafka.offset"
GROUP = "messaging.consumer.group.name"
CONVERSATION = "messaging.message.conversation_id"
ERROR = "error.type"
METHOD = "http.request.method"
STATUS = "http.response.status_code"
SERVER = "server.address"
PORT = "server.port"

KIND = "counterfoil.kind"
DECISION = "counterfoil.decision"
CODE = "counterfoil.reason"
QUEUE_SECONDS = "counterfoil.queue.seconds"
CONNECTOR = "counterfoil.connector"
CREDENTIAL = "counterfoil.credential_id"
OUTCOME = "counterfoil.outcome"
ISSUER = "counterfoil.issuer"
POLICY = "counterfoil.policy_hash"
REVISION = "counterfoil.registry_revision"
LIFETIME = "counterfoil.lifetime.seconds"
CLASS = "counterfoil.revocation_class"
LEAF = "counterfoil.leaf"
CAUSE = "counterfoil.cause"

# Labels. None of them is told by a stranger: each has few values, all known to the registry or to the code.
BY_PROVIDER, BY_CONNECTOR, BY_STAGE, BY_GROUP, BY_TOPIC = "provider", "connector", "stage", "group", "topic"
BY_DECISION, BY_REASON, BY_OUTCOME, BY_PHASE = "decision", "reason", "outcome", "phase"
OWN_LABELS: Final = frozenset({BY_PROVIDER, BY_CONNECTOR, BY_STAGE, BY_GROUP, BY_TOPIC, BY_DECISION, BY_REASON, BY_OUTCOME, BY_PHASE})
CONVENTIONAL: Final = frozenset({SYSTEM, OPERATION, DESTINATION, GROUP, ERROR, METHOD, STATUS, SERVER, PORT})

HOURS: Final = (30.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, 4 * 3600.0, 12 * 3600.0, 24 * 3600.0)
MINUTES: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0)

EXCHANGE_DURATION = Metric(
    "counterfoil.exchange.duration", "s", "histogram", "From the door to the answer. Outcomes: granted, rejected, denied, refused, revoked, "
    "unavailable (the last: a part of ours was away or late; only it is a failure of ours).", (BY_PROVIDER, BY_OUTCOME),
)  # fmt: skip
LIVE = Metric(
    "counterfoil.credentials.live", "{credential}", "gauge", "Credentials that may be alive: minting, active, revoking, stuck or uncertain. "
    "A provider has one revocation class, so by provider is by class too.", (BY_PROVIDER, BY_CONNECTOR),
)  # fmt: skip
LIFETIME_GRANTED = Metric("counterfoil.credential.lifetime", "s", "histogram", "For how long a credential was lent.", (BY_PROVIDER,), HOURS)
BY_EXPIRATION = Metric(
    "counterfoil.credentials.by_expiration", "{credential}", "gauge", "Live credentials by when their time is up. Phases: overdue, minutes "
    "(within 5), hour (within one), day (within one), later.", (BY_PROVIDER, BY_PHASE),
)  # fmt: skip
OLDEST_UNSETTLED = Metric(
    "counterfoil.revocation.oldest_age", "s", "gauge", "How long ago the oldest revocation that is not settled was ordered; 0: none is open. "
    "Uncertain ones are not counted: they wait for a time that is known.",
)  # fmt: skip
STUCK = Metric(
    "counterfoil.credentials.stuck", "{credential}", "gauge", "Credentials that the provider would not end, and that are still tried.",
    (BY_PROVIDER, BY_CONNECTOR),
)  # fmt: skip
UNCERTAIN = Metric(
    "counterfoil.credentials.uncertain", "{credential}", "gauge", "Credentials that nobody can end and that die by their own time only.",
    (BY_PROVIDER, BY_CONNECTOR),
)  # fmt: skip

PROCESS_DURATION = Metric(
    "messaging.process.duration", "s", "histogram", "From a batch's arrival at a stage to its last output; once for each of its topics.",
    (SYSTEM, OPERATION, DESTINATION, GROUP, ERROR),
)  # fmt: skip
SEND_DURATION = Metric(
    "messaging.client.operation.duration", "s", "histogram", "How long the broker took to acknowledge what a batch sent.", (SYSTEM, OPERATION, ERROR),
)  # fmt: skip
SENT = Metric("messaging.client.sent.messages", "{message}", "counter", "Records sent.", (SYSTEM, OPERATION, DESTINATION))
CONSUMED = Metric("messaging.client.consumed.messages", "{message}", "counter", "Records taken.", (SYSTEM, OPERATION, DESTINATION, GROUP))
QUEUE_DURATION = Metric(
    "counterfoil.stage.queue.duration",
    "s",
    "histogram",
    "How long the oldest record of a batch lay on its topic before a stage took it.",
    (BY_GROUP, BY_TOPIC),
    MINUTES,
)
LAG = Metric("counterfoil.stage.lag", "{message}", "gauge", "Records that lie before a stage: end offset less position.", (BY_GROUP, BY_TOPIC))
LAG_AGE = Metric(
    "counterfoil.stage.lag_age", "s", "gauge", "How old the oldest record that lies before a stage can be; 0: none does.", (BY_GROUP, BY_TOPIC)
)
REBALANCES = Metric("counterfoil.stage.rebalances", "{rebalance}", "counter", "Times that partitions were dealt out anew.", (BY_GROUP,))
STALLS = Metric(
    "counterfoil.stage.stalls", "{stall}", "counter", "Times that a consumer no longer moved; its process then ends and starts again.", (BY_GROUP,)
)
DEAD_LETTERS = Metric("counterfoil.dead_letters", "{message}", "counter", "Records that nobody could read or answer.", (BY_TOPIC, BY_REASON))
DLQ_DEPTH = Metric(
    "counterfoil.dlq.depth", "{message}", "gauge", "Dead letters that a topic's DLQ still keeps, redriven ones among them.", (BY_TOPIC,)
)
RETRIES = Metric("counterfoil.retries", "{batch}", "counter", "Batches that were cut off and come again.", (BY_GROUP,))

DECISIONS = Metric("counterfoil.decisions", "{decision}", "counter", "What policy said: allow or deny, and why not.", (BY_DECISION, BY_REASON))
VERIFY_FAILURES = Metric("counterfoil.verify.failures", "{identity}", "counter", "Identities that were rejected, by cause.", (BY_REASON,))
REFUSALS = Metric("counterfoil.mint.refusals", "{mint}", "counter", "Mints that were refused, by cause.", (BY_PROVIDER, BY_REASON))
JWKS_AGE = Metric(
    "counterfoil.jwks.age", "s", "gauge", "Age of the oldest key set among the issuers that were asked for of late (it is refreshed every 300 s)."
)

HTTP_DURATION = Metric(
    "http.client.request.duration", "s", "histogram", "One request to a provider or to an issuer, its answer read. Without a status there was none.",
    (BY_PROVIDER, METHOD, STATUS, SERVER, PORT, ERROR),
)  # fmt: skip
PROVIDER_DURATION = Metric(
    "counterfoil.provider.call.duration", "s", "histogram", "One act of a provider, whatever it speaks. Phases: mint, revoke. Outcomes: done, "
    "refused, unavailable, unknown.", (BY_PROVIDER, BY_PHASE, BY_OUTCOME),
)  # fmt: skip
QUOTA = Metric(
    "counterfoil.provider.quota_remaining", "{request}", "gauge", "Requests that a provider still allows, as its last answer said.",
    (BY_PROVIDER, BY_CONNECTOR),
)  # fmt: skip
SECRET_AGE = Metric(
    "counterfoil.connector.secret_age", "s", "gauge", "How long ago the oldest part of a connector's root secret was set. No provider tells when "
    "one ends, so its age is what is known.", (BY_PROVIDER, BY_CONNECTOR),
)  # fmt: skip

REVOCATION_DURATION = Metric(
    "counterfoil.revocation.duration", "s", "histogram", "From the order of a credential's end. Phases, each counted from there: accepted (the door "
    "has written order and fence), ordered (in the log), confirmed (at the provider), evicted (heard by a gateway, as by every client that listens).",
    (BY_PHASE,), MINUTES,
)  # fmt: skip

AUDIT_HEAD = Metric("counterfoil.audit.head", "{leaf}", "gauge", "Leaves of the audit log.")
AUDIT_LAG = Metric("counterfoil.audit.append_lag", "s", "gauge", "Age of the oldest fact that is no leaf yet. Mint pauses at 5 s.")
AUDIT_GAPS = Metric("counterfoil.audit.gaps", "{leaf}", "gauge", "Leaves that the signed head counts and the table does not have: always 0.")
CHECKPOINT_AGE = Metric(
    "counterfoil.audit.checkpoint_age", "s", "gauge", "How long ago a head was signed. Each batch signs one, so at rest it only grows."
)
VERIFIED_AGE = Metric("counterfoil.audit.verified_age", "s", "gauge", "How long ago all leaves were last hashed anew and came to the signed root.")

LOOP_LAG = Metric("counterfoil.process.loop_lag", "s", "gauge", "The latest that a timer rang since the last export: what held the loop up.")
MEMORY = Metric("process.memory.usage", "By", "gauge", "Resident memory.")
PRODUCER_BUFFER = Metric("counterfoil.producer.buffer", "{batch}", "gauge", "Batches that wait in the process for the broker.")
POOL_WAIT = Metric("counterfoil.pool.wait", "s", "histogram", "How long a probe, once a second, waited for a connection of the database pool.")
SPANS_DROPPED = Metric("counterfoil.spans.dropped", "{span}", "counter", "Spans that were not exported: the queue was full, or nobody took them.")

METRICS: Final = tuple(found for found in tuple(vars().values()) if isinstance(found, Metric))
