# shellcheck shell=bash
# The whole cloud: up (independent parts in parallel), down, status.

SERVICES=(magnum-conductor magnum-api heat-api-cfn heat-api heat-engine zaqar-websocket zaqar redis swift keystone rabbitmq epmd mariadbd)

# together FUNCTION...: runs them in parallel; fails if one does. Do not call it where `set -e` is off
# (after `if`, before `||`): the functions rely on it.
together() {
  local job jobs=() failed=
  for job in "$@"; do
    "$job" &
    jobs+=($!)
  done
  for job in "${jobs[@]}"; do wait "$job" || failed=yes; done
  [ -z "$failed" ]
}

# cloud_up DIR HASH_ROUNDS ADDRESS FOLDER
cloud_up() {
  local began=$SECONDS
  installed || die "packages are missing; run: scripts/cloud install"
  state_create "$@"
  state_openrc
  keystone_configure
  heat_configure
  magnum_configure
  zaqar_configure
  swift_configure
  trap cloud_failed EXIT
  broker_start
  database_up
  together keystone_up heat_up magnum_up zaqar_up swift_up
  cloud_ready
  trap - EXIT
  say "up after $((SECONDS - began)) s"
  echo "$STATE"
}

cloud_ready() (
  # shellcheck source=/dev/null
  . "$STATE/openrc"
  /usr/bin/python3 "$HERE/ready.py" 180
)

# After a failure or an interrupt: ends the jobs that still start processes first.
cloud_failed() {
  local job
  for job in $(jobs -p); do kill "$job" 2>/dev/null || true; done
  cloud_stop
  die "the cloud did not start; the logs are in $STATE/log"
}

cloud_stop() {
  local pid
  stop "${SERVICES[@]}"
  for pid in $(stragglers); do kill -KILL "$pid" 2>/dev/null || true; done
}

# cloud_down PURGE
cloud_down() {
  cloud_stop
  if [ -n "$1" ]; then rm -rf "$STATE"; fi
}

cloud_status() {
  local name down=0
  for name in "${SERVICES[@]}"; do
    if alive "$name"; then
      printf '%-17s running (pid %s)\n' "$name" "$(cut -d' ' -f1 "$STATE/pid/$name")"
    else
      printf '%-17s stopped\n' "$name" && down=1
    fi
  done
  echo "keystone $AUTH_URL, heat :$HEAT_PORT, heat-cfn :$HEAT_CFN_PORT, magnum http://$ADDRESS:$MAGNUM_PORT/v1, zaqar :$ZAQAR_PORT (websocket :$ZAQAR_WEBSOCKET_PORT), swift :$SWIFT_PORT, state $STATE"
  return $down
}
