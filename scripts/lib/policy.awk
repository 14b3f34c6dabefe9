# SPDX-License-Identifier: GPL-2.0-only
#
# policy.awk - compiles a rule set: sorted lines of policy.jq in, a batch for bpftool
# out. The file is read twice (awk ... FILE FILE): port ranges must be known before the
# first key is written.
#
# Variables:
#   mode    batch, check (finds shadowed rules, prints nothing else), or text (a line a
#           rule in a form of its own, for comparisons)
#   gen     of the set; maps: directory of the pins; new: of the set's own maps
#   endian  little or big; cpus; max_rules max_tuples max_hops; the rest from abi.sh
#
# Messages go to stderr: FILE: WHERE: FIELD: what is wrong. Exit status 1 if there were
# errors. Plain awk, no extensions, and no operator ^, which busybox may lack. Numbers are
# exact up to 2^53, which the hash of the filter is made for.

BEGIN {
	FS = "\t"
	# a number from 2^31 on becomes text by this form in mawk and busybox, as a subscript
	# too: by default it keeps six digits, and two numbers become one. %d and %x of such
	# numbers are wrong in them in any case.
	CONVFMT = OFMT = "%.17g"
	for (i = 0; i < 256; i++) ord[sprintf("%c", i)] = i
	zero4 = " 0 0 0 0"
	zero8 = zero4 zero4
	zeros12 = zero8 zero4
	zeros16 = zero8 zero8
	zeros14 = zeros12 " 0 0"
	zeros24 = zeros16 zero8
	zeros64 = zeros16 zeros16 zeros16 zeros16
	none = "\001"
	split("tcp=6 udp=17 icmp=1 icmp6=58 sctp=132 gre=47 esp=50 ah=51 udplite=136 ospf=89", list, " ")
	for (i in list) { split(list[i], pair, "="); proto_number[pair[1]] = pair[2] }
	nmul = split(hash_mul, mul, " ")
	hex = "0123456789abcdef"
	slot = gen % 2
	# as an index, what was never set is "" and not 0
	nentries = rank = nhops = ngroups = ntuple = nports = nrules = errors = set_flags = 0
	ntuples[4] = ntuples[6] = 0
	pow2[0] = 1
	for (i = 1; i <= 32; i++) pow2[i] = 2 * pow2[i - 1]
	action_number["pass"] = 0; action_number["drop"] = 1; action_number["mark"] = 2
	action_number["redirect"] = 3; action_number["table"] = 4; action_number["ecmp"] = 5
}

# To a terminal, perhaps: the text may be anything that JSON can say.
function say(file, where, field, text) {
	text = where ": " field ": " text
	gsub(none, "a list or object", text)
	gsub(/[\001-\037\177]/, "?", text)
	print file ": " text | "cat >&2"
}

function bad(file, where, field, text) {
	errors++
	if (errors == 20) {
		say(file, where, field, text)
		print "more errors follow" | "cat >&2"
	} else if (errors < 20) {
		say(file, where, field, text)
	}
	return 0
}

# in a rule
function wrong(field, text) { return bad($4, "rule " $5 ($6 != "" && $6 != none ? " (" $6 ")" : ""), field, text) }

# --- bytes

function le4(n,   a, b, c) {
	a = n % 256; n = (n - a) / 256
	b = n % 256; n = (n - b) / 256
	c = n % 256; n = (n - c) / 256
	return endian == "little" ? " " a " " b " " c " " n : " " n " " c " " b " " a
}
function le2(n,   a) {
	a = n % 256
	n = (n - a) / 256
	return endian == "little" ? " " a " " n : " " n " " a
}
function text16(s,   i, out) {
	for (i = 1; i <= length(s) && i < 16; i++) out = out " " ord[substr(s, i, 1)]
	for (; i <= 16; i++) out = out " 0"
	return out
}

function hex32(n,   high) {
	high = int(n / 65536)
	return "0x" (high ? sprintf("%x%04x", high, n % 65536) : sprintf("%x", n))
}

function hexnum(s,   i, n, at) {
	n = 0
	s = tolower(s)
	for (i = 1; i <= length(s); i++) {
		at = index(hex, substr(s, i, 1))
		if (!at) return -1
		n = n * 16 + at - 1
	}
	return n
}

# 010 is 8 to some and 10 to others: no number, here and in addresses.
function decimal(s) { return s ~ /^(0|[1-9][0-9]*)$/ }

# A decimal or 0x number up to MAX; -1 if it is none.
function number(s, max,   n) {
	sub(/\.0+$/, "", s) # a newer jq writes 1.0 as it read it
	if (s ~ /^0[xX][0-9a-fA-F]+$/ && length(s) <= 10) n = hexnum(substr(s, 3))
	else if (decimal(s) && length(s) <= 10) n = s + 0
	else return -1
	return n <= max ? n : -1
}

function mask_word(bits) { return bits <= 0 ? 0 : bits >= 32 ? 4294967295 : 4294967296 - pow2[32 - bits] }

# --- addresses: into A[1..4] words and BYTES (network order); returns 4, 6 or 0

function address4(s,   o, n, i) {
	n = split(s, o, ".")
	if (n != 4) return 0
	for (i = 1; i <= 4; i++) if (!decimal(o[i]) || length(o[i]) > 3 || o[i] > 255) return 0
	A[1] = ((o[1] * 256 + o[2]) * 256 + o[3]) * 256 + o[4]
	A[2] = A[3] = A[4] = 0
	BYTES = " " (o[1] + 0) " " (o[2] + 0) " " (o[3] + 0) " " (o[4] + 0)
	return 4
}

function address6(s,   at, head, tail, n, m, h, t, i, w) {
	at = index(s, "::")
	if (at) {
		head = substr(s, 1, at - 1)
		tail = substr(s, at + 2)
		if (index(tail, "::")) return 0
	} else head = s
	n = head == "" ? 0 : split(head, h, ":")
	m = tail == "" ? 0 : split(tail, t, ":")
	if (at ? n + m > 7 : n != 8) return 0
	BYTES = ""
	for (i = 1; i <= 8; i++) {
		if (i <= n) w = h[i]
		else if (i > 8 - m) w = t[i - 8 + m]
		else w = "0"
		if (w == "" || length(w) > 4) return 0
		w = hexnum(w)
		if (w < 0) return 0
		BYTES = BYTES " " int(w / 256) " " w % 256
		if (i % 2) A[(i + 1) / 2] = w * 65536
		else A[i / 2] += w
	}
	return 6
}

