"""Every name that telemetry uses, spelled once.

Messaging semantic conventions 1.41 (development): https://opentelemetry.io/docs/specs/semconv/messaging/
"""

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

KIND = "counterfoil.kind"
CODE = "counterfoil.reason"
QUEUE_SECONDS = "counterfoil.queue.seconds"
CONNECTOR = "counterfoil.connector"
CREDENTIAL = "counterfoil.credential_id"
OUTCOME = "counterfoil.outcome"

PROCESS_DURATION = "messaging.process.duration"
QUEUE_DURATION = "counterfoil.stage.queue.duration"
SENT = "messaging.client.sent.messages"
CONSUMED = "messaging.client.consumed.messages"
DEAD_LETTERS = "counterfoil.dead_letters"
FACTS = "counterfoil.facts"
