# shellcheck shell=bash
# Keystone behind uWSGI, and the users, domains, roles and endpoints that Heat and Magnum need.

# wsgi NAME PORT PROCESSES FILE PYTHON-ARGUMENTS [VARIABLE=VALUE...]
# uWSGI closes a connection after each answer. The header announces this, so that clients do not send the next request
# into a reset.
wsgi() {
  local name=$1 port=$2 processes=$3 file=$4 arguments=$5
  shift 5
  start "$name" env "$@" uwsgi --plugins python3 --http-socket "$ADDRESS:$port" --wsgi-file "$file" --pyargv "$arguments" \
    --master --processes "$processes" --threads 8 --buffer-size 65535 --add-header 'Connection: close' --die-on-term --need-app
}

# A rotation waits mostly for Keystone, because Heat and Magnum log in for nearly every step. With its defaults, twelve
# rounds of bcrypt and no cache, one rotation costs it 50 s of CPU time; with these settings, 2 s. The cache is in the
# process's own memory, which is correct for a single process.
keystone_configure() {
  cat >"$STATE/etc/keystone.conf" <<CONF
[DEFAULT]
log_file = $STATE/log/keystone.log
public_endpoint = http://$ADDRESS:$KEYSTONE_PORT
[database]
connection = $(database_url keystone)
[fernet_tokens]
key_repository = $STATE/keys/fernet
[fernet_receipts]
key_repository = $STATE/keys/fernet
[credential]
key_repository = $STATE/keys/credential
[token]
provider = fernet
[identity]
password_hash_rounds = $HASH_ROUNDS
[cache]
backend = dogpile.cache.memory_pickle
CONF
}

# A Fernet repository is a folder of files named by number: 0 is the next key, the highest number signs.
fernet_keys() (
  umask 077
  local repository key
  for repository in fernet credential; do
    mkdir -p "$STATE/keys/$repository"
    for key in 0 1; do head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '\n' >"$STATE/keys/$repository/$key"; done
  done
)

keystone_migrate() {
  fernet_keys
  run keystone-setup env PASSWORD="$PASSWORD" /usr/bin/python3 "$HERE/keystone-setup.py" "$STATE/etc/keystone.conf" "$AUTH_URL"
}

keystone_fill() {
  # shellcheck source=/dev/null
  . "$STATE/openrc"
  /usr/bin/python3 "$HERE/identity.py" "$ADDRESS" "$HEAT_PORT" "$HEAT_CFN_PORT" "$MAGNUM_PORT" "$ZAQAR_PORT" "$ZAQAR_WEBSOCKET_PORT" "$SWIFT_PORT"
}

keystone_up() {
  once keystone keystone_migrate
  wsgi keystone "$KEYSTONE_PORT" 1 /usr/bin/keystone-wsgi-public '' OS_KEYSTONE_CONFIG_FILES="$STATE/etc/keystone.conf"
  until_ready keystone 120 port_open "$KEYSTONE_PORT" "$ADDRESS"
  once identity keystone_fill
}
