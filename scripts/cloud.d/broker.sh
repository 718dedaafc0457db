# shellcheck shell=bash
# A RabbitMQ node with a port mapper (epmd) of its own, so that it is independent of the machine's.

broker_url() { echo "rabbit://coe:$PASSWORD@127.0.0.1:$AMQP_PORT/"; }

# Starts the broker; broker_ready waits for it. The databases can be filled meanwhile.
broker_start() {
  local rabbitmq=() dir=$STATE/rabbitmq
  read -ra rabbitmq <<<"$(as rabbitmq)"
  own "$dir" rabbitmq
  cat >"$dir/rabbitmq.conf" <<CONF
listeners.tcp.1 = 127.0.0.1:$AMQP_PORT
default_user = coe
default_pass = $PASSWORD
CONF
  echo '[].' >"$dir/enabled_plugins"
  start epmd "${rabbitmq[@]}" epmd -port "$EPMD_PORT" -address 127.0.0.1
  until_ready epmd 10 port_open "$EPMD_PORT"
  # RUNNING_UNDER_SYSTEMD makes the start script become the Erlang machine instead of its parent: one pid, which obeys
  # TERM.
  start rabbitmq "${rabbitmq[@]}" env HOME="$dir" ERL_EPMD_PORT="$EPMD_PORT" ERL_EPMD_ADDRESS=127.0.0.1 RUNNING_UNDER_SYSTEMD=true \
    RABBITMQ_CONF_ENV_FILE="$dir/none" RABBITMQ_NODENAME=coe@localhost RABBITMQ_DIST_PORT="$ERLANG_PORT" \
    RABBITMQ_CONFIG_FILE="$dir/rabbitmq.conf" RABBITMQ_ENABLED_PLUGINS_FILE="$dir/enabled_plugins" \
    RABBITMQ_MNESIA_BASE="$dir/mnesia" RABBITMQ_LOG_BASE="$dir/log" RABBITMQ_PID_FILE="$dir/pid" RABBITMQ_GENERATED_CONFIG_DIR="$dir/generated" \
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1}" \
    /usr/lib/rabbitmq/bin/rabbitmq-server
}

broker_ready() { until_ready rabbitmq 120 port_open "$AMQP_PORT"; }
