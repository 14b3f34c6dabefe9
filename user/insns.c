// SPDX-License-Identifier: GPL-2.0-only
/*
 * insns.c - hookmap progs --look ID[,ID...]: analyses the instructions of any program: the
 * values it can return, and whether it reads or writes skb->tc_index.
 *
 * The instructions are those after the verifier, where __sk_buff has become sk_buff. States are
 * followed along all branches until nothing changes: for each register its possible constants,
 * and whether it can be the context. A value that cannot be followed can be anything.
 *
 * JSON: {"rows": [{id, type, program, returns, tc_index}]}: returns is "-1", "0,-1", "?" (it
 * cannot be told); tc_index "-", "reads", "writes", "reads,writes" or "?".
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include "out.h"

/* The constants that matter, TC_ACT_UNSPEC to TC_ACT_TRAP, one bit each; one more for all
 * others. */
#define CONST_MIN -1
#define CONST_MAX 8
#define ANYTHING  (1U << (CONST_MAX - CONST_MIN + 1))

#define TC_INDEX_READ  1
#define TC_INDEX_WRITE 2

/* The state at an instruction; the first one is reached with only the context. */
struct state {
	__u16 value[MAX_BPF_REG]; /* 0: not written yet */
	__u16 ctx;		  /* registers that can be the context, one bit each */
	bool reached;
};

struct look {
	struct bpf_insn *insn;
	struct state *state;
	__u32 n;
	int tc_index; /* its offset in sk_buff; negative: not known */
	__u64 stack;  /* slots of 8 bytes that can hold the context */
	__u16 returns;
	unsigned uses; /* TC_INDEX_* */
	bool again;
};

static __u16 constant(__s32 n)
{
	return n < CONST_MIN || n > CONST_MAX ? ANYTHING : 1U << (n - CONST_MIN);
}

static void state_merge(struct look *l, __s64 at, const struct state *s)
{
	struct state *to;
	bool new;

	if (at < 0 || at >= l->n)
		return;
	to = &l->state[at];
	new = !to->reached || s->ctx & ~to->ctx;
	to->reached = true;
	to->ctx |= s->ctx;
	for (int r = 0; r < MAX_BPF_REG; r++) {
		new |= s->value[r] & ~to->value[r];
		to->value[r] |= s->value[r];
	}
	l->again |= new;
}

static void set(struct state *s, int reg, __u16 value, bool ctx)
{
	s->value[reg] = value;
	s->ctx = (s->ctx & ~(1U << reg)) | (unsigned)ctx << reg;
}

/* Arguments and result of a call; a function of the program itself is entered as well. */
static void look_call(struct look *l, __u32 at, struct state *s)
{
	const struct bpf_insn *i = &l->insn[at];

	/* as compiled, the distance is in off; 0 is not a distance */
	if (i->src_reg == BPF_PSEUDO_CALL && i->off) {
		struct state enter = *s;

		enter.value[BPF_REG_0] = 0;
		state_merge(l, (__s64)at + i->off + 1, &enter);
	} else if (i->src_reg == BPF_PSEUDO_CALL) {
		l->tc_index = -1;
	}
	if (!i->src_reg && i->imm == BPF_FUNC_tail_call)
		l->returns |= ANYTHING;
	for (int r = BPF_REG_0; r <= BPF_REG_5; r++)
		set(s, r, ANYTHING, false);
}

static void look_memory(struct look *l, const struct bpf_insn *i, struct state *s)
{
	bool load = BPF_CLASS(i->code) == BPF_LDX;
	int base = load ? i->src_reg : i->dst_reg;
	__u64 slot = base == BPF_REG_10 && i->off < 0 ? 1ULL << (-i->off - 1) / 8 % 64 : 0;

	if (s->ctx & 1U << base && i->off == l->tc_index && BPF_SIZE(i->code) == BPF_H)
		l->uses |= load ? TC_INDEX_READ : TC_INDEX_WRITE;
	if (load) {
		set(s, i->dst_reg, ANYTHING, l->stack & slot);
	} else if (BPF_CLASS(i->code) == BPF_STX && s->ctx & 1U << i->src_reg && slot & ~l->stack) {
		l->stack |= slot;
		l->again = true;
	}
}

