#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# scripts/policy.schema.json and `policy.sh check` accept and refuse the same files

bats_require_minimum_version 1.5.0

. "${BATS_TEST_DIRNAME}/../sandbox.bash"

setup() {
	skip_without "python3-jsonschema" python3 -c 'import jsonschema'
	ip link add eth0 type veth peer name veth0
}

# schema FILE...: those that it refuses
schema() {
	python3 - "$HM_TOP/scripts/policy.schema.json" "$@" <<-'EOF'
		import json, sys
		from jsonschema import Draft202012Validator as V
		schema = json.load(open(sys.argv[1]))
		V.check_schema(schema)
		for name in sys.argv[2:]:
		    if not V(schema).is_valid(json.load(open(name))):
		        print(name)
	EOF
}

# both accept|refuse: the rules on standard input, a line each
both() {
	local json n=0 i files=() refused rules=()
	# file RULES: a policy file, the last of FILES
	file() {
		files+=("$BATS_TEST_TMPDIR/${#files[@]}.json")
		printf '{"interfaces":{"lan":"eth0","wan":{"device":"veth0"}},"nexthops":{"a":{"dev":"wan","via":"10.0.0.1","via6":"fd00::1","vlan":5},"b":{"dev":"veth0","l2":true,"via":null},"c":{"dev":"veth0","vlan":"7","l2":"false"}},"rules":[%s]}' \
			"$1" >"${files[-1]}"
	}
	mapfile -t rules
	for json in "${rules[@]}"; do file "$json"; done
	refused=$(schema "${files[@]}")
	if [[ $1 == accept ]]; then
		equal "$refused" "" "refused"
	else
		equal "$(wc -l <<<"$refused")" "${#rules[@]}" "number of refused files"
	fi
	# check says it of each rule, also when there are more; of up to 20
	for (( ; n < ${#rules[@]}; n += 18)); do
		json=$(printf ',%s' "${rules[@]:n:18}")
		file "${json:1}"
		if [[ $1 == accept ]]; then
			run -0 "$HM_TOP/scripts/policy.sh" check "${files[-1]}"
			continue
		fi
		run -1 "$HM_TOP/scripts/policy.sh" check "${files[-1]}"
		for ((i = n; i < n + 18 && i < ${#rules[@]}; i++)); do
			equal "$(grep -cE ": rule $((i - n + 1))[: ]" <<<"$output" || true)" 1 "errors about ${rules[i]}"
		done
		equal "$(wc -l <<<"$output")" $((i - n)) "lines"
	done
}

@test "policy: the schema and check accept the same" {
	both accept <<-'EOF'
		{"priority":1,"action":"pass"}
		{"id":"a.b:c-d_5","priority":"0x10","match":{},"action":{"mark":"0xff"},"description":"x"}
		{"priority":4294967295,"match":{"src":"10.0.0.0/8","dst":"10.1.2.3","proto":"tcp","sport":0,"dport":"80-443","dscp":63,"mark":"0x10/0xf0","iif":"lan","vlan":4094,"fragment":false},"action":{"redirect":"a"},"fallback":"pass"}
		{"priority":1,"match":{"src":"fd00::/8","dst":"::1:2","proto":255,"vlan":"none","mark":7},"action":{"ecmp":{"a":1,"b":255}}}
		{"priority":1,"match":{"proto":"udplite","dscp":"AF42","vlan":"7"},"action":{"table":100,"mark":5},"fallback":"drop"}
		{"priority":1,"action":{"drop":true,"mark":1}}
		{"priority":1,"action":{"table":"0x10","mark":null},"fallback":null,"match":null,"id":null,"description":null}
		{"priority":1,"action":{"ecmp":{"a":"3"}},"match":{"src":null,"dst":null,"proto":null,"sport":null,"dport":null,"dscp":null,"mark":null,"iif":null,"vlan":null,"fragment":null}}
		{"priority":1,"action":{"pass":"true"},"match":{"fragment":"true","dport":null}}
	EOF
	# what the documentation shows
	sed -n '/^    {$/,/^    }$/p' "$HM_TOP/tc/README.md" | jq -s '.[]' >"$BATS_TEST_TMPDIR/doc.json"
	equal "$(jq '.rules | length' "$BATS_TEST_TMPDIR/doc.json")" 3 "rules in the example"
	equal "$(schema "$BATS_TEST_TMPDIR/doc.json")" "" "refused"
}

@test "policy: the schema and check refuse the same" {
	both refuse <<-'EOF'
		7
		{"action":"pass"}
		{"priority":1}
		{"priority":-1,"action":"pass"}
		{"priority":4294967296,"action":"pass"}
		{"priority":"high","action":"pass"}
		{"priority":1,"action":"reject"}
		{"priority":1,"action":["pass"]}
		{"priority":1,"action":{}}
		{"priority":1,"action":{"redirect":"a","table":5}}
		{"priority":1,"action":{"table":0}}
		{"priority":1,"action":{"table":"0x0"}}
		{"priority":1,"action":{"redirect":null}}
		{"priority":1,"action":"mark"}
		{"priority":1,"action":{"mark":null}}
		{"priority":1,"action":{"ecmp":["a"]}}
		{"priority":1.5,"action":"pass"}
		{"priority":1e300,"action":"pass"}
		{"priority":null,"action":"pass"}
		{"priority":1,"action":null}
		{"priority":1,"action":"pass","match":false}
		{"priority":1,"action":{"ecmp":{}}}
		{"priority":1,"action":{"ecmp":{"a":0}}}
		{"priority":1,"action":{"ecmp":{"a":256}}}
		{"priority":1,"action":{"pass":5}}
		{"priority":1,"action":{"mark":"red"}}
		{"priority":1,"action":"pass","fallback":"pass"}
		{"priority":1,"action":{"redirect":"a"},"fallback":"next"}
		{"priority":1,"action":"pass","id":"a b"}
		{"priority":1,"action":"pass","id":"sixteen.letters."}
		{"priority":1,"action":"pass","prio":3}
		{"priority":1,"action":"pass","match":{"dest":"10.0.0.1"}}
		{"priority":1,"action":"pass","match":[]}
		{"priority":1,"action":"pass","match":{"src":"10.0.0"}}
		{"priority":1,"action":"pass","match":{"src":["10.0.0.1"]}}
		{"priority":1,"action":"pass","match":{"src":"010.0.0.1"}}
		{"priority":1,"action":"pass","match":{"src":"10.0.0.0/08"}}
		{"priority":1,"action":"pass","match":{"dport":"080"}}
		{"priority":1,"action":"pass","match":{"mark":"0x10/010"}}
		{"priority":1,"action":"pass","match":{"dscp":"07"}}
		{"priority":1,"action":"pass","match":{"vlan":"07"}}
		{"priority":1,"action":"pass","match":{"proto":"06"}}
		{"priority":1,"action":{"table":"0100"}}
		{"priority":"01","action":"pass"}
		{"priority":1,"action":"pass","match":{"proto":"tpc"}}
		{"priority":1,"action":"pass","match":{"proto":256}}
		{"priority":1,"action":"pass","match":{"dport":65536}}
		{"priority":1,"action":"pass","match":{"sport":"80-"}}
		{"priority":1,"action":"pass","match":{"dscp":64}}
		{"priority":1,"action":"pass","match":{"dscp":"CS8"}}
		{"priority":1,"action":"pass","match":{"mark":"x"}}
		{"priority":1,"action":"pass","match":{"vlan":4095}}
		{"priority":1,"action":"pass","match":{"vlan":"all"}}
		{"priority":1,"action":"pass","match":{"fragment":1}}
	EOF
}
