#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# table.sh DIR - what check.sh's runs came to, from the TAP that is in DIR/KERNEL/SUITE: a
# table of the objects, one of the suites, the tests that failed, and why, or were skipped,
# and the numbers. Exit status 1 if a test failed, or if there is none.

set -euo pipefail
mapfile -t files < <(find "$1" -mindepth 2 -maxdepth 2 -type f | sort -V)
((${#files[@]})) || {
	printf '0 passed, 1 failed\n'
	exit 1
}
awk '
FNR == 1 {
	n = split(FILENAME, part, "/")
	kernel = part[n - 1]; suite = part[n]; why = 0
	if (!known[kernel]++) order[++kernels] = kernel
	if (!listed[suite]++) list[++suites] = suite
}
/^1\.\.[0-9]+/ { plan[kernel, suite] = substr($1, 4) }
/^# loads: / { there[kernel, $3] = "yes"; if (!have[$3]++) object[++objects] = $3 }
/^# fails: / { there[kernel, $3] = "FAILS"; if (!have[$3]++) object[++objects] = $3 }
/^# lacks: / { there[kernel, $3] = "no"; if (!have[$3]++) object[++objects] = $3 }
/^(not )?ok / {
	why = /^not/
	count[kernel, suite]++
	if (/^ok .* # skip/) { skipped[kernel, suite]++; note[++notes] = "skipped  " kernel "  " $0 }
	else if (/^ok /) passed[kernel, suite]++
	else { failed[kernel, suite]++; note[++notes] = "FAILED   " kernel "  " $0 }
}
/^#/ && why { note[++notes] = "         " kernel "  " $0 }
END {
	head = sprintf("%-28s", "")
	for (k = 1; k <= kernels; k++) head = head sprintf("%-23s ", order[k])
	if (objects) print "\nobject" substr(head, 7)
	for (o = 1; o <= objects; o++) {
		line = sprintf("%-28s", object[o])
		for (k = 1; k <= kernels; k++) {
			t = there[order[k], object[o]]
			line = line sprintf("%-23s ", t == "" ? "-" : t)
		}
		print line
	}
	print "\nsuite" substr(head, 6)
	for (s = 1; s <= suites; s++) {
		line = sprintf("%-28s", list[s])
		for (k = 1; k <= kernels; k++) {
			id = order[k] SUBSEP list[s]
			# what the plan promised and nobody saw, has failed
			lost = plan[id] == "" ? 1 : plan[id] - count[id]
			f = failed[id] + lost
			P += passed[id]; F += f; S += skipped[id]
			line = line sprintf("%-23s ", sprintf("%d ok", passed[id]) (f ? " " f " FAILED" : "") (skipped[id] ? " " skipped[id] " skipped" : ""))
		}
		print line
	}
	print ""
	for (i = 1; i <= notes; i++) print note[i]
	printf "%d passed, %d failed, %d skipped\n", P, F, S
	exit F ? 1 : 0
}' "${files[@]}"