function address(s) { return index(s, ":") ? address6(s) : address4(s) }

# A prefix into A, BYTES, LEN. Returns the family.
function prefix(field, s,   at, len, family, i, m, rest) {
	at = index(s, "/")
	len = ""
	if (at) {
		len = substr(s, at + 1)
		s = substr(s, 1, at - 1)
	}
	family = address(s)
	if (!family || (at && (!decimal(len) || length(len) > 3 || len + 0 > (family == 4 ? 32 : 128))))
		return wrong(field, s (at ? "/" len : "") ": expected an IPv4 or IPv6 prefix")
	LEN = at ? len + 0 : family == 4 ? 32 : 128
	for (i = 1; i <= (family == 4 ? 1 : 4); i++) {
		m = LEN - 32 * (i - 1)
		if (m < 0) m = 0
		if (m < 32 && A[i] % pow2[32 - m]) return wrong(field, s "/" LEN ": bits are set behind the prefix")
	}
	return family
}

# --- ports: LO and HI. Returns 1 (one port), 2 (a range) or 0

function ports(field, s,   at) {
	at = index(s, "-")
	if (at) {
		LO = number(substr(s, 1, at - 1), 65535)
		HI = number(substr(s, at + 1), 65535)
	} else LO = HI = number(s, 65535)
	if (LO < 0 || HI < 0 || LO > HI)
		return wrong(field, s ": expected a port (0 to 65535) or a range such as 8000-8080")
	return LO < HI ? 2 : 1
}

# first reading: the ranges of direction DIR
function range_seen(dir, s,   at, lo, hi) {
	at = index(s, "-")
	lo = number(substr(s, 1, at - 1), 65535)
	hi = number(substr(s, at + 1), 65535)
	if (lo < 0 || hi < 0 || lo >= hi || ((dir, lo, hi) in range_id)) return
	nranges[dir]++
	range_lo[dir, nranges[dir]] = lo
	range_hi[dir, nranges[dir]] = hi
	range_id[dir, lo, hi] = 0
}

# Gives each range a layer, in which no two overlap, and a number; then writes which
# ranges hold which ports. By start, so that there are as few layers as can be.
function ranges_place(dir,   i, j, n, lo, hi, layer, l, end, cut, ncut, vec, key, a, b, size, bits) {
	n = nranges[dir]
	if (!n) return
	for (i = 2; i <= n; i++) {
		lo = range_lo[dir, i]; hi = range_hi[dir, i]
		for (j = i - 1; j >= 1 && (range_lo[dir, j] > lo || (range_lo[dir, j] == lo && range_hi[dir, j] > hi)); j--) {
			range_lo[dir, j + 1] = range_lo[dir, j]; range_hi[dir, j + 1] = range_hi[dir, j]
		}
		range_lo[dir, j + 1] = lo; range_hi[dir, j + 1] = hi
	}
	if (n > 65535) { bad(first_file, "rules", dir ? "dport" : "sport", "over 65535 different port ranges"); return }
	for (l = 1; l <= layers; l++) end[l] = -1
	for (i = 1; i <= n; i++) {
		for (l = 1; l <= layers && end[l] >= range_lo[dir, i]; l++);
		if (l > layers) {
			bad(first_file, "rules", dir ? "dport" : "sport", "over " layers " port ranges overlap at port " range_lo[dir, i])
			return
		}
		end[l] = range_hi[dir, i]
		range_layer[dir, i] = l
		range_id[dir, range_lo[dir, i], range_hi[dir, i]] = i
	}
	# a sweep over the ports at which something begins or ends
	for (i = 1; i <= n; i++) { mark[range_lo[dir, i]] = 1; mark[range_hi[dir, i] + 1] = 1 }
	for (i = 0; i <= 65536; i++) if (i in mark) { cut[++ncut] = i; delete mark[i] }
	for (l = 1; l <= layers; l++) { inside[l] = 0; until[l] = -1 }
	j = 1
	for (i = 1; i < ncut; i++) {
		a = cut[i]
		b = cut[i + 1]
		for (l = 1; l <= layers; l++) if (until[l] < a) inside[l] = 0
		while (j <= n && range_lo[dir, j] == a) {
			inside[range_layer[dir, j]] = j
			until[range_layer[dir, j]] = range_hi[dir, j]
			j++
		}
		vec = ""
		for (l = 1; l <= layers; l++) vec = vec le2(inside[l])
		if (vec !~ /[1-9]/) continue
		while (a < b) { # aligned blocks
			for (bits = 16; a % pow2[16 - bits + 1] == 0 && bits > 0 && a + pow2[16 - bits + 1] <= b; bits--);
			ports_line[++nports] = le4(16 + bits) " " dir " 0 " int(a / 256) " " a % 256 " value" vec
			a += pow2[16 - bits]
		}
	}
	set_flags += dir ? 2 : 1
}

# --- 32-bit and, for masks of marks

function and32(a, b,   i, r) {
	r = 0
	for (i = 31; i >= 0; i--) {
		if (a >= pow2[i] && b >= pow2[i]) r += pow2[i]
		if (a >= pow2[i]) a -= pow2[i]
		if (b >= pow2[i]) b -= pow2[i]
	}
	return r
}

# --- what the rules go past, see policy_beside.sh

function fact_read(   at, n) {
	if ($2 == "self") {
		if (address($6)) self[A[1] " " A[2] " " A[3] " " A[4]] = 1
		return
	}
	if ($2 == "attached") { attached[$5] = 1; nattached++; return }
	n = ++nfacts
	f_kind[n] = $2; f_tool[n] = $3; f_family[n] = $4 + 0; f_dev[n] = $5
	f_src[n] = $6; f_indev[n] = $8; f_text[n] = $9
	f_slen[n] = f_dlen[n] = 255
	if ($6 != "" && prefix_plain($6)) { f_slen[n] = LEN; f_s[n] = A[1] " " A[2] " " A[3] " " A[4] }
	if ($7 != "" && prefix_plain($7)) { f_dlen[n] = LEN; f_d[n] = A[1] " " A[2] " " A[3] " " A[4] }
}

