#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Every program there is: its instructions, those that the verifier has gone through
# (neither has noise), and for packet programs ns a run on one UDP datagram, with empty
# maps, against an empty program of the same kind in the same run.

# shellcheck source=tests/bench/lib.bash
. "$(dirname -- "$(readlink -f -- "$0")")/lib.bash"
sandboxed "$@"
bench_dir
LACKING=()
# shellcheck source=tests/has.bash
. "$HM_TOP/tests/has.bash"
# shellcheck source=tests/objects.bash
. "$HM_TOP/tests/objects.bash"
G=/sys/fs/bpf/tc/globals
mkdir -p /sys/fs/bpf/t "$BENCH_DIR/pins"
printf '%b' "$(sed 's/#.*//; s/ //g; s/../\\x&/g' "$HM_TOP/tests/packets/ipv4-udp.hex" | tr -d '\n')" >"$PACKET"

head_row "programs: instructions, and what the verifier went through"
NAMES=() KINDS=()
for folder in xdp tc iptables kern; do
	objects "$folder" || continue
	for object in "${OBJECTS[@]}"; do
		MAPS=()
		[[ $folder == xdp || $folder == tc ]] || shared_maps "$object"
		case $folder in
		xdp) MAPS+=(type xdp) ;;
		iptables) MAPS+=(type socket) ;;
		esac
		base=$(basename "$object" .o)
		pins=/sys/fs/bpf/p_${folder}_$base
		bpftool -n prog loadall "$object" "$pins" "${MAPS[@]}" 2>/dev/null || {
			printf '%s cannot be loaded here\n' "$folder/$base"
			continue
		}
		while read -r section name; do
			[[ -e $pins/$name ]] || continue
			read -r insns jited <<<"$(bpftool -j prog show pinned "$pins/$name" | jq -r '"\(.bytes_xlated / 8) \(.bytes_jited // 0)"')"
			verified=$("$HM_BUILD/tests/verified" "$pins/$name")
			row "$folder/$base $name: size" "$insns" 0 insns "$jited bytes of machine code"
			row "$folder/$base $name: verifier" "$verified" 0 insns "$(calc "$verified / $insns") times its size"
			case $folder/$section in
			xdp/xdp/*map*) ;;
			xdp/* | tc/* | iptables/* | kern/cgroup_skb/*)
				NAMES+=("$folder/$base $name") KINDS+=("$folder $pins/$name")
				;;
			esac
		done < <(programs "$object")
	done
done

# hello prints a line a frame for the whole machine
bpftool -n prog loadall "$HM_BUILD/tests/bpf/latency_cost.o" /sys/fs/bpf/p_empty
for ((round = 0; round < ROUNDS; round++)); do
	note empty.xdp "$(run_ns /sys/fs/bpf/p_empty/cost_xdp_empty 200000)"
	note empty.tc "$(run_ns /sys/fs/bpf/p_empty/cost_empty 200000)"
	for i in "${!NAMES[@]}"; do
		[[ ${NAMES[i]} != *hello* ]] || continue
		note "run.$i" "$(run_ns "${KINDS[i]#* }" 200000)"
	done
done
head_row "programs: ns a run on a UDP datagram, empty maps, by BPF_PROG_RUN"
figure "empty XDP program" empty.xdp ns
figure "empty tc program" empty.tc ns
for i in "${!NAMES[@]}"; do
	[[ ${NAMES[i]} != *hello* ]] || continue
	empty=empty.tc
	[[ ${KINDS[i]} != xdp* ]] || empty=empty.xdp
	figure "${NAMES[i]}" "run.$i" ns "$empty" "an empty program"
done
