# SPDX-License-Identifier: GPL-2.0-only
#
# plot.jq - the data for plot.sh, from the reader's output with -j; one line of TSV per point, as
# documented in plot.sh --help. $stage, $device, $netns: "" for any.

# a line is a line, whatever a name has
def line: explode | map(if . < 32 or (. > 126 and . < 160) then 63 else . end) | implode;

def stage_name: "\(.from) → \(.to)" | line;

# rows of latency: the requested stage, device and namespace
def chosen: .rows[] | select(.count > 0
	and ($device == "" or .device == $device) and ($netns == "" or .netns == $netns)
	and ($stage == "" or "\(.from)-\(.to)" == $stage));

# the device and namespace with the most packets, if none was requested
def busiest($kind): [chosen | select($stage != "" or .kind == $kind)] | group_by([.device, .netns])
	| max_by(map(.count) | max) // [];

# points of a row: [share of packets that took longer, ns]; without --buckets, the available
# percentiles
def points:
	if .buckets then
		.count as $n | .max_ns as $max
		| foreach .buckets[] as [$le, $packets] ({seen: 0}; .was = .seen | .seen += $packets;
			[1 - .was / $n, ([$le, $max] | min)], [([1 - .seen / $n, 1 / $n] | max), ([$le, $max] | min)])
	else
		[1, .min_ns], [0.5, .p50_ns], [0.1, .p90_ns], [0.01, .p99_ns], [0.001, .p999_ns] | select(.[0] > 0)
	end;

# percentiles: TITLE, then 1/(1 - percentile) and seconds; an empty line ends a curve
def percentiles($file):
	[if $compare then busiest("total") else empty end, busiest("stage")] | map(select(length > 0))[0][]?
	| ("\($file)\(stage_name)\(if .kind == "total" then " (total)" else "" end), \(.device) in \(.netns), \(.count) packets" | line),
		(points | "\(1 / .[0])\t\(.[1] / 1e9)"), "";

# stages: where the bar starts, its length (the mean), the median and 99 %, in seconds, STAGE
def stages:
	[busiest("stage")[] | select(.kind == "stage")]
	| reduce .[] as $r ({at: {}, out: []};
		(.at[$r.from] // {end: 0}).end as $start | ($r.sum_ns / $r.count) as $mean
		| .out += [[$start / 1e9, $mean / 1e9, $r.p50_ns / 1e9, $r.p99_ns / 1e9, ($r | stage_name), $r.count, $r.device, $r.netns]]
		| if (.at[$r.to].count // 0) < $r.count then .at[$r.to] = {end: ($start + $mean), count: $r.count} else . end)
	| .out[] | @tsv;

# drops, of a stream of documents: LAYER REASON, then seconds (when the interval
# began; the last value is there twice) and packets a second; an
# empty line ends a curve. The seven largest, and the others.
def losses: .rows[] | select(($device == "" or .device == $device) and ($netns == "" or .netns == $netns))
	| {what: ("\(.layer) \(.reason | ltrimstr("SKB_DROP_REASON_"))" | line), packets};
def drops($interval):
	[inputs] as $docs
	| [$docs[] | .seconds // $interval] as $length
	| [foreach (0, $length[]) as $s (0; . + $s; .)] as $start
	| ([$docs[] | losses] | group_by(.what) | map({what: .[0].what, n: (map(.packets) | add)}) | sort_by(-.n) | map(.what)) as $all
	| ($all[:7] + if ($all | length) > 7 then ["others"] else [] end)[] as $what
	| $what, ([range($docs | length) as $i
			| [$docs[$i] | losses | select(.what == $what or ($what == "others" and (.what as $w | $all[:7] | index([$w]) | not))) | .packets]
			| (add // 0) / $length[$i]] | . + .[-1:] | to_entries[] | "\($start[.key] * 1e6 | round / 1e6)\t\(.value)"), "";

# plot: the data for plot.sh, from the documents on standard input
def plot($what; $name; $interval):
	if $what == "percentiles" then input | percentiles($name) elif $what == "stages" then input | stages else drops($interval) end;
