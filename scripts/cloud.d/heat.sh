# shellcheck shell=bash
# Heat: the engine and its two APIs, the native and the CloudFormation one.

heat_configure() {
  cat >"$STATE/etc/heat.conf" <<CONF
[DEFAULT]
log_file = $STATE/log/heat.log
transport_url = $(broker_url)
heat_metadata_server_url = http://$ADDRESS:$HEAT_CFN_PORT
heat_waitcondition_server_url = http://$ADDRESS:$HEAT_CFN_PORT/v1/waitcondition
region_name_for_services = RegionOne
stack_domain_admin = heat_domain_admin
stack_domain_admin_password = $PASSWORD
stack_user_domain_name = heat
default_software_config_transport = POLL_SERVER_HEAT
default_deployment_signal_transport = HEAT_SIGNAL
deferred_auth_method = trusts
num_engine_workers = 2
auth_encryption_key = $HEAT_KEY
environment_dir = $STATE/etc
[heat_api]
bind_host = $ADDRESS
bind_port = $HEAT_PORT
workers = 2
[heat_api_cfn]
bind_host = $ADDRESS
bind_port = $HEAT_CFN_PORT
workers = 1
[paste_deploy]
api_paste_config = $HERE/heat-paste.ini
[database]
connection = $(database_url heat)
[keystone_authtoken]
$(service_login heat)
www_authenticate_uri = http://$ADDRESS:$KEYSTONE_PORT
[trustee]
auth_type = password
auth_url = $AUTH_URL
username = heat
password = $PASSWORD
user_domain_id = default
[clients_keystone]
auth_uri = http://$ADDRESS:$KEYSTONE_PORT
[ec2authtoken]
auth_uri = $AUTH_URL
$(extra heat.conf)
CONF
}

# service_login USER: prints the settings with which a service logs in to Keystone.
service_login() {
  cat <<CONF
auth_type = password
auth_url = $AUTH_URL
username = $1
password = $PASSWORD
user_domain_id = default
project_name = service
project_domain_id = default
CONF
}

heat_migrate() { run heat-manage heat-manage --config-file "$STATE/etc/heat.conf" db_sync; }

heat_up() {
  once heat heat_migrate
  broker_ready
  start heat-engine heat-engine --config-file "$STATE/etc/heat.conf"
  start heat-api heat-api --config-file "$STATE/etc/heat.conf"
  start heat-api-cfn /usr/bin/python3 "$HERE/heat-api-cfn.py" --config-file "$STATE/etc/heat.conf"
  until_ready heat-api 120 port_open "$HEAT_PORT" "$ADDRESS"
  until_ready heat-api-cfn 120 port_open "$HEAT_CFN_PORT" "$ADDRESS"
}