# a prefix that the kernel wrote
function prefix_plain(s,   at, family) {
	at = index(s, "/")
	family = address(at ? substr(s, 1, at - 1) : s)
	LEN = at ? substr(s, at + 1) + 0 : family == 4 ? 32 : 128
	return family
}

# Have two prefixes an address in common?
function overlap(len, w1, w2, w3, w4, other, words,   w, least) {
	if (len == 255 || other == 255) return 1
	least = len < other ? len : other
	split(words, w, " ")
	return cut_address(w1, w2, w3, w4, least) == cut_address(w[1], w[2], w[3], w[4], least)
}

# Does the rule send by DEV? OUT is the list of its devices; "": not known.
function leaves_by(dev,   list, n, i, not, hit) {
	if (dev == "" || OUT == "") return 1
	not = sub(/^!/, "", dev)
	n = split(OUT, list, " ")
	for (i = 1; i <= n; i++) {
		if (dev ~ /\+$/) hit = index(list[i], substr(dev, 1, length(dev) - 1)) == 1
		else hit = list[i] == dev
		if (hit != not) return 1
	}
	return 0
}

# Is fact N about the rule?
function concerns(n,   kind) {
	kind = f_kind[n]
	if (FAMILY && f_family[n] && FAMILY != f_family[n]) return 0
	if (kind == "noforward") return (!IIF || device($14) == f_dev[n]) && (FAMILY || f_family[n] == 4)
	if (kind == "nodefault") return (DLEN == 255 || DLEN == 0) && (FAMILY || f_family[n] == 4)
	if (kind == "setmark") return MARKMASK || int(FLAGS / 2) % 2
	if (ACTION < 3 || !leaves_by(f_dev[n])) return 0
	if (f_indev[n] != "" && (IIF ? device($14) != f_indev[n] : nattached && !(f_indev[n] in attached))) return 0
	return overlap(SLEN, S1, S2, S3, S4, f_slen[n], f_s[n]) && overlap(DLEN, D1, D2, D3, D4, f_dlen[n], f_d[n])
}

function beside_hit(kind, n) {
	hit_last[kind] = $3
	if (hits[kind]++) return
	hit_fact[kind] = n
	hit_file[kind] = $4
	hit_where[kind] = "rule " $5 " (" ID ")"
	hit_action[kind] = $17
	if (kind == "setmark") hit_action[kind] = MARKMASK ? "match.mark" : "action"
}

function beside_rule(   n) {
	OUT = ACTION == 3 ? hop_dev[ARG] : ACTION == 5 ? group_devs[ARG] : ACTION == 4 ? table_devs[ARG] : ""
	for (n = 1; n <= nfacts; n++) if (hit_last[f_kind[n]] != $3 && concerns(n)) beside_hit(f_kind[n], n)
	if (ACTION < 3) return
	if ((!MMASK && SLEN == 255 && DLEN == 255 && !MARKMASK && !IIF) || \
		(SLEN == (FAMILY == 4 ? 32 : 128) && ((S1 " " S2 " " S3 " " S4) in self))) beside_hit("self", 0)
}

function beside_say(kind, text) {
	if (!hits[kind]) return
	text = hit_where[kind] (hits[kind] > 1 ? " and " hits[kind] - 1 " more: " : ": ") hit_action[kind] ": " text
	gsub(/[\001-\037\177]/, "?", text)
	print hit_file[kind] ": " text | "cat >&2"
	if (strict) errors++
}

function beside_all(   n, mark) {
	mark = "; action mark and ip rule do"
	n = hit_fact["snat"]
	beside_say("snat", "goes past NAT: the source of what leaves " (f_dev[n] == "" ? "" : f_dev[n] ~ /^!/ ? "not by " substr(f_dev[n], 2) " " : "by " f_dev[n] " ") \
		"is not rewritten (" f_tool[n] " " f_text[n] ")" mark " that")
	n = hit_fact["dnat"]
	beside_say("dnat", "goes past NAT: destinations are not rewritten, nor answers translated back (" f_tool[n] " " f_text[n] ")" mark " that")
	n = hit_fact["forward"]
	beside_say("forward", "goes past the firewall and conntrack: nothing is dropped there (" f_tool[n] " " f_text[n] ")" mark " not go past it, and rules with drop can come first")
	n = hit_fact["mss"]
	beside_say("mss", "goes past TCPMSS: the segment size is not clamped (" f_tool[n] " " f_text[n] ")" mark " that")
	n = hit_fact["xfrm"]
	beside_say("xfrm", "goes past IPsec: leaves in clear, and what is to be blocked is not (" f_tool[n] ", " f_text[n] "); pass for these in an earlier rule, or action mark and ip rule, do that")
	n = hit_fact["rpf"]
	beside_say("rpf", "rp_filter is 1 on " f_dev[n] ", where the default route does not lead: answers that come in there are dropped; sysctl -w net.ipv4.conf." f_dev[n] ".rp_filter=2 (and all.rp_filter)")
	n = hit_fact["setmark"]
	beside_say("setmark", f_tool[n] " " f_text[n] " sets marks after the rules have been asked: they do not see it, and a mark that they set may be replaced; match what that matches, or mark in netfilter alone")
	n = hit_fact["noforward"]
	beside_say("noforward", "forwarding is off on " f_dev[n] ": no rule is asked there; sysctl -w " f_text[n] "=1")
	n = hit_fact["nodefault"]
	beside_say("nodefault", "there is no IPv" f_family[n] " default route: packets to where no route leads count as this host" "\047" "s own, and pass; ip -" f_family[n] " route add unreachable default, or a real one")
	beside_say("self", "what this host sends itself comes to no rule; ip rule steers it")
}

# --- first reading

