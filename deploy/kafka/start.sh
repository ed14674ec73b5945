#!/bin/sh
# One guarded KRaft node in a container of Kafka's own image: compose.yaml. Its root is read-only; what it writes is its data, and /tmp.
set -eu
here=$(dirname "$0")
bin=/opt/kafka/bin
data=/var/lib/kafka/data
settings=/tmp/server.properties
export LOG_DIR=/tmp/kafka-logs KAFKA_LOG4J_OPTS="-Dlog4j2.configurationFile=$here/log4j2.properties"

sed -e "s|@PORT@|9092|; s|@ADMIN_PORT@|9093|; s|@CONTROLLER_PORT@|9094|; s|@LISTEN@|0.0.0.0|; s|@HOST@|kafka|; s|@DATA@|$data|" \
  "$here/server.properties" "$here/guard.properties" > "$settings"
if [ ! -f "$data/meta.properties" ]; then
  "$bin/kafka-storage.sh" format --cluster-id "$("$bin/kafka-storage.sh" random-uuid)" --config "$settings"
fi
exec "$bin/kafka-server-start.sh" "$settings"
