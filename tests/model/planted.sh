#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# usage: tests/model/planted.sh [-n JUDGEMENTS] [WORD]
#
# Plants each error of planted.tsv (or those whose line contains WORD) in a copy of the tree, builds
# it, and runs test_oracle for JUDGEMENTS packets (1,000,000) of the seed SAXDP_ORACLE_SEED (1). Prints
# how many were found; exit status 0 means all. Needs root and what `make check` needs. An error that
# does not build, or whose programs do not load, is not found.

judgements=1000000
[ "$1" != -n ] || { judgements=$2; shift 2; }
word=$1
top=$(cd "$(dirname "$0")/../.." && pwd) || exit
copy=$(mktemp -d) || exit
trap 'rm -rf "$copy"' EXIT
trap 'exit 130' INT TERM HUP
# What the oracle says when it disagrees: of counters, or of a weight.
difference='[a-z_ ]+ [0-9]+: [0-9]+ packets .*|weight of filter .*'
oracle=build/tests/integration/test_oracle
unset MAKEFLAGS MAKELEVEL SAXDP_ORACLE_ROUND SAXDP_TEST_LONG
export SAXDP_ORACLE_JUDGEMENTS=$judgements SAXDP_ORACLE_SEED=${SAXDP_ORACLE_SEED:-1}

build() {
	make -C "$copy" O=build "$oracle" </dev/null >"$copy/build.log" 2>&1 && return
	cat "$copy/build.log"
	return 1
}

run() {
	(cd "$copy" && timeout -k 10 600 "$oracle") </dev/null >"$copy/run.log" 2>&1
}

# Prints how often $2 stands in file $1.
occurrences() {
	grep -oF -e "$2" "$1" | wc -l
}

mkdir "$copy/pristine"
cp -r "$top"/{Makefile,bpf,include,tests,user,vmlinux} "$copy" || exit
build || exit
if ! run; then
	cat "$copy/run.log"
	echo "planted: the tree itself does not agree with the model"
	exit 1
fi

planted=0 found=0 broken=0
while IFS=$'\t' read -r what file old new; do
	case $what in '' | '#'*) continue ;; esac
	[[ "$what$file" == *"$word"* ]] || continue
	planted=$((planted + 1))
	if [ "$(occurrences "$copy/$file" "$old")" != 1 ]; then
		echo "broken: $what: does not stand in $file exactly once: $old"
		broken=$((broken + 1))
		continue
	fi
	cp "$copy/$file" "$copy/pristine/file"
	text=$(<"$copy/$file")
	printf '%s\n' "${text/"$old"/"$new"}" >"$copy/$file"
	if ! build; then
		echo "broken: $what: does not build"
		broken=$((broken + 1))
	elif run; then
		echo "missed: $what"
	elif grep -qE "$difference" "$copy/run.log"; then
		echo "found:  $what ($(grep -m1 -oE "$difference" "$copy/run.log"))"
		found=$((found + 1))
	else
		cat "$copy/run.log"
		echo "broken: $what: does not run"
		broken=$((broken + 1))
	fi
	cp "$copy/pristine/file" "$copy/$file"
done <"$(dirname "$0")/planted.tsv"

echo "# planted errors: $found of $planted found"
[ "$planted" -gt 0 ] && [ "$found" = "$planted" ] && [ "$broken" = 0 ]
