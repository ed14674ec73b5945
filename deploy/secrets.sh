#!/bin/sh
# Makes every secret that compose.yaml mounts, in a folder that only you can enter: deploy/secrets.sh secrets
# What is there already stays, so running it again makes what is missing. Back the folder up where nobody else reads it.
set -eu
folder=${1:?deploy/secrets.sh FOLDER}
host=${POSTGRES_HOST:-postgres:5432}
umask 077
mkdir -p "$folder"
chmod 0700 "$folder"

fresh() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

# The folder keeps others out. The files can be read by whoever a container runs as: to it each is mounted alone.
keep() {
  if [ ! -e "$folder/$1" ]; then
    cat > "$folder/$1.new"
    chmod 0444 "$folder/$1.new"
    mv "$folder/$1.new" "$folder/$1"
    echo "$folder/$1"
  fi
}

fresh | keep postgres
printf 'postgresql://counterfoil:%s@%s/counterfoil' "$(cat "$folder/postgres")" "$host" | keep database_owner
for role in gateway verifier policy mint revoke audit revoker ops; do
  fresh | keep "kafka_$role"
  printf 'postgresql://counterfoil_%s:%s@%s/counterfoil' "$role" "$(fresh)" "$host" | keep "database_$role"
done
printf 'postgresql://counterfoil_console:%s@%s/counterfoil' "$(fresh)" "$host" | keep database_console
