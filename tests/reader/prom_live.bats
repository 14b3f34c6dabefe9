#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# From the maps into a real Prometheus: hookmap --prom --output, node_exporter's textfile
# collector, a scrape on loopback, and queries; alert rules, dashboard and units

. "${BATS_TEST_DIRNAME}/../sandbox.bash"
. "${BATS_TEST_DIRNAME}/../prom.bash"

PROM=$HM_TOP/scripts/prometheus
API=http://127.0.0.1:9090/api/v1

teardown() {
	local pid
	for pid in ${STARTED:-}; do kill "$pid" && wait "$pid"; done 2>/dev/null || true
}

start() { # COMMAND...
	"$@" >>"$BATS_TEST_TMPDIR/log" 2>&1 3>&- &
	STARTED+=" $!"
}

http() { # URL [QUERY]: through bash, for there may be no curl
	local url=${1#http://} body='' method=GET
	[[ -z ${2:-} ]] || { body=query=$(jq -rn --arg q "$2" '$q | @uri') && method=POST; }
	exec 9<>"/dev/tcp/127.0.0.1/9090" || return 1
	printf '%s %s HTTP/1.0\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s' "$method" "/${url#*/}" "${#body}" "$body" >&9
	timeout 20 sed '1,/^\r$/d' <&9
	exec 9>&-
}

# query EXPR: the results, a line of labels and value each
query() {
	http "$API/query" "$1" | jq -er 'if .status != "success" then error(.error) else .data.result[] | [(.metric | tostring), .value[1]] | @tsv end'
}
# answer EXPR: the one value
answer() { query "$1" | cut -f 2; }
has() { [[ -n $(query "$1" 2>/dev/null) ]]; }

# the metrics that there are, from the list that they come from
exported() { tr '\n' ' ' <<<"$(cat "$HM_TOP"/user/*.c)" | grep -oE "PROM_FAMILY\(\s*\w+,\s*\w+,\s*\"[a-z0-9_]+\"" | sed -E "s/.*\"(.*)\"/hookmap_\1/"; }
# EXPR without what is added to the name of a histogram
used() { grep -v '^ *description:' | grep -oE '\b(hookmap|node)_[a-z0-9_]+' | sed -E 's/(_seconds|_packets|_frames)_(bucket|sum|count)$/\1/' | sort -u; }
unknown() { grep -vxFf <(exported) | grep -vxE 'node_textfile_scrape_error|node_exporter' || true; }

@test "prom: what node_exporter and Prometheus make of it is what the reader says" {
	skip_without 'prometheus' command -v prometheus
	skip_without 'prometheus-node-exporter' command -v prometheus-node-exporter
	local d=$BATS_TEST_TMPDIR quantile want got row i
	mkdir "$d/textfile" "$d/tsdb"
	lab_up
	attach eth0 latency policy --sample 1 2>/dev/null
	on host "$HM_TOP/scripts/attach.sh" veth0 l2fwd 2>/dev/null
	"$HM_TOP/scripts/attach.sh" --host drops napi pktlat
	# (while it runs, the kernel stamps packets)
	start "$HM_BUILD/hookmap" -i 0.2 pktlat
	busywait 5 grep -q clock "$BATS_TEST_TMPDIR/log"
	printf '{"nexthops":{"a":{"dev":"veth0","via":"10.11.2.2"}},"rules":[{"id":"web","priority":1,"match":{"proto":"udp","dport":80},"action":{"redirect":"a"}}]}' |
		on host "$HM_TOP/scripts/policy.sh" load -
	printf '%s\n' 'global: {scrape_interval: 1s, evaluation_interval: 1s}' "rule_files: [$PROM/hookmap.rules.yml]" \
		'scrape_configs:' '  - job_name: node' '    static_configs: [{targets: ["127.0.0.1:9100"]}]' >"$d/prometheus.yml"
	ip link set lo up
	start prometheus-node-exporter --collector.disable-defaults --collector.textfile --collector.textfile.directory="$d/textfile" --web.listen-address=127.0.0.1:9100
	start prometheus --config.file="$d/prometheus.yml" --storage.tsdb.path="$d/tsdb" --web.listen-address=127.0.0.1:9090 --log.level=warn
	# for somebody else: undecided
	on client ip neigh replace 10.11.1.99 lladdr 02:00:00:00:00:99 dev eth0
	requests() { # N: read by a process
		on host "$HM_BUILD/tests/traffic" tcp-server 10.11.1.1 7001 "$1" 3>&- &
		on client "$HM_BUILD/tests/traffic" tcp-client 10.11.1.1 7001 "$1"
		wait $!
	}
	# two writes with traffic before each: a rate needs them
	udp host 10.11.1.1 211
	requests 53
	on client "$HM_BUILD/tests/traffic" udp-send 10.11.1.99 9 3
	on client "$HM_BUILD/tests/traffic" udp-send 10.11.1.1 9 5
	on host "$HM_BUILD/hookmap" --prom --output "$d/textfile/hookmap.prom"
	busywait 60 has 'hookmap_stage_latency_seconds_count'
	udp host 10.11.1.1 802
	requests 97
	on client "$HM_BUILD/tests/traffic" udp-send 10.11.1.99 9 3
	on client "$HM_BUILD/tests/traffic" udp-send 10.11.1.1 9 7
	on host "$HM_BUILD/hookmap" --prom --output "$d/textfile/hookmap.prom"
	on host "$HM_BUILD/hookmap" -j latency >"$d/latency"
	prom_valid "$d/textfile/hookmap.prom"
	want=$(value "$d/textfile/hookmap.prom" hookmap_read_timestamp_seconds)
	busywait 60 has "hookmap_read_timestamp_seconds == $want"
	equal "$(answer node_textfile_scrape_error)" 0 'scrape error'
	equal "$(answer up)" 1 up
	# every series of the file has arrived, and no other
	equal "$(answer 'count({__name__=~"hookmap_.+"})')" "$(series "$d/textfile/hookmap.prom")" series
	# counts are the reader's; percentiles are in the bucket in which the reader's is
	equal "$(query 'hookmap_stage_latency_seconds_count' | cut -f 2 | sort -n | paste -sd' ')" \
		"$(jq -r '.rows[] | select(.kind == "stage") | .count' "$d/latency" | sort -n | paste -sd' ')" counts
	for quantile in 0.5 0.9 0.99 0.999; do
		query "histogram_quantile($quantile, {__name__=~\"hookmap_(stage|total)_latency_seconds_bucket\"})" >"$d/got"
		got=$(jq -Rnc --slurpfile r "$d/latency" --arg q "p${quantile//[0.]/}" '
			def key: [.from, .to, .device, .netns] | join(" ");
			# upper bounds of the buckets of a series, ns
			def bounds: [32, (range(2; 30) as $o | range(1; 5) | (16 + . * 4) * pow(2; $o - 1))];
			{"p5": "p50_ns", "p9": "p90_ns", "p99": "p99_ns", "p999": "p999_ns"}[$q] as $k
			| ([$r[0].rows[] | {key: key, value: .[$k]}] | from_entries) as $reader
			| [inputs | split("\t") | (.[0] | fromjson | key) as $key
				| {key: $key, reader: $reader[$key], prom: (.[1] | tonumber * 1e9)}
				| ([bounds[] as $b | select($b >= .reader) | $b] | first) as $high
				| (([bounds[] as $b | select($b < .reader) | $b] | last) // 0) as $low
				| . + {same: (.prom > $low * 0.999999 and .prom <= $high * 1.000001)}]' "$d/got")
		equal "$(jq 'length' <<<"$got")" "$(jq '.rows | length' "$d/latency")" "series with a $quantile quantile"
		equal "$(jq -c '.[] | select(.same | not)' <<<"$got")" '' "not in the reader's bucket, $quantile"
	done
	# the rules are taken, and none is in trouble
	equal "$(http "$API/rules" | jq -c '[.data.groups[].rules[] | select(.health == "err")] | length')" 0 'rules in trouble'
	equal "$(http "$API/rules" | jq '[.data.groups[].rules[]] | length')" "$(grep -c 'alert:' "$PROM/hookmap.rules.yml")" rules
	# each query of the dashboard is one, and has an answer (but Open vSwitch and frames by XDP are not here)
	jq -r '.panels[].targets[].expr' "$PROM/dashboard.json" | grep -vE 'hookmap_(ovs|devmap)_' |
		sed -e 's/\$__rate_interval/2m/g' -e 's/\$\(instance\|device\)/.*/g' >"$d/queries"
	(($(wc -l <"$d/queries") > 20))
	answered() {
		while IFS= read -r row; do
			[[ -n $(query "$row") ]] || printf 'no answer: %s\n' "$row"
		done <"$d/queries"
	}
	for ((i = 0; i < 20; i++)); do
		got=$(answered 2>&1)
		[[ -n $got ]] || break
		sleep 0.5
	done
	equal "$got" ''
}

@test "prom: the alerts fire when they should, and are about metrics that there are" {
	skip_without promtool command -v promtool
	run -0 promtool check rules "$PROM/hookmap.rules.yml"
	run -0 promtool test rules "$HM_TOP/tests/prom_alerts.yml"
	like "$output" SUCCESS
	# an alert without a test is none
	equal "$(sed -n 's/.*- alert: //p' "$PROM/hookmap.rules.yml" | sort)" "$(grep -oE 'alertname: [A-Za-z]+' "$HM_TOP/tests/prom_alerts.yml" | sed 's/.*: //' | sort -u)" alerts
	equal "$(grep -v '^#' "$PROM/hookmap.rules.yml" | used | unknown)" '' 'metrics that are none'
}

@test "prom: the dashboard is about metrics that there are, all of them" {
	(($(exported | wc -l) > 25))
	jq -r '.. | .expr? // empty, (.query? | objects | .query)' "$PROM/dashboard.json" | used >"$BATS_TEST_TMPDIR/used"
	equal "$(unknown <"$BATS_TEST_TMPDIR/used")" '' 'metrics that are none'
	# what is exported and looked at by nobody
	equal "$(exported | grep -vxFf "$BATS_TEST_TMPDIR/used" | paste -sd' ')" \
		'hookmap_fdb_mirror_full_total hookmap_l2fwd_receive_packets_total hookmap_l2fwd_transmit_packets_total hookmap_policy_rules hookmap_policy_generation hookmap_policy_bytes_total hookmap_policy_fib_lookups_total hookmap_policy_nexthop_packets_total hookmap_policy_nexthop_failed_total' 'not in the dashboard'
	# panels: an id each, none over another, and a unit
	equal "$(jq -c '[.panels[].id] | (length - (unique | length))' "$PROM/dashboard.json")" 0 'ids twice'
	equal "$(jq -c '[.panels[] | .gridPos as $g | range($g.x; $g.x + $g.w) as $x | range($g.y; $g.y + $g.h) as $y | [$x, $y]] | (length - (unique | length))' "$PROM/dashboard.json")" 0 overlap
	# Grafana has 24 columns
	equal "$(jq -c '[.panels[] | select(.gridPos | .x < 0 or .w < 1 or .x + .w > 24) | .title]' "$PROM/dashboard.json")" '[]' 'panels outside'
	equal "$(jq -c '[.panels[] | select((.fieldConfig.defaults.unit // "") == "" or (.description // "") == "")] | length' "$PROM/dashboard.json")" 0 'panels without unit or description'
}

@test "prom: the capabilities of the unit are enough" {
	local d=$BATS_TEST_TMPDIR/folder unit=$HM_TOP/scripts/systemd/hookmap-prometheus.service caps command
	lab_up
	attach eth0 latency 2>/dev/null
	on host "$HM_TOP/scripts/attach.sh" veth0 l2fwd policy 2>/dev/null
	"$HM_TOP/scripts/attach.sh" --host drops
	# a folder of another user, who may be the only one to write
	mkdir "$d"
	chown nobody "$d"
	chmod 755 "$d" "$BATS_TEST_TMPDIR"
	caps=$(sed -n 's/^CapabilityBoundingSet=//p' "$unit" | tr 'A-Z ' 'a-z,' | sed 's/cap_/+/g')
	command=$(sed -n 's/^ExecStart=//p' "$unit")
	equal "${command##*/hookmap }" '--prom --output /var/lib/prometheus/node-exporter/hookmap.prom' command
	names() { grep -v '^#' | sed 's/ .*//' | grep -v _drop_ | sort; }
	hookmap --prom | names >"$BATS_TEST_TMPDIR/before"
	setpriv --no-new-privs --bounding-set="-all,$caps" --inh-caps=-all "$HM_BUILD/hookmap" --prom --output "$d/hookmap.prom"
	prom_valid "$d/hookmap.prom"
	# no less is to be seen than with all of them, and nothing else (what comes meanwhile adds to all)
	names <"$d/hookmap.prom" >"$BATS_TEST_TMPDIR/fewer"
	hookmap --prom | names >"$BATS_TEST_TMPDIR/after"
	(($(wc -l <"$BATS_TEST_TMPDIR/before") > 50))
	equal "$(comm -23 "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/fewer")$(comm -23 "$BATS_TEST_TMPDIR/fewer" "$BATS_TEST_TMPDIR/after")" '' 'names that only fewer, or only more capabilities show'
}