NR == FNR {
	if ($1 == 0) strict = 1
	else if ($1 == 6) fact_read()
	else if ($1 == 7) table_devs[$2] = table_devs[$2] " " $3
	else if ($1 == 1) {
		ifindex[$2] = $3
		linktype[$2] = $4
	} else if ($1 == 5) {
		if ($6 != "") given[$6] = 1
		if (!nrules) first_file = $4
		nrules++
		if (index($10, "-")) range_seen(0, $10)
		if (index($11, "-")) range_seen(1, $11)
	}
	next
}

# --- second reading

!ready {
	ready = 1
	if (nrules > max_rules)
		bad(first_file, "rules", "number", nrules ", but the limit set at attach is " max_rules " (attach.sh --max-rules)")
	ranges_place(0)
	ranges_place(1)
}

function out(line) { if (mode == "batch" && !errors) print line }

$1 == 2 { bad($2, $3, $4, $5) }

function device(name,   n) { return (name in interface_device) ? interface_device[name] : name }

$1 == 3 {
	if ($3 in interface_device) { bad($2, "interface " $3, "name", "is there twice"); next }
	if (!($4 in ifindex)) { bad($2, "interface " $3, "device", ($4 == "" ? "is missing" : "no device " $4)); next }
	interface_device[$3] = $4
}

function hop_bad(field, text) { return bad($2, "nexthop " $3, field, text) }

$1 == 4 {
	if ($3 in hop) { hop_bad("name", "is there twice"); next }
	if ($3 !~ /^[A-Za-z0-9_.:-]+$/ || length($3) > 15) { hop_bad("name", "expected up to 15 letters, digits and _.:-"); next }
	if (nhops >= max_hops) { hop_bad("number", "is over the limit set at attach, " max_hops " (attach.sh --max-hops)"); next }
	hop[$3] = nhops++
	dev = device($4)
	if (!(dev in ifindex)) { hop_bad("dev", $4 == "" ? "is missing" : "no device " $4); next }
	flags = 0
	gw4 = " 0 0 0 0"
	gw6 = zeros16
	vlan = 0
	if ($5 != "") {
		family = address($5)
		if (family == 4) { gw4 = BYTES; flags += 1 }
		else if (family == 6) { gw6 = BYTES; flags += 2 }
		else hop_bad("via", $5 ": expected an address")
	}
	if ($6 != "") {
		if (address($6) != 6) hop_bad("via6", $6 ": expected an IPv6 address")
		else if (flags == 2) hop_bad("via6", "via is an IPv6 address, too")
		else { gw6 = BYTES; flags += 2 }
	}
	if ($7 != "") {
		vlan = number($7, 4094)
		if (vlan < 1) { hop_bad("vlan", $7 ": expected 1 to 4094"); vlan = 0 }
		flags += 8
	}
	if ($8 == "true") {
		if (flags) hop_bad("l2", "goes with neither via nor vlan: the frame is sent as it is")
		flags += 4
	} else if ($8 != "" && $8 != "false") hop_bad("l2", "expected true or false")
	if (linktype[dev] != "ether" && linktype[dev] != "loopback") {
		if (flags) hop_bad("dev", dev " has no Ethernet header: via, vlan and l2 make no sense")
		flags += 16
	}
	if (mode == "text")
		print "nexthop " $3 " dev " dev (flags % 2 ? " via " address_text(gw4, 4) : "") \
			(int(flags / 2) % 2 ? " via6 " address_text(gw6, 6) : "") (vlan ? " vlan " vlan : "") (int(flags / 4) % 2 ? " l2" : "")
	hop_dev[hop[$3]] = dev
	hops[hop[$3]] = " value" le4(ifindex[dev]) le4(flags) gw4 gw6 le4(vlan) text16($3)
}

# The number of a weighted group.
function group(s,   n, i, part, w, name, weight, at) {
	if (s in group_id) return group_id[s]
	n = split(s, part, ",")
	if (!n || !index(s, "=")) return wrong("action", "ecmp: expected an object of next hops and their weights") - 1
	for (i = 1; i <= n; i++) {
		at = index(part[i], "=")
		name[i] = substr(part[i], 1, at - 1)
		weight[i] = number(substr(part[i], at + 1), 255)
		if (!(name[i] in hop)) return wrong("action", "ecmp: no next hop " name[i]) - 1
		if (weight[i] < 1) return wrong("action", "ecmp: weight of " name[i] ": expected 1 to 255") - 1
	}
	if (ngroups >= max_hops) return wrong("action", "over " max_hops " different ecmp groups (attach.sh --max-hops)") - 1
	line = " value" le4(n)
	for (i = 1; i <= hops_map; i++) line = line " " (i <= n ? hop[name[i]] : 0)
	for (i = 1; i <= n; i++) w[hop[name[i]]] = weight[i]
	for (i = 0; i < hops_map; i++) line = line " " ((i in w) ? w[i] : 0)
	groups[ngroups] = line
	for (i = 1; i <= n; i++) group_devs[ngroups] = group_devs[ngroups] " " hop_dev[hop[name[i]]]
	return group_id[s] = ngroups++
}

# --- a rule

# The action: ACTION, ARG, FLAGS, MARK
function rule_action(   kind, arg) {
	kind = $17
	arg = $18
	FLAGS = 0
	MARK = 0
	ARG = 0
	if (kind == "") return wrong("action", "is missing")
	if (!(kind in action_number))
		return wrong("action", kind ": expected pass, drop, or an object with one of redirect, table, mark, ecmp")
	ACTION = action_number[kind]
	if (ACTION < 2 && arg != "" && arg != "true") return wrong("action", kind " " arg ": expected true")
	if (ACTION == 2 && $19 == "") return wrong("action", "mark: expected a number up to 0xffffffff")
	if ($19 != "") {
		MARK = number($19, 4294967295)
		if (MARK < 0) return wrong("action", "mark " $19 ": expected a number up to 0xffffffff")
		FLAGS += 2
	}
	if ($20 == "pass") FLAGS += 1
	else if ($20 != "" && $20 != "drop") return wrong("fallback", $20 ": expected pass or drop")
	if ($20 != "" && ACTION < 3) return wrong("fallback", "goes with redirect, table and ecmp only")
	if (ACTION == 3) {
		if (!(arg in hop)) return wrong("action", "redirect: " (arg == "" ? "expected the name of a next hop" : "no next hop " arg))
		ARG = hop[arg]
	} else if (ACTION == 4) {
		ARG = number(arg, 4294967295)
		if (ARG < 1) return wrong("action", "table " arg ": expected a number from 1")
	} else if (ACTION == 5) {
		ARG = group(arg)
		if (ARG < 0) return 0
	}
	return 1
}

