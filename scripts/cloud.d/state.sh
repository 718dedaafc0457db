# shellcheck shell=bash
# The state folder: everything that belongs to one cloud, and its settings (ports, password).
#   settings  etc/  log/  pid/  done/ (completed one-time steps)  keys/ (Fernet)  mysql/  rabbitmq/  redis/  swift/
#   openrc

# state_create DIR HASH_ROUNDS ADDRESS FOLDER: opens a state folder, and makes a missing one first.
state_create() {
  state_folder "${1:-}"
  # A Unix socket's path has at most 107 bytes.
  [ ${#STATE} -le 80 ] || die "the state folder's path is too long for a database socket in it: $STATE"
  if [ ! -e "$STATE/settings" ]; then
    # The database and the broker run as users of their own and need access to their folders.
    chmod 0711 "$STATE"
    mkdir "$STATE"/{etc,log,pid,done,keys}
    chmod 0700 "$STATE"/{etc,log,keys}
    local ports
    read -ra ports < <(free_ports 13)
    umask 077
    cat >"$STATE/settings.new" <<SETTINGS
KEYSTONE_PORT=${ports[0]}
HEAT_PORT=${ports[1]}
HEAT_CFN_PORT=${ports[2]}
MAGNUM_PORT=${ports[3]}
AMQP_PORT=${ports[4]}
ERLANG_PORT=${ports[5]}
EPMD_PORT=${ports[6]}
ZAQAR_PORT=${ports[7]}
ZAQAR_WEBSOCKET_PORT=${ports[8]}
SWIFT_PORT=${ports[9]}
SWIFT_ACCOUNT_PORT=${ports[10]}
SWIFT_CONTAINER_PORT=${ports[11]}
SWIFT_OBJECT_PORT=${ports[12]}
PASSWORD=$(random_hex)
HEAT_KEY=$(random_hex)
HASH_ROUNDS=$2
ADDRESS=$3
WITH=$4
SETTINGS
    mv "$STATE/settings.new" "$STATE/settings"
    umask 022
  fi
  state_open "$STATE"
}

state_open() {
  state_find "${1:-}"
  # shellcheck source=/dev/null
  . "$STATE/settings"
  AUTH_URL=http://$ADDRESS:$KEYSTONE_PORT/v3
}

# extra FILE: prints what the folder of --with adds to a configuration file. A section may occur twice.
extra() { [ ! -e "${WITH:-/dev/null}/$1" ] || cat "$WITH/$1"; }

# Writes the settings of the openstack client. A proxy in the environment must not be used for loopback. `coe cluster config`
# reads SHELL to choose the format of an assignment, and fails with "'SHELL'" if it is not set (CI, cron).
state_openrc() {
  (
    umask 077
    cat >"$STATE/openrc" <<OPENRC
export OS_AUTH_URL=$AUTH_URL
export OS_IDENTITY_API_VERSION=3
export OS_USERNAME=admin
export OS_PASSWORD=$PASSWORD
export OS_PROJECT_NAME=admin
export OS_USER_DOMAIN_ID=default
export OS_PROJECT_DOMAIN_ID=default
export OS_REGION_NAME=RegionOne
export no_proxy=127.0.0.1,localhost,$ADDRESS
export SHELL=\${SHELL:-/bin/sh}
OPENRC
  )
}
