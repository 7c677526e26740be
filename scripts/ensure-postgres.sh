#!/usr/bin/env bash
# Makes sure that PostgreSQL's programs (initdb, postgres) are on this machine:
# Roster and its tests run private servers from them. Where they are missing,
# root gets them installed by the system's package manager; anybody else is told
# the one command. No cluster is made and no service is left running by this.
set -euo pipefail

found() {
  local dir
  for dir in "$(dirname "$(readlink -f "$(command -v postgres || echo /nowhere/postgres)")")" \
    /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/libexec/postgresql* /usr/lib/postgresql*/bin \
    /usr/local/pgsql/bin /usr/local/opt/postgresql*/bin /opt/homebrew/opt/postgresql*/bin /opt/homebrew/bin \
    /Applications/Postgres.app/Contents/Versions/*/bin /run/current-system/sw/bin; do
    if [[ -x $dir/initdb && -x $dir/postgres ]]; then return 0; fi
  done
  return 1
}

found && exit 0

if command -v apt-get >/dev/null; then
  command='apt-get install -y --no-install-recommends postgresql'
elif command -v dnf >/dev/null; then
  command='dnf install -y postgresql-server'
elif command -v apk >/dev/null; then
  command='apk add postgresql'
elif command -v zypper >/dev/null; then
  command='zypper --non-interactive install postgresql-server'
elif command -v pacman >/dev/null; then
  command='pacman -S --noconfirm postgresql'
elif command -v brew >/dev/null; then
  echo 'PostgreSQL is missing. Install it with: brew install postgresql' >&2
  exit 1
else
  echo 'PostgreSQL 14 or newer is missing. Install it so that initdb and postgres are on PATH.' >&2
  exit 1
fi

if [[ $(id -u) != 0 ]]; then
  echo "PostgreSQL is missing. Install it with: sudo $command" >&2
  exit 1
fi

echo "PostgreSQL is missing; installing it: $command" >&2
if [[ $command == apt-get* ]]; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q >&2
  # Debian would make a cluster and start it; Roster makes its own.
  apt-get install -q -y --no-install-recommends postgresql-common >&2
  sed -ri 's/^#?(create_main_cluster) .*$/\1 = false/' /etc/postgresql-common/createcluster.conf
fi
$command >&2
found || { echo 'PostgreSQL was installed, but its programs are in none of the usual folders: put them on PATH.' >&2; exit 1; }