# Everything that the rule matches: S* and D* for the addresses, MISC, MMASK, ...
function rule_match(   family, n) {
	FAMILY = 0
	SLEN = DLEN = 255
	SBYTES = DBYTES = zeros16
	S1 = S2 = S3 = S4 = D1 = D2 = D3 = D4 = 0
	MISC = MMASK = 0
	MISCKEY = ""
	if ($7 != "") {
		if (!(FAMILY = prefix("match.src", $7))) return 0
		SLEN = LEN
		SBYTES = FAMILY == 4 ? BYTES zeros12 : BYTES
		S1 = A[1]; S2 = A[2]; S3 = A[3]; S4 = A[4]
	}
	if ($8 != "") {
		if (!(family = prefix("match.dst", $8))) return 0
		if (FAMILY && FAMILY != family) return wrong("match.dst", $8 ": is not of the family of src")
		FAMILY = family
		DLEN = LEN
		DBYTES = FAMILY == 4 ? BYTES zeros12 : BYTES
		D1 = A[1]; D2 = A[2]; D3 = A[3]; D4 = A[4]
	}
	if (FAMILY) { MMASK += 268435456; if (FAMILY == 6) MISC += 268435456 }
	PROTO = -1
	if ($9 != "") {
		PROTO = ($9 in proto_number) ? proto_number[$9] + 0 : number($9, 255)
		if (PROTO < 0) return wrong("match.proto", $9 ": expected a number up to 255 or tcp, udp, icmp, icmp6, sctp, gre, esp, ah, ospf, udplite")
		MISC += PROTO; MMASK += 255
	}
	SMODE = DMODE = 0
	SLO = SHI = DLO = DHI = SLAYER = DLAYER = SPORT = DPORT = 0
	if ($10 != "") {
		if (!(SMODE = ports("match.sport", $10))) return 0
		SLO = LO; SHI = HI; SPORT = LO
		if (SMODE == 2) { SPORT = range_id[0, LO, HI]; SLAYER = range_layer[0, SPORT] }
	}
	if ($11 != "") {
		if (!(DMODE = ports("match.dport", $11))) return 0
		DLO = LO; DHI = HI; DPORT = LO
		if (DMODE == 2) { DPORT = range_id[1, LO, HI]; DLAYER = range_layer[1, DPORT] }
	}
	if (SMODE || DMODE) {
		if (PROTO >= 0 && PROTO != 6 && PROTO != 17 && PROTO != 132 && PROTO != 136)
			return wrong(SMODE ? "match.sport" : "match.dport", "protocol " $9 " has no ports")
		if ($16 == "true") return wrong("match.fragment", "fragments have no ports to match")
		MISC += 536870912; MMASK += 536870912
	}
	DSCP = -1
	if ($12 != "") {
		DSCP = number($12, 63)
		if (DSCP < 0) return wrong("match.dscp", $12 ": expected 0 to 63")
		MISC += DSCP * 256; MMASK += 16128
	}
	MVALUE = MARKMASK = 0
	if ($13 != "") {
		n = index($13, "/")
		MVALUE = number(n ? substr($13, 1, n - 1) : $13, 4294967295)
		MARKMASK = n ? number(substr($13, n + 1), 4294967295) : 4294967295
		if (MVALUE < 0 || MARKMASK < 1) return wrong("match.mark", $13 ": expected a mark such as 16, 0x10 or 0x10/0xff")
		if (and32(MVALUE, MARKMASK) != MVALUE) return wrong("match.mark", $13 ": bits are set outside the mask")
	}
	IIF = 0
	if ($14 != "") {
		if (!(device($14) in ifindex)) return wrong("match.iif", "no device " $14)
		IIF = ifindex[device($14)] + 0
	}
	VLAN = -1
	if ($15 != "") {
		if ($15 == "none") VLAN = 0
		else if ((VLAN = number($15, 4094)) < 1) return wrong("match.vlan", $15 ": expected 1 to 4094, or none")
		if (VLAN) { MISC += VLAN * 16384 + 67108864; MMASK += 67092480 + 67108864 }
		else MMASK += 67108864
	}
	FRAGMENT = -1
	if ($16 != "") {
		if ($16 != "true" && $16 != "false") return wrong("match.fragment", $16 ": expected true or false")
		FRAGMENT = $16 == "true"
		MISC += FRAGMENT * 134217728; MMASK += 134217728
	}
	return 1
}

# The tuple of the rule, made if there is none. -1 if there are too many.
function tuple_of(   sig, id, i, m) {
	sig = SLEN " " DLEN " " SMODE " " DMODE " " SLAYER " " DLAYER " " MMASK " " MARKMASK " " (IIF > 0) " " FAMILY
	if (sig in tuple_id) return tuple_id[sig]
	for (i = 4; i <= 6; i += 2) {
		if (FAMILY && FAMILY != i) continue
		if (ntuples[i] + 0 >= max_tuples)
			return wrong("match", "needs another mask tuple for IPv" i ", and " max_tuples " is the limit set at attach (attach.sh --max-masks): use fewer kinds of matches") - 1
		tuple_list[i, ntuples[i]++] = ntuple
	}
	id = tuple_id[sig] = ntuple++
	tuple_sig[id] = sig
	tuple_best[id] = rank
	m = ""
	for (i = 1; i < 4; i++) m = m le4(SLEN == 255 ? 0 : mask_word(SLEN - 32 * i))
	for (i = 1; i < 4; i++) m = m le4(DLEN == 255 ? 0 : mask_word(DLEN - 32 * i))
	tuple_mask[id] = le4(SLEN == 255 ? 0 : mask_word(SLEN)) le4(DLEN == 255 ? 0 : mask_word(DLEN)) \
		le4((SMODE ? 4294901760 : 0) + (DMODE ? 65535 : 0)) le4(MMASK) le4(MARKMASK) le4(IIF ? 4294967295 : 0) m
	tuple_layers[id] = " " SLAYER " " DLAYER " 0 0 0 0 0 0"
	return id
}

