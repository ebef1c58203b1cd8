# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# Makes lists of the public headers' codes and enumerators, so that their names stand in one place:
#
#	SAXDP_CODE_LIST(X): X(name)		of error.h
#	SAXDP_ENUM_LIST(X): X(type, name)
#
# The headers have one #define of a code, and one "name = value," of an enumerator, in a line.
# Anything else there is an error: a name left out would go unseen.

function fault(text) {
	print FILENAME ":" FNR ": " text ": " $0 > "/dev/stderr"
	failed = 1
	exit 1
}

FILENAME ~ /error\.h$/ && $1 == "#define" && $2 != "FWP_ERROR_H" {
	if (NF != 3)
		fault("not a code")
	codes = codes " \\\n\tX(" $2 ")"
}

/^typedef enum [A-Za-z0-9_]+_ \{$/ {
	type = $3
	sub(/_$/, "", type)
	next
}

type && $1 == "}" {
	if ($2 != type ";")
		fault("not the end of " type)
	type = ""
}

type {
	if (NF != 3 || $2 != "=" || $3 !~ /^-?[0-9a-fA-Fx]+U?,$/)
		fault("not an enumerator")
	enumerators = enumerators " \\\n\tX(" type ", " $1 ")"
}

END {
	if (failed)
		exit 1
	if (type || !codes || !enumerators)
		fault("no codes, no enumerators, or an enumeration without an end")
	print "/* Made by names.awk of the public headers. */"
	print "#define SAXDP_CODE_LIST(X)" codes
	print "#define SAXDP_ENUM_LIST(X)" enumerators
}
