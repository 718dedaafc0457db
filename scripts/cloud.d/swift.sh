# shellcheck shell=bash
# Swift: one device, one copy, all four servers in one process (swift-server.py), with temporary URLs and Keystone's
# tokens.

swift_configure() {
  mkdir -p "$STATE/swift/devices/d1"
  cat >"$STATE/swift/proxy-server.conf" <<CONF
[DEFAULT]
swift_dir = $STATE/swift
[pipeline:main]
pipeline = catch_errors tempurl authtoken keystoneauth proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:tempurl]
use = egg:swift#tempurl
allowed_digests = sha1 sha256 sha512
[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
$(service_login swift)
www_authenticate_uri = $AUTH_URL
delay_auth_decision = true
[filter:keystoneauth]
use = egg:swift#keystoneauth
operator_roles = admin
CONF
  chmod 0600 "$STATE/swift/proxy-server.conf"
}

swift_up() {
  start swift /usr/bin/python3 "$HERE/swift-server.py" "$STATE/swift" "$ADDRESS" "$SWIFT_PORT" "$SWIFT_ACCOUNT_PORT" "$SWIFT_CONTAINER_PORT" "$SWIFT_OBJECT_PORT"
  until_ready swift 60 port_open "$SWIFT_PORT" "$ADDRESS"
}
