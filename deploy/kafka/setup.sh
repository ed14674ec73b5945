#!/bin/sh
# Users and their rights, made by whoever is on the node itself (compose.yaml runs it in Kafka's own network namespace). Each role's password is a
# file: a password among a program's arguments is read by everyone on the machine. Run again, it gives a changed password to its user.
set -eu
here=$(dirname "$0")
bin=/opt/kafka/bin
secrets=/run/secrets
draft=/tmp/password.properties
p=${COUNTERFOIL_PREFIX:-counterfoil}
umask 077
export LOG_DIR=/tmp/kafka-logs KAFKA_HEAP_OPTS=-Xmx96m COUNTERFOIL_KAFKA=127.0.0.1:9093 KAFKA_ACLS="$bin/kafka-acls.sh"

for file in "$secrets"/kafka_*; do
  role=${file##*/kafka_}
  printf 'SCRAM-SHA-512=[password=%s]\n' "$(cat "$file")" > "$draft"
  "$bin/kafka-configs.sh" --bootstrap-server "$COUNTERFOIL_KAFKA" --alter --entity-type users --entity-name "$p-$role" --add-config-file "$draft"
  rm "$draft"
done
/bin/sh "$here/acls.sh"