# --- shadows: rule is covered by an earlier one of another tuple

# word I (1..4) of an address under a prefix of LEN bits
function cut_word(w, len, i,   bits) {
	bits = len - 32 * (i - 1)
	return bits <= 0 ? 0 : bits >= 32 ? w : w - w % pow2[32 - bits]
}

function cut_address(w1, w2, w3, w4, len) {
	return len == 255 ? "" : cut_word(w1, len, 1) " " cut_word(w2, len, 2) " " cut_word(w3, len, 3) " " cut_word(w4, len, 4)
}

# the range of LAYER in DIR that holds all of LO-HI; "" if none does
function range_around(dir, layer, lo, hi,   i) {
	for (i = 1; i <= nranges[dir]; i++)
		if (range_layer[dir, i] == layer && range_lo[dir, i] <= lo && range_hi[dir, i] >= hi) return i
	return ""
}

function shadow_key(t,   k) {
	k = t "|" cut_address(S1, S2, S3, S4, tf_slen[t]) "|" cut_address(D1, D2, D3, D4, tf_dlen[t])
	if (tf_smode[t]) k = k "|s" (tf_slayer[t] ? range_around(0, tf_slayer[t], SLO, SHI) : SPORT)
	if (tf_dmode[t]) k = k "|d" (tf_dlayer[t] ? range_around(1, tf_dlayer[t], DLO, DHI) : DPORT)
	if (tf_proto[t]) k = k "|p" PROTO
	if (tf_dscp[t]) k = k "|q" DSCP
	if (tf_mark[t]) k = k "|m" and32(MVALUE, tf_mark[t])
	if (tf_iif[t]) k = k "|i" IIF
	if (tf_vlan[t]) k = k "|v" (tf_vlan[t] == 1 ? (VLAN > 0) : VLAN)
	if (tf_fragment[t]) k = k "|f" (SMODE || DMODE ? 0 : FRAGMENT)
	return k
}

function shadow_tuple(t) {
	tf_slen[t] = SLEN; tf_dlen[t] = DLEN; tf_smode[t] = SMODE; tf_dmode[t] = DMODE
	tf_slayer[t] = SLAYER; tf_dlayer[t] = DLAYER; tf_proto[t] = PROTO >= 0; tf_dscp[t] = DSCP >= 0
	tf_mark[t] = MARKMASK; tf_iif[t] = IIF > 0; tf_vlan[t] = VLAN < 0 ? 0 : VLAN ? 2 : 1
	tf_fragment[t] = FRAGMENT >= 0; tf_family[t] = FAMILY
}

# Could tuple T cover the rule?
function covers(t) {
	if (tf_family[t] && tf_family[t] != FAMILY) return 0
	if (tf_slen[t] != 255 && (SLEN == 255 || SLEN < tf_slen[t])) return 0
	if (tf_dlen[t] != 255 && (DLEN == 255 || DLEN < tf_dlen[t])) return 0
	if (tf_smode[t] == 1 && SMODE != 1 || tf_smode[t] == 2 && !SMODE) return 0
	if (tf_dmode[t] == 1 && DMODE != 1 || tf_dmode[t] == 2 && !DMODE) return 0
	if (tf_proto[t] && PROTO < 0 || tf_dscp[t] && DSCP < 0 || tf_iif[t] && !IIF) return 0
	if (tf_mark[t] && and32(tf_mark[t], MARKMASK) != tf_mark[t]) return 0
	if (tf_vlan[t] == 2 && VLAN <= 0 || tf_vlan[t] == 1 && VLAN < 0) return 0
	if (tf_fragment[t] && FRAGMENT < 0 && !(SMODE || DMODE)) return 0
	return 1
}

function shadowed(   t, k) {
	for (t = 0; t < ntuple; t++) {
		if (!(t in tf_slen) || !covers(t)) continue
		k = shadow_key(t)
		if (k in shadow_seen) {
			if (++warnings > 20) {
				print "more rules never apply: these are the first 20" | "cat >&2"
				return
			}
			say($4, "rule " $5 " (" ID ")", "match", "never applies: " \
				(t == T && shadow_seen[k] != "" ? "the same match as rule " : "is covered by rule ") shadow_seen[k])
			return
		}
	}
}

# --- one form for all ways of writing the same

function address_text(bytes, family,   b, i, n, text) {
	n = split(bytes, b, " ")
	if (family == 4) return b[1] "." b[2] "." b[3] "." b[4]
	for (i = 1; i < 16; i += 2) text = text (i > 1 ? ":" : "") sprintf("%x", b[i] * 256 + b[i + 1])
	return text
}

function rule_text(   t) {
	t = PRIORITY " " ID
	if (SLEN != 255) t = t " src " address_text(SBYTES, FAMILY) "/" SLEN
	if (DLEN != 255) t = t " dst " address_text(DBYTES, FAMILY) "/" DLEN
	if (PROTO >= 0) t = t " proto " PROTO
	if (SMODE) t = t " sport " SLO (SMODE == 2 ? "-" SHI : "")
	if (DMODE) t = t " dport " DLO (DMODE == 2 ? "-" DHI : "")
	if (DSCP >= 0) t = t " dscp " DSCP
	if (MARKMASK) t = t " mark " hex32(MVALUE) "/" hex32(MARKMASK)
	if (IIF) t = t " iif " device($14)
	if (VLAN >= 0) t = t " vlan " (VLAN ? VLAN : "none")
	if (FRAGMENT >= 0) t = t " fragment " (FRAGMENT ? "true" : "false")
	t = t ": " $17 (ACTION >= 3 ? " " $18 : "")
	if (FLAGS % 4 >= 2) t = t " mark " hex32(MARK)
	if (ACTION >= 3) t = t (FLAGS % 2 ? " else pass" : " else drop")
	return t
}

