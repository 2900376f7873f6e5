#!/bin/sh
# Secrets come as files: where NAME_FILE names one below the folder of secrets, its content becomes NAME.
set -eu
secrets="${TIEOUT_SECRETS_DIR:-/run/secrets}"
for name in $(env | sed -n 's/^\([A-Z][A-Z0-9_]*\)_FILE=.*/\1/p'); do
  file="$(printenv "${name}_FILE")"
  case "$file" in
    "$secrets"/*) ;;
    *) continue ;;
  esac
  if [ ! -r "$file" ]; then
    echo "${name}_FILE names $file, which cannot be read." >&2
    exit 2
  fi
  value="$(cat "$file")"
  export "$name=$value"
done
exec "$@"
