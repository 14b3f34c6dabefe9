# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# prom.bash - shared by the suites of Prometheus: fills maps completely, and checks for what a
# scraper would refuse.

bats_require_minimum_version 1.5.0

CPUS=$(($(sed 's/.*[-,]//' /sys/devices/system/cpu/possible) + 1))

# prom_valid FILE: checks what promtool does not: families are contiguous, no duplicate series,
# the buckets of a histogram are complete, in order, and the same in all series of a family; no
# timestamps; no address in labels
prom_valid() {
	equal "$(tail -c 1 "$1" | od -An -tx1 | tr -d ' ')" 0a 'last byte' || return 1
	equal "$(iconv -f utf-8 -t utf-8 "$1" 2>&1 | cmp - "$1" 2>&1)" '' 'as UTF-8' || return 1
	equal "$(grep -vP '^(# HELP [a-z0-9_]+ .*|# TYPE [a-z0-9_]+ (counter|gauge|histogram)|[a-z0-9_]+(\{([a-z]+="([^"\\]|\\["\\n])*",)*[a-z]+="([^"\\]|\\["\\n])*"\})? [0-9.]+)$' "$1")" '' 'lines of no form' || return 1
	equal "$(grep -v '^#' "$1" | sed 's/ [^ ]*$//' | sort | uniq -d)" '' 'series that are there twice' || return 1
	equal "$(grep -oE '[{,](mac|smac|dmac|ip|sip|dip|src|dst|port|sport|dport|flow)="' "$1" | sort -u)" '' 'labels with addresses' || return 1
	equal "$(grep -E '="[^"]*([0-9a-f]{2}:[0-9a-f]{2}:[0-9a-f]{2}|[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+)' "$1")" '' 'addresses in labels' || return 1
	equal "$(awk '
		function bad(what) { print what ": " $0; exit }
		/^# HELP/ { if (seen[$3]++) bad("family twice"); family = $3; all = ""; last = "?"; next }
		/^# TYPE/ { if ($3 != family) bad("TYPE without HELP"); type = $4; next }
		{
			name = $1; sub(/\{.*/, "", name)
			base = name; if (type == "histogram") sub(/_(bucket|sum|count)$/, "", base)
			if (base != family) bad("not of the family above")
			if (type == "counter" && name !~ /_total$/) bad("a counter without _total")
			if (type != "histogram") next
			labels = $0; sub(/^[^{]*/, "", labels); sub(/ [^ ]*$/, "", labels)
			if (name ~ /_bucket$/) {
				match(labels, /[{,]le="[^"]*"/)
				le = substr(labels, RSTART + 5, RLENGTH - 6)
				labels = substr(labels, 1, RSTART - 1)
				if (labels != last) { bounds = ""; before = -1; low = -1; last = labels }
				if ($NF < before) bad("not monotonic")
				if (le != "+Inf" && le + 0 <= low) bad("bounds")
				before = $NF + 0; low = le + 0; bounds = bounds " " le; inf = le == "+Inf" ? $NF : ""
			} else if (name ~ /_sum$/) {
				if (inf == "") bad("no +Inf")
				if (!all) all = bounds
				if (bounds != all) bad("other buckets than the first")
			} else if ($NF != inf) bad("count is not that of +Inf")
		}' "$1")" ''
}

series() { grep -vc '^#' "$1"; }
value() { sed -n "s/^$2 //p" "$1"; } # FILE SERIES
total() { awk -v name="$2" 'index($1, name "{") == 1 || $1 == name { n += $NF } END { print n + 0 }' "$1"; }

# drop_rows FROM TO: writes rows of drops, each with a different place, device and namespace, the
# oldest first. One packet and 100 bytes on each CPU. COOKIE is the cookie of all namespaces. The last
# loss was at boot, or now with RECENT=1.
drop_rows() {
	awk -v from="$1" -v to="$2" -v pin="$G/drop_row" -v cookie="${COOKIE:-0}" \
		-v last="$([[ ${RECENT:-0} == 0 ]] || awk '{ printf "%.0f", $1 * 1e9 }' /proc/uptime)" 'BEGIN {
		for (j = 0; j < 8; j++) { bytes = bytes " " last % 256; last = int(last / 256) }
		for (i = from; i < to; i++) {
			lo = i % 256; hi = int(i / 256)
			printf "map update pinned %s key %d %d 1 0 0 0 0 0 %d 0 0 0 %d %d 1 0 77 %d 0 0 8 0 17 0 0 0 0 0", pin, lo, hi, 2 + i % 60, lo, hi, i % 9
			for (j = 0; j < 36; j++) printf " 0"
			printf " %d%s value 1 0 0 0 0 0 0 0 100 0 0 0 0 0 0 0 %d %d 1 0 0 0 0 0%s\n", cookie, " 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0", lo, hi, bytes
		}
	}' | bpftool batch file - >/dev/null
}

# hist_rows FROM TO: rows of lat_hist, each for a different device; one packet per CPU
hist_rows() {
	awk -v from="$1" -v to="$2" -v pin="$G/lat_hist" 'BEGIN {
		for (i = from; i < to; i++) {
			printf "map update pinned %s key %d %d %d 0 %d %d 1 0 value 5 0 0 0 0 0 0 0 5 0 0 0 0 0 0 0 250 255 255 255 255 255 255 255", pin, 1 + i % 5, 2 + i % 5 + (i % 2) * 128, i % 30, i % 256, int(i / 256)
			for (j = 0; j < 16; j++) printf " %d 0 0 0 0 0 0 0", j == 4
			printf "\n"
		}
	}' >"$BATS_TEST_TMPDIR/batch"
	# the kernel allocates these on demand, and may have none for a moment
	busywait 20 bpftool batch file "$BATS_TEST_TMPDIR/batch"
}
