# shellcheck shell=bash
# Zaqar: its API behind uWSGI and its websocket server; queues are in the database, messages in a Redis of its own.

zaqar_configure() {
  cat >"$STATE/etc/zaqar.conf" <<CONF
[DEFAULT]
log_file = $STATE/log/zaqar.log
auth_strategy = keystone
unreliable = true
[storage]
message_pipeline = zaqar.notification.notifier
[drivers]
transport = websocket
message_store = redis
management_store = sqlalchemy
[drivers:management_store:sqlalchemy]
uri = $(database_url zaqar)
[drivers:message_store:redis]
uri = redis:$STATE/redis/socket?socket_timeout=10
[drivers:transport:websocket]
bind = $ADDRESS
port = $ZAQAR_WEBSOCKET_PORT
notification_bind = $ADDRESS
[signed_url]
secret_key = $HEAT_KEY
[keystone_authtoken]
$(service_login zaqar)
www_authenticate_uri = $AUTH_URL
CONF
}

zaqar_migrate() { run zaqar-sql-db-manage zaqar-sql-db-manage --config-file "$STATE/etc/zaqar.conf" upgrade head; }

redis_up() {
  local redis=()
  read -ra redis <<<"$(as redis)"
  own "$STATE/redis" redis
  alive redis || rm -f "$STATE/redis/socket"
  start redis "${redis[@]}" redis-server --port 0 --unixsocket "$STATE/redis/socket" --unixsocketperm 700 --dir "$STATE/redis" --save '' --appendonly yes --appendfsync no
  until_ready redis 30 test -S "$STATE/redis/socket"
}

zaqar_up() {
  redis_up
  once zaqar zaqar_migrate
  wsgi zaqar "$ZAQAR_PORT" 1 "$HERE/zaqar-api.py" "--config-file $STATE/etc/zaqar.conf" PYTHONDONTWRITEBYTECODE=1
  start zaqar-websocket env PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$HERE/zaqar-websocket.py" --config-file "$STATE/etc/zaqar.conf"
  until_ready zaqar 120 port_open "$ZAQAR_PORT" "$ADDRESS"
  until_ready zaqar-websocket 120 port_open "$ZAQAR_WEBSOCKET_PORT" "$ADDRESS"
}
