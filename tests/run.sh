#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# usage: run.sh [-t SECONDS] TEST... [-f LIST DIR]
#
# Runs each TEST, a program or NAME=COMMAND, for at most SECONDS (300), shows the output of those
# that fail, and ends with "N passed, N failed, N skipped". Options hold for what follows them. Of
# those that pass the lines that begin with "# " are shown: tables, seeds, reasons for a skip.
#
# What speaks TAP (cmocka does here) counts case by case: a case that never reported, because its
# program died, has failed. Any other test is one case, and its exit status says what it was: 0
# passed, 77 skipped. A skip needs a line "skip: what is missing", else it is a failure: a skip
# that nobody sees is a test that nobody has.
#
# -f LIST DIR turns things around for a build in DIR that is broken on purpose: each line
# "PROGRAM CASE" of LIST names a case that must fail there. All others count for nothing.

passed=0 failed=0 skipped=0
seconds=300
mounted=
running=
log=$(mktemp) || exit
export CMOCKA_MESSAGE_OUTPUT=TAP
export UBSAN_OPTIONS=print_stacktrace=1

finish() {
	# The test's own process group: timeout(1) passes the signal on.
	[ -z "$running" ] || kill "$running" 2>/dev/null
	[ -z "$mounted" ] || umount /sys/fs/bpf
	rm -f "$log"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

# In the background, so that a signal to this script is handled at once and not after the test.
run() {
	timeout -k 10 "$seconds" "$@" >"$log" 2>&1 </dev/null &
	running=$!
	wait "$running"
	status=$?
	running=
}

# Prints passed, failed and skipped cases of the log.
count() {
	awk -v status="$1" '
	/^1\.\.[0-9]+$/			{ tap = 1; plan += substr($0, 4); next }
	/^(not )?ok [0-9]+ # SKIP/	{ skip++; next }
	/^ok [0-9]+/			{ pass++; next }
	/^not ok [0-9]+/		{ fail++; next }
	/^(# )?skip: ./			{ reason = 1 }
	END {
		if (!tap) {
			pass = status == 0
			skip = status == 77
			fail = !pass && !skip
		}
		silent = skip && !reason
		lost = plan - pass - skip - fail
		if (tap && lost > 0)
			fail += lost
		if (tap && status && !fail)
			fail = 1
		if (silent) {
			fail += skip
			skip = 0
		}
		print pass + 0, fail + 0, skip + 0, silent + 0
	}' "$log"
}

run_test() {
	local pass fail skip silent

	case $1 in
	*=*) name=${1%%=*}; run sh -c "${1#*=}" ;;
	*) name=$1; run "$1" ;;
	esac
	read -r pass fail skip silent < <(count "$status")
	passed=$((passed + pass)) failed=$((failed + fail)) skipped=$((skipped + skip))

	if [ "$fail" != 0 ]; then
		cat "$log"
		case $status in
		124 | 137) echo "$name: ended after $seconds seconds" ;;
		*) echo "$name: exit status $status" ;;
		esac
		[ "$silent" = 0 ] || echo "$name: skipped without saying why"
	elif [ "$V" = 1 ]; then
		cat "$log"
	else
		grep -E '^(# |skip: )' "$log" | grep -v '^# ok - '
	fi
	printf '%-44s %4d passed %4d failed %4d skipped\n' "$name" "$pass" "$fail" "$skip"
}

# The cases of one program in the list, so that it runs once.
run_failing() {
	local list=$1 dir=$2 program name

	if ! grep -q '^[^#]' "$list"; then
		echo "$list: names no case that must fail"
		failed=$((failed + 1))
		return
	fi
	for program in $(sed '/^#/d; s/ .*//' "$list" | sort -u); do
		run "$dir/$program"
		for name in $(sed -n "s|^$program ||p" "$list"); do
			if grep -qE "^not ok [0-9]+ - $name\$" "$log"; then
				passed=$((passed + 1))
				echo "$dir/$program: $name fails, as it must"
			else
				failed=$((failed + 1))
				cat "$log"
				echo "$dir/$program: $name does not fail, as it must"
			fi
		done
	done
}

if [ "$(id -u)" = 0 ] && ! findmnt -n -t bpf /sys/fs/bpf >/dev/null; then
	mount -t bpf bpf /sys/fs/bpf && mounted=1
fi

while [ $# -gt 0 ]; do
	case $1 in
	-t) seconds=$2; shift 2 ;;
	-f) run_failing "$2" "$3"; shift 3 ;;
	*) run_test "$1"; shift ;;
	esac
done

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
