#!/usr/bin/env bash
# audit.sh: look for known vulnerabilities in what Roster's programs call. Without the
# database of govulncheck, say which modules have newer versions: one may be a fix.
set -uo pipefail
go=${GO:-go}

said=$($go tool -modfile=tools/go.mod govulncheck ./... 2>&1)
result=$?
if ! grep -q 'govulncheck: fetching vulnerabilities' <<<"$said"; then
  echo "$said"
  exit "$result"
fi
tail -n 1 <<<"$said" >&2
echo 'the database of vulnerabilities can not be had; these modules have newer versions:' >&2
$go list -m -u -f '{{with .Update}}{{if not $.Indirect}}{{$.Path}} {{$.Version}} -> {{.Version}}{{end}}{{end}}' all | grep . || echo none
