# shellcheck shell=bash
# Magnum: its API behind uWSGI, and the conductor that signs, rotates and follows the stacks.

magnum_configure() {
  cat >"$STATE/etc/magnum.conf" <<CONF
[DEFAULT]
log_file = $STATE/log/magnum.log
transport_url = $(broker_url)
state_path = $STATE/magnum
[api]
host = $ADDRESS
port = $MAGNUM_PORT
api_paste_config = /usr/share/magnum-common/api-paste.ini
[database]
connection = $(database_url magnum)
[certificates]
cert_manager_type = x509keypair
[oslo_concurrency]
lock_path = $STATE/magnum/lock
[oslo_messaging_notifications]
driver = noop
[kubernetes]
health_polling_interval = -1
[keystone_authtoken]
$(service_login magnum)
www_authenticate_uri = $AUTH_URL
auth_version = v3
[keystone_auth]
$(service_login magnum)
[trust]
trustee_domain_name = magnum
trustee_domain_admin_name = trustee_domain_admin
trustee_domain_admin_password = $PASSWORD
trustee_keystone_interface = public
cluster_user_trust = true
$(extra magnum.conf)
CONF
}

magnum_migrate() { run magnum-db-manage env "${MAGNUM_ENV[@]}" magnum-db-manage --config-file "$STATE/etc/magnum.conf" upgrade; }

magnum_up() {
  # The folder of --with may contain another release of Magnum.
  MAGNUM_ENV=()
  [ ! -e "${WITH:-/dev/null}/magnum" ] || MAGNUM_ENV=(PYTHONPATH="$WITH/magnum")
  mkdir -p "$STATE/magnum"
  once magnum magnum_migrate
  broker_ready
  wsgi magnum-api "$MAGNUM_PORT" 1 /usr/bin/magnum-api-wsgi "--config-file $STATE/etc/magnum.conf" "${MAGNUM_ENV[@]}"
  start magnum-conductor env "${MAGNUM_ENV[@]}" /usr/bin/python3 "$HERE/magnum-conductor.py" --config-file "$STATE/etc/magnum.conf"
  until_ready magnum-api 120 port_open "$MAGNUM_PORT" "$ADDRESS"
}
