# shellcheck shell=bash
# One node: a machine configured by its server's user data.

field() { jq -r ".$2" "$1"; }

# Machines that this process has booted; a machine that powers itself off stays off.
declare -A BOOTED

# node_follow RECORD GOLDEN: boots a server's machine in the background, once.
node_follow() {
  local name
  name=$(field "$1" name)
  [ -z "${BOOTED[$name]:-}" ] || return 0
  BOOTED[$name]=yes
  mkdir -p "$STATE/nodes/$name"
  node_boot "$1" "$name" "$2" >>"$STATE/log/$name.out" 2>&1 &
}

# node_boot RECORD NAME GOLDEN
node_boot() {
  local record=$1 name=$2 golden=$3 address with
  address=$(field "$record" address)
  with=$(mktemp -d)
  chmod 0755 "$with"
  mkdir -p "$with/etc/cni/host-only.d"
  field "$record" user_data | "$HERE/ignition.py" "$with"
  printf 'ADDRESS=%s\nGATEWAY=%s\nNETWORK=%s\n' "$address" "$GATEWAY" "$NETWORK" >"$with/etc/network.env"
  printf '127.0.0.1 localhost\n%s %s\n' "$address" "$name" >"$with/etc/hosts"
  node_pods "${address##*.}" >"$with/etc/cni/host-only.d/10-pods.conflist"
  "$HERE/../machine" up --state "$STATE/nodes/$name" --base "$golden/root" --with "$with" --bridge "$BRIDGE"
  rm -rf "$with"
}

# node_pods NUMBER: prints the network of this node's pods; each node has a route to every other's (host0.service).
node_pods() {
  cat <<CONFLIST
{
  "cniVersion": "0.4.0", "name": "pods", "plugins": [
    {
      "type": "bridge", "bridge": "pods0", "isGateway": true, "ipMasq": true,
      "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.100.$1.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}
    },
    {"type": "portmap", "capabilities": {"portMappings": true}},
    {"type": "loopback"}
  ]
}
CONFLIST
}

# node_wanted NAME: whether a server of this name is recorded.
node_wanted() { cat "$STATE"/records/servers/*.json 2>/dev/null | jq --slurp -e --arg name "$1" 'any(.name == $name)' >/dev/null; }

# node_down NAME [--purge]: ends it at once, as a hypervisor destroys a machine.
node_down() { "$HERE/../machine" down --state "$STATE/nodes/$1" --hard "${@:2}"; }

# node_up NAME: boots a machine that is off.
node_up() { "$HERE/../machine" up --state "$STATE/nodes/$1" --bridge "$BRIDGE" >/dev/null; }

node_known() {
  [ -e "$STATE/nodes/$1/name" ] || die "this cluster has no node $1; it has:$(for node in "$STATE"/nodes/*; do printf ' %s' "${node##*/}"; done)"
}

# node_run NAME COMMAND...: runs a command as a unit of the node. A process from outside would be in a control group of
# this machine, where podman cannot make containers.
node_run() {
  local name=$1
  shift
  node_known "$name"
  exec "$HERE/../machine" run --state "$STATE/nodes/$name" -- systemd-run --quiet --pipe --wait --collect --service-type=exec -- "$@"
}
