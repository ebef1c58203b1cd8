#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# usage: deps.sh PURPOSE...
#
# Installs the Debian packages that tests/packages lists for the purposes, if any is missing.

list=$(dirname "$0")/packages
want=$(for purpose; do sed -n "s/^$purpose //p" "$list"; done)

if ! command -v dpkg-query >/dev/null; then
	echo "deps: not a Debian system, so please see that these are there:" $want >&2
	exit 0
fi

have=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' $want 2>/dev/null |
	sed -n 's/^installed //p')
missing=
for package in $want; do
	case "
$have
" in
	*"
$package
"*) ;;
	*) missing="$missing $package" ;;
	esac
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ]; then
	echo "deps: only root can install what is missing:$missing" >&2
	exit 1
fi
echo "deps: installing$missing"
log=$(mktemp) || exit
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get update && apt-get install -y --no-install-recommends $missing; } \
	>"$log" 2>&1 </dev/null; then
	cat "$log" >&2
	echo "deps: could not install$missing" >&2
	exit 1
fi
