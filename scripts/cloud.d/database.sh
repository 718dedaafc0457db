# shellcheck shell=bash
# A MariaDB of its own: with a socket, without a port, and without protection against power failures, because a test's
# database must be fast and may be lost.

database_url() { echo "mysql+pymysql://$1:$PASSWORD@localhost/$1?unix_socket=$STATE/mysql/socket&charset=utf8mb4"; }

database_create() {
  local mysql=()
  read -ra mysql <<<"$(as mysql)"
  run mariadb-install-db "${mysql[@]}" mariadb-install-db --no-defaults --datadir="$STATE/mysql/data" --skip-test-db --skip-name-resolve
}

database_up() {
  local mysql=() name
  read -ra mysql <<<"$(as mysql)"
  own "$STATE/mysql" mysql
  once database database_create
  for name in keystone heat magnum zaqar; do
    echo "CREATE DATABASE IF NOT EXISTS $name;"
    echo "CREATE USER IF NOT EXISTS $name@localhost IDENTIFIED BY '$PASSWORD';"
    echo "GRANT ALL ON $name.* TO $name@localhost;"
  done >"$STATE/mysql/init.sql"
  alive mariadbd || rm -f "$STATE/mysql/socket"
  start mariadbd "${mysql[@]}" mariadbd --no-defaults \
    --datadir="$STATE/mysql/data" --socket="$STATE/mysql/socket" --pid-file="$STATE/mysql/pid" --init-file="$STATE/mysql/init.sql" \
    --skip-networking --skip-name-resolve --max-connections=500 \
    --character-set-server=utf8mb4 --collation-server=utf8mb4_general_ci \
    --innodb-flush-log-at-trx-commit=0 --innodb-flush-method=nosync --skip-innodb-doublewrite --innodb-log-file-size=32M
  until_ready mariadbd 120 test -S "$STATE/mysql/socket"
}