# --- the hash of the filter and of the table, see abi/policy.h

function hash(tuple,   h) {
	h = S1 * mul[1] % 4294967296 + D1 * mul[2] % 4294967296 \
		+ (SPORT * 65536 + DPORT) * mul[3] % 4294967296 + MISC * mul[4] % 4294967296 \
		+ MVALUE * mul[5] % 4294967296 + IIF * mul[6] % 4294967296 + tuple * mul[13]
	if (FAMILY == 6)
		h += S2 * mul[7] % 4294967296 + S3 * mul[8] % 4294967296 + S4 * mul[9] % 4294967296 \
			+ D2 * mul[10] % 4294967296 + D3 * mul[11] % 4294967296 + D4 * mul[12] % 4294967296
	return h % 4294967296
}

# --- rules

# Names of fields, as a JSON array
function names_known(names, known,   i, n, name, list) {
	gsub(/^\[|\]$/, "", names)
	n = split(names, list, ",")
	for (i = 1; i <= n; i++) {
		name = list[i]
		gsub(/"/, "", name)
		if (index(" " known " ", " " name " ")) continue
		gsub(/ /, ", ", known)
		return wrong(name, "unknown field (there is " known ")")
	}
	return 1
}

$1 == 5 {
	if (!($21 in keys_known) && !(keys_known[$21] = names_known($21, "id priority match action fallback description"))) next
	if (!($22 in match_known) && !(match_known[$22] = names_known($22, "src dst proto sport dport dscp mark iif vlan fragment"))) next
	if (!keys_known[$21] || !match_known[$22]) { errors++; next }
	ID = $6
	if (ID == none || (ID != "" && (ID !~ /^[A-Za-z0-9_.:-]+$/ || length(ID) > 15))) {
		wrong("id", "expected up to 15 letters, digits and _.:-")
		next
	}
	if (ID == "") {
		for (ID = $3 + 0; ID in given; ID++);
		given[ID] = 1
	}
	if (ID in ids) { wrong("id", ID " is the id of " ids[ID] ", too"); next }
	ids[ID] = "rule " $5 (files > 1 ? " of " $4 : "")
	PRIORITY = number($2, 4294967295)
	if ($2 == "") { wrong("priority", "is missing"); next }
	if (PRIORITY < 0) { wrong("priority", $2 ": expected a number up to 4294967295"); next }
	if (!rule_match() || !rule_action()) next

	if (mode == "text") {
		print rule_text()
		next
	}
	beside_rule()
	T = tuple_of()
	if (T < 0) next
	if (mode == "check") {
		if (!(T in tf_slen)) shadow_tuple(T)
		if (warnings <= 20) shadowed()
		shadow_key_ = shadow_key(T)
		if (!(shadow_key_ in shadow_seen)) shadow_seen[shadow_key_] = $5 " (" ID ")"
	} else if (!errors) {
		misc = le4(MISC)
		mark4 = MARKMASK ? le4(MVALUE) : zero4
		addr4 = (S1 ? le4(S1) : zero4) (D1 ? le4(D1) : zero4)
		addr6 = FAMILY == 6 ? le4(S2) le4(S3) le4(S4) le4(D2) le4(D3) le4(D4) : zeros24
		key = addr4 (SMODE || DMODE ? le4(SPORT * 65536 + DPORT) : zero4) misc mark4 (IIF ? le4(IIF) : zero4)
		# of two with the same key, the first is asked
		if (!((key, addr6, T) in keys)) {
			keys[key, addr6, T] = 1
			entry_rank[nentries] = rank
			entry_hash[nentries++] = hash(T)
		} else unasked[rank] = 1
		if (MARKMASK) FLAGS += 16
		if (SMODE) FLAGS += 4
		if (DMODE) FLAGS += 8
		rules[rank] = key le4(T) le4(rank)
		rest[rank] = le4(ACTION) le4(ARG) le4(FLAGS) (MARK ? le4(MARK) : zero4) le4(PRIORITY) \
			(SMODE || DMODE ? le2(SLO) le2(SHI) le2(DLO) le2(DHI) : zero8)
		more[rank] = addr6 text16(ID) (MARKMASK ? le4(MARKMASK) : zero4) le4(MMASK) " " SLEN " " DLEN zeros14
	}
	rank++
}

# --- the batch

function inner(name, type, key, value, entries, flags) {
	out("map create " new "/" name " type " type " key " key " value " value " entries " (entries > 0 ? entries : 1) " name " name " flags " flags)
}
function outer(name) { out("map update pinned " maps "/" name " key" le4(slot) " value pinned " new "/" name) }
function put(name, key, value) { out("map update pinned " maps "/" name " key" le4(key) value) }

# The hashes of the table from those of the filter
function mix_all(   i, h) {
	for (i = 0; i < nentries; i++) {
		h = entry_hash[i]
		entry_mix[i] = (h * mix_low + int(h / 65536) * mix_high) % 4294967296
	}
}

# Some 16 bits a rule. Returns the shift.
function write_filter(   bits, shift, i, j, word, bit, n, chunk, line, seen, sum) {
	bits = 7
	while (bits < 16 && pow2[bits] * 2 < nentries) bits++
	shift = 32 - bits
	for (i = 0; i < nentries; i++) {
		word = int(entry_hash[i] / pow2[shift])
		for (j = 1; j <= 1024; j *= 32) {
			bit = int(entry_mix[i] / j) % 32
			if ((word, bit) in seen) continue
			seen[word, bit] = 1
			sum[word] += pow2[bit]
		}
	}
	n = pow2[bits]
	for (chunk = 0; chunk < n / filter_len; chunk++) {
		line = ""
		for (word = chunk * filter_len; word < (chunk + 1) * filter_len; word++)
			line = line (word in sum ? le4(sum[word]) : zero4)
		put("pol_filter", slot * filter_max + chunk, " value" line)
	}
	return shift
}

# The perfect hash: buckets of some 2 keys (4 at most); for each, the largest first, the first shift
# by which all of its keys come to free places. Fills who[place] = rank, next_place[rank]
# and shifts[bucket]. Returns how many bits of the mix choose the bucket.
function places_choose(   bits, i, b, m, at, size, largest, n, list, d, k, try, pos, left, first, count) {
	for (bits = 10; bits < 16 && pow2[bits] * 2 < nentries; bits++);
	places = int(rank / 0.8) + 1
	for (i = 0; i < nentries; i++) {
		m = entry_mix[i]
		if (m in first) { # no shift tells them apart
			if (++count[m] >= links) return bad(first_file, "rules", "match", "over " links " rules have the same hash: this set cannot be loaded")
			left[i] = entry_rank[first[m]]
			continue
		}
		first[m] = i
		b = int(m / pow2[32 - bits])
		keys_in[b] = keys_in[b] " " i
		n = ++size[b]
		if (n > largest) largest = n
	}
	for (i = 0; i < pow2[bits]; i++) if (i in size) of_size[size[i], ++n_of[size[i]]] = i
	for (; largest > 0; largest--) for (try = 1; try <= n_of[largest]; try++) {
		b = of_size[largest, try]
		n = split(keys_in[b], list, " ")
		for (d = 0; d < 65536; d++) {
			for (k = 1; k <= n; k++) {
				at = int(entry_mix[list[k]] * (2 * d + 1) % 4294967296 * places / 4294967296)
				if (at in who) break
				who[pos[k] = at] = entry_rank[list[k]]
			}
			if (k > n) break
			while (--k > 0) delete who[pos[k]]
		}
		if (d == 65536) return bad(first_file, "rules", "match", "no perfect hash was found: this set cannot be loaded")
		shifts[b] = d
	}
	at = 0
	for (i in left) {
		while (at in who) at++
		who[at] = entry_rank[i]
		next_place[entry_rank[i]] = next_place[left[i]]
		next_place[left[i]] = at + 1
	}
	# rules that no packet comes to: for the reader
	for (i = 0; i < rank; i++) if (i in unasked) {
		while (at in who) at++
		who[at] = i
	}
	return bits
}

function write_shifts(bits,   n, chunk, line, b) {
	for (chunk = 0; chunk < pow2[bits] / shift_len; chunk++) {
		line = ""
		for (b = chunk * shift_len; b < (chunk + 1) * shift_len; b++) line = line (b in shifts ? le2(shifts[b]) : " 0 0")
		put("pol_shift", slot * shift_max + chunk, " value" line)
	}
}

# Both halves of the rules, each by place. Printed piece by piece: a line is long.
function write_rules(   i, r, empty, blocks) {
	empty = zeros24 zero4 " 255 255 255 255" zeros16 zeros16
	blocks = int((places + block - 1) / block)
	for (i = 0; i < blocks * block; i++) {
		if (i % block == 0) printf "%smap update pinned %s/pol_rules key%s value", (i ? "\n" : ""), new, le4(i / block)
		if (!(i in who)) { printf "%s", empty; continue }
		r = who[i]
		printf "%s%s%s", rules[r], ((r in next_place) ? le4(next_place[r]) : zero4), rest[r]
	}
	for (i = 0; i < blocks * block; i++) {
		if (i % block == 0) printf "\nmap update pinned %s/pol_more key%s value", new, le4(i / block)
		printf "%s", ((i in who) ? more[who[i]] : zeros64)
	}
	print ""
}

END {
	if (!ready) { # no line at all
		ready = 1
	}
	if (mode != "text" && !errors) beside_all()
	if (errors) exit 1
	if (mode == "check") exit 0
	if (mode != "batch") exit 0
	stripes = 1
	while (stripes < cpus) stripes *= 2
	mix_all()
	buckets = places_choose()
	if (errors) exit 1
	while (stripes > 1 && places * stripes * 24 > 67108864) stripes /= 2
	if (stripes < cpus) set_flags += 4
	inner("pol_rules", "array", 4, size_block, int((places + block - 1) / block), aligned_flags)
	inner("pol_more", "array", 4, size_more, int((places + block - 1) / block), aligned_flags)
	inner("pol_count", "array", 4, size_count, places * stripes, inner_flag)
	if (nports) inner("pol_port", "lpm_trie", size_port_key, size_port, nports, 1)
	write_shifts(buckets)
	write_rules()
	for (i = 1; i <= nports; i++) print "map update pinned " new "/pol_port key" ports_line[i]
	for (family = 4; family <= 6; family += 2)
		for (i = 0; i < ntuples[family]; i++) {
			t = tuple_list[family, i]
			put("pol_tuple", slot * 2 * tuples_map + (family == 6 ? tuples_map : 0) + i,
				" value" tuple_mask[t] le4(tuple_best[t]) le4(t) tuple_layers[t])
		}
	shift = write_filter()
	for (i = 0; i < nhops; i++) {
		put("pol_hop", slot * hops_map + i, hops[i])
		put("pol_hop_state", slot * hops_map + i, " value" zeros16 zeros16 zeros16 zeros16)
		put("pol_hop_count", slot * hops_map + i, " value" zeros16 zeros16)
	}
	for (i = 0; i < ngroups; i++) put("pol_group", slot * hops_map + i, groups[i])
	put("pol_set", slot, " value" le4(gen) le4(rank + 0) le4(places) le4(nhops + 0) le4(ntuples[4] + 0) \
		le4(ntuples[6] + 0) le4(shift) le4(set_flags + 0) le4(stripes - 1) le4(32 - buckets))
	outer("pol_rules")
	outer("pol_more")
	outer("pol_count")
	if (nports) outer("pol_port")
	# from here on the new set is in force
	put("pol_cfg", 0, " value" le4(gen) cfg_rest)
	# an update of an array of maps waits until no packet uses the old set; then it goes
	outer("pol_rules")
	if (old) {
		out("map delete pinned " maps "/pol_rules key" le4(1 - slot))
		out("map delete pinned " maps "/pol_more key" le4(1 - slot))
		out("map delete pinned " maps "/pol_count key" le4(1 - slot))
	}
}