/* Code that compilers generate for "a ? 2 : 0" and the like. */
static __s32 computed(int op, __s32 n, __s32 by)
{
	switch (op) {
	case BPF_MOV:
		return by;
	case BPF_LSH:
		return (__u32)n << (by & 31);
	case BPF_ADD:
		return n + by;
	case BPF_OR:
		return n | by;
	case BPF_AND:
		return n & by;
	}
	return CONST_MAX + 1;
}

static void look_alu(const struct bpf_insn *i, struct state *s)
{
	int op = BPF_OP(i->code), from = i->src_reg;
	__u16 was = s->value[i->dst_reg], value = was & ANYTHING;

	if (BPF_SRC(i->code) == BPF_X && op == BPF_MOV && !i->off) {
		set(s, i->dst_reg, s->value[from], s->ctx >> from & 1);
		return;
	}
	if (BPF_SRC(i->code) == BPF_X)
		value = ANYTHING;
	else if (op == BPF_MOV)
		value = constant(i->imm);
	for (int n = CONST_MIN; BPF_SRC(i->code) == BPF_K && n <= CONST_MAX; n++)
		if (was & constant(n))
			value |= constant(computed(op, n, i->imm));
	/* an address in the context, unless it is overwritten */
	set(s, i->dst_reg, value, op != BPF_MOV && s->ctx >> i->dst_reg & 1);
}

/* From one instruction to those that can follow. FIRST: of the function that was loaded. */
static void look_one(struct look *l, __u32 at, bool first)
{
	const struct bpf_insn *i = &l->insn[at];
	struct state s = l->state[at];
	int class = BPF_CLASS(i->code), op = BPF_OP(i->code);
	bool jump = class == BPF_JMP || class == BPF_JMP32;
	bool wide = class == BPF_LD && BPF_SIZE(i->code) == BPF_DW;

	if (jump && op == BPF_EXIT) {
		if (first)
			l->returns |= s.value[BPF_REG_0];
		return;
	}
	if (jump && op == BPF_JA) {
		state_merge(l, at + 1LL + (class == BPF_JMP32 ? i->imm : i->off), &s);
		return;
	}
	if (jump && op == BPF_CALL)
		look_call(l, at, &s);
	else if (jump)
		state_merge(l, at + 1LL + i->off, &s);
	else if (class == BPF_ALU || class == BPF_ALU64)
		look_alu(i, &s);
	else if (class == BPF_LDX || class == BPF_STX || class == BPF_ST)
		look_memory(l, i, &s);
	else if (wide) /* a constant in two instructions; a result is 32 bits of it */
		set(&s, i->dst_reg, i->src_reg ? ANYTHING : constant(i->imm), false);
	else
		set(&s, BPF_REG_0, ANYTHING, false);
	state_merge(l, at + (wide ? 2 : 1), &s);
}

/* The end of the loaded function: others follow, and each is called. */
static __u32 look_first(const struct look *l)
{
	__u32 end = l->n;

	for (__u32 at = 0; at < l->n; at++) {
		const struct bpf_insn *i = &l->insn[at];

		if (i->code == (BPF_JMP | BPF_CALL) && i->src_reg == BPF_PSEUDO_CALL &&
		    i->off > 0 && at + i->off + 1 < end && at < end)
			end = at + i->off + 1;
	}
	return end;
}

static int look_all(struct look *l)
{
	struct state start = { .ctx = 1U << BPF_REG_1 };
	__u32 first = look_first(l);

	l->state = calloc(l->n, sizeof(*l->state));
	if (!l->state)
		return -ENOMEM;
	state_merge(l, 0, &start);
	while (l->again) {
		l->again = false;
		for (__u32 at = 0; at < l->n; at++)
			if (l->state[at].reached)
				look_one(l, at, at < first);
	}
	free(l->state);
	return 0;
}

