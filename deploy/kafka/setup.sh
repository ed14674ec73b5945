#!/bin/sh
# Users and their rights, made by whoever is on the node itself (compose.yaml runs it in Kafka's own network namespace). Each role's password is a
# file: a password among a program's arguments is read by everyone on the machine. Run again, it gives a changed password to its user.
# KAFKA_BIN, KAFKA_SECRETS and COUNTERFOIL_KAFKA are other places than those of the container, for who runs it elsewhere.
set -eu
here=$(dirname "$0")
bin=${KAFKA_BIN:-/opt/kafka/bin}
secrets=${KAFKA_SECRETS:-/run/secrets}
p=${COUNTERFOIL_PREFIX:-counterfoil}
export LOG_DIR=/tmp/kafka-logs KAFKA_HEAP_OPTS=-Xmx96m COUNTERFOIL_KAFKA="${COUNTERFOIL_KAFKA:-127.0.0.1:9093}" KAFKA_ACLS="$bin/kafka-acls.sh"
umask 077
draft=$(mktemp)
trap 'rm -f "$draft"' EXIT

for file in "$secrets"/kafka_*; do
  role=${file##*/kafka_}
  # In a file the value stands without the brackets that it has on a command line.
  printf 'SCRAM-SHA-512=password=%s\n' "$(cat "$file")" > "$draft"
  "$bin/kafka-configs.sh" --bootstrap-server "$COUNTERFOIL_KAFKA" --alter --entity-type users --entity-name "$p-$role" --add-config-file "$draft"
done
/bin/sh "$here/acls.sh"
