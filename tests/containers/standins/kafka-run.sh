#!/bin/sh
# bin/kafka-run-class.sh, as much of it as is used: each command is a link to this file.
set -eu
case ${0##*/} in
  kafka-storage.sh) main=kafka.tools.StorageTool ;;
  kafka-server-start.sh) main=kafka.Kafka ;;
  kafka-configs.sh) main=kafka.admin.ConfigCommand ;;
  kafka-acls.sh) main=org.apache.kafka.tools.AclCommand ;;
esac
# shellcheck disable=SC2086
exec /opt/java/bin/java ${KAFKA_HEAP_OPTS:-} -XX:+UseSerialGC -XX:TieredStopAtLevel=1 ${KAFKA_LOG4J_OPTS:-} -cp "/opt/kafka/libs/*" "$main" "$@"
