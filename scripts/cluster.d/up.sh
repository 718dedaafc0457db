# shellcheck shell=bash
# The whole cluster: up, down, status, env.

SERVICES=(follow haproxy apis discovery)

# cluster_up DIR MASTERS WORKERS MAGNUM
cluster_up() {
  local began=$SECONDS golden
  golden=$(golden_where) || die "the programs of Kubernetes are missing; run: scripts/cluster install"
  [ -e "$golden" ] || die "the nodes' file system is missing; run: scripts/cluster install"
  MAGNUM=$4 magnum_path >/dev/null
  state_create "$@"
  trap cluster_failed EXIT
  network_up
  cloud_configure
  "$HERE/../cloud" up --state "$STATE/cloud" --address "$GATEWAY" --with "$STATE/with" >/dev/null
  stand_ins_up "$golden"
  once create cluster_create
  once created cluster_created
  once config cluster_config
  nodes_ready
  trap - EXIT
  say "up after $((SECONDS - began)) s"
  echo "$STATE"
}

# Configures the cloud's Heat and Magnum for the missing services.
cloud_configure() {
  [ "$MAGNUM" = 15 ] || ln -sfn "$(magnum_path)" "$STATE/with/magnum"
  cat >"$STATE/with/heat.conf" <<CONF
[DEFAULT]
plugin_dirs = $HERE/heat
[stand_ins]
records = $STATE/records
network = $NETWORK
CONF
  cat >"$STATE/with/magnum.conf" <<CONF
[cluster]
etcd_discovery_service_endpoint_format = http://$GATEWAY:$APIS_PORT/discovery/new?size=%(size)d
[cinder_client]
region_name = RegionOne
CONF
}

# stand_ins_up GOLDEN
stand_ins_up() {
  start discovery "$(kubernetes_bin)/etcd" --enable-v2 --data-dir "$STATE/discovery" \
    --listen-client-urls "http://$GATEWAY:$DISCOVERY_PORT" --advertise-client-urls "http://$GATEWAY:$DISCOVERY_PORT" \
    --listen-peer-urls "http://127.0.0.1:$DISCOVERY_PEER_PORT" --initial-advertise-peer-urls "http://127.0.0.1:$DISCOVERY_PEER_PORT" \
    --initial-cluster "default=http://127.0.0.1:$DISCOVERY_PEER_PORT"
  until_ready discovery 60 port_open "$DISCOVERY_PORT" "$GATEWAY"
  files_make "$1"
  start apis /usr/bin/python3 "$HERE/apis.py" "$GATEWAY" "$APIS_PORT" "http://$GATEWAY:$DISCOVERY_PORT" "$BRIDGE" "$STATE/files"
  until_ready apis 60 port_open "$APIS_PORT" "$GATEWAY"
  once catalogue catalogue_fill
  start follow "$HERE/follow.sh" "$STATE" "$1"
}

catalogue_fill() (
  # shellcheck source=/dev/null
  . "$STATE/cloud/openrc"
  /usr/bin/python3 "$HERE/catalogue.py" "http://$GATEWAY:$APIS_PORT"
)

cluster_created() (
  # shellcheck source=/dev/null
  . "$STATE/cloud/openrc"
  # shellcheck disable=SC2153 # set by state_open
  /usr/bin/python3 "$HERE/wait.py" "$STATE" "$NAME" "$(magnum_path)/magnum/drivers/common/templates"
)

kubernetes_bin() { echo "$("$HERE/../kubernetes" where)/bin"; }

nodes_ready() {
  local kubectl
  kubectl=("$(kubernetes_bin)/kubectl" --kubeconfig "$STATE/config")
  "${kubectl[@]}" wait --for=condition=Ready node --all --timeout=300s >&2 ||
    die "not every node became ready: $("${kubectl[@]}" get nodes 2>&1)"
}

# After a failure or an interrupt everything stays as it is for inspection.
cluster_failed() { die "the cluster did not start; inspect it with scripts/cluster run, and end it with: scripts/cluster down --state $STATE --purge"; }

# cluster_down PURGE
cluster_down() {
  local node downs=()
  stop "${SERVICES[@]}"
  for node in "$STATE"/nodes/*/; do
    [ -e "$node/name" ] || continue
    node_down "$(basename "$node")" &
    downs+=($!)
  done
  [ ${#downs[@]} = 0 ] || wait "${downs[@]}"
  [ ! -e "$STATE/cloud/settings" ] || "$HERE/../cloud" down --state "$STATE/cloud"
  local pid
  for pid in $(stragglers); do kill -KILL "$pid" 2>/dev/null || true; done
  network_down
  if [ -n "$1" ]; then rm -rf --one-file-system "$STATE"; fi
}

cluster_status() {
  local name down=0 node
  for name in "${SERVICES[@]}"; do
    if alive "$name"; then
      printf '%-10s running (pid %s)\n' "$name" "$(cut -d' ' -f1 "$STATE/pid/$name")"
    else
      printf '%-10s stopped\n' "$name" && down=1
    fi
  done
  for node in "$STATE"/nodes/*/; do
    [ -e "$node/pid/init" ] && printf '%s running (init %s)\n' "$(basename "$node")" "$(cut -d' ' -f1 "$node/pid/init")"
  done
  "$HERE/../cloud" status --state "$STATE/cloud" >/dev/null || { echo "the cloud is not all there: scripts/cloud status --state $STATE/cloud" && down=1; }
  "$(kubernetes_bin)/kubectl" --kubeconfig "$STATE/config" get nodes -o wide || down=1
  return $down
}

# Prints the variables for tests and people, as shell assignments.
cluster_env() {
  cat "$STATE/cloud/openrc"
  cat <<ENV
export COE_CLUSTER_STATE=$STATE
export COE_CLUSTER_NAME=$NAME
export COE_CLUSTER_GATEWAY=$GATEWAY
export COE_CLUSTER_DISCOVERY=http://$GATEWAY:$DISCOVERY_PORT
export COE_CLUSTER_NODES='$(cat "$STATE"/records/servers/*.json | jq -r '.name + "=" + .address' | sort | xargs)'
export KUBECONFIG=$STATE/config
export PATH=$(kubernetes_bin):\$PATH
ENV
}