static int tc_index_offset(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int id = btf ? btf__find_by_name_kind(btf, "sk_buff", BTF_KIND_STRUCT) : -1, offset = -1;
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, id) : NULL;

	for (int i = 0; t && i < btf_vlen(t); i++) {
		const struct btf_member *m = btf_members(t) + i;
		const struct btf_type *in = btf__type_by_id(btf, m->type);
		__u32 at = btf_member_bit_offset(t, i) / 8;

		if (!strcmp(btf__name_by_offset(btf, m->name_off), "tc_index"))
			offset = at;
		/* since 5.18, fields are in a group: a union of a struct without a name and one
		 * with */
		while (in && !m->name_off && btf_is_union(in) && btf_vlen(in))
			in = btf__type_by_id(btf, btf_members(in)->type);
		for (int j = 0; in && !m->name_off && btf_is_struct(in) && j < btf_vlen(in); j++)
			if (!strcmp(btf__name_by_offset(btf, btf_members(in)[j].name_off),
				    "tc_index"))
				offset = at + btf_member_bit_offset(in, j) / 8;
	}
	btf__free(btf);
	return offset;
}

static const struct out_col cols[] = {
	{ "id", "ID", OUT_U64 },
	{ "type", "TYPE", OUT_STR },
	{ "program", "PROGRAM", OUT_STR },
	{ "returns", "RETURNS", OUT_STR },
	{ "tc_index", "TC_INDEX", OUT_STR },
};

static void show_returns(struct out *o, __u16 returns)
{
	char text[64] = "";
	size_t n = 0;

	for (int c = CONST_MIN; c <= CONST_MAX; c++)
		if (returns & constant(c))
			n += snprintf(text + n, sizeof(text) - n, "%s%d", n ? "," : "", c);
	out_str(o, !returns || returns & ANYTHING ? "?" : text);
}

static int look_prog(struct out *o, int fd, int tc_index)
{
	static const char *const uses[] = { "-", "reads", "writes", "reads,writes" };
	__u32 len = sizeof(struct bpf_prog_info);
	struct bpf_prog_info info = {};
	struct look l = { .tc_index = tc_index };
	const char *type;
	int err;

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return -errno;
	l.insn = calloc(1, info.xlated_prog_len + 1);
	if (!l.insn)
		return -ENOMEM;
	len = info.xlated_prog_len;
	memset(&info, 0, sizeof(info));
	info.xlated_prog_len = len;
	info.xlated_prog_insns = (__u64)(unsigned long)l.insn;
	len = sizeof(info);
	err = bpf_obj_get_info_by_fd(fd, &info, &len) ? -errno : 0;
	/* none: constants are blinded (bpf_jit_harden), or reading is not permitted */
	l.n = info.xlated_prog_insns ? info.xlated_prog_len / sizeof(*l.insn) : 0;
	if (!err && l.n)
		err = look_all(&l);
	type = libbpf_bpf_prog_type_str(info.type);
	if (!err) {
		out_row(o);
		out_u64(o, info.id);
		out_str(o, type ? type : "?");
		out_str(o, info.name);
		show_returns(o, l.returns);
		out_str(o, l.tc_index < 0 || !l.n ? "?" : uses[l.uses]);
	}
	free(l.insn);
	return err;
}

int insns_run(const struct options *opt, const char *look)
{
	int tc_index = tc_index_offset(), err = 0;
	const char *at = look;
	struct out *o;
	char *end;

	json_open(NULL, '{');
	o = OUT_ROWS(opt, "rows", NULL, cols);
	for (; *at; at = *end ? end + 1 : end) {
		unsigned long id = strtoul(at, &end, 10);
		int fd = end == at || (*end && *end != ',') ? -1 : bpf_prog_get_fd_by_id(id);

		if (fd < 0) {
			fail("--look %s: no program has this id", at);
			err = -ENOENT;
			break;
		}
		err = look_prog(o, fd, tc_index);
		close(fd);
		if (err) {
			fail("program %lu: %s", id, strerror(-err));
			break;
		}
	}
	out_end(o);
	json_close();
	return !!err;
}
