// SPDX-License-Identifier: GPL-2.0-only
/* main.c - the command line of the compiler; see scripts/policy.sh */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "../hookmap.h"
#include "condition.h"

static const char usage[] =
	"usage: rules check|batch|text|tables OPTION... NAME FILE [NAME FILE]...\n"
	"\n"
	"Compiles policy rules. Messages call FILE by NAME.\n"
	"  check    is it right, and which rules never apply? Prints nothing else\n"
	"  batch    commands for bpftool batch, which load the rules\n"
	"  text     the rules, a line each, the same for all ways of writing the same\n"
	"  tables   the first 16 routing tables that rules name\n"
	"  missing  the devices that they name and that are not there\n"
	"\n"
	"  match [WORD...]  a condition about packets, as struct match\n"
	"  words    the words of a condition: those with a value, those without\n"
	"  acl [WORD...]    rules of a port of l2fwd, on standard input and in words, as commands "
	"for\n"
	"           bpftool batch, after a line \"# PLACE COUNT\"\n"
	"\n"
	"  --without WORDS  match: words that cannot be judged\n"
	"  --file NAME  acl: of standard input, for messages\n"
	"  --del N      acl: the rule of this priority goes\n"
	"  --used LIST  acl: \"PLACE COUNT\" of each port's rules in l2_acl\n"
	"  --links FILE   what ip -j -d link says\n"
	"  --gone FILE    devices that may come again\n"
	"  --facts FILE   what rules may bypass, by policy_beside.sh\n"
	"  --cfg BYTES    pol_cfg as it is, in hexadecimal, as bpftool prints it\n"
	"  --cpus N       that there may be\n"
	"  --maps DIR     where maps are pinned\n"
	"  --pins DIR     where the set's own maps are made\n"
	"\n"
	"Exit status: 0, 1 if a file is wrong, 2 usage.\n";

static bool read_cfg(struct set *s, const char *text)
{
	__u8 *bytes = (__u8 *)&s->cfg;
	size_t n = 0;
	char *end;

	for (; *text; text = end + (*end == ' ')) {
		unsigned long byte = strtoul(text, &end, 16);

		if (end == text || byte > 255 || n >= sizeof(s->cfg))
			return false;
		bytes[n++] = byte;
	}
	/* always the inactive slot; 0 is not a generation */
	s->gen = s->cfg.gen == ~0U ? 2 : s->cfg.gen + 1;
	return !n || n == sizeof(s->cfg);
}

static void print_tables(const struct set *s)
{
	__u32 seen[16];
	int n = 0;

	for (size_t i = 0; i < s->n_rules && n < 16; i++) {
		const struct rule *r = &s->rules[i];
		int k = 0;

		if (r->bad || r->action != POL_TABLE)
			continue;
		while (k < n && seen[k] != r->arg)
			k++;
		if (k < n)
			continue;
		seen[n++] = r->arg;
		printf("%u\n", r->arg);
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "links", 1, NULL, 'l' },
		{ "facts", 1, NULL, 'f' },
		{ "gone", 1, NULL, 'g' },
		{ "cfg", 1, NULL, 'c' },
		{ "cpus", 1, NULL, 'n' },
		{ "maps", 1, NULL, 'm' },
		{ "pins", 1, NULL, 'p' },
		{ "help", 0, NULL, 'h' },
		{ "without", 1, NULL, 'w' },
		{ "file", 1, NULL, 'F' },
		{ "del", 1, NULL, 'd' },
		{ "used", 1, NULL, 'u' },
		{},
	};
	/* by the letter of the option */
	const char *given[128] = {
		['c'] = "", ['m'] = "", ['n'] = "1", ['p'] = "", ['u'] = "", ['w'] = ""
	};
	struct acl_options acl;
	const char *mode;
	/* static: in use until the end, so not a leak */
	static struct source *files;
	static struct set s;
	int opt;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		if (opt == '?')
			return 2;
		if (opt == 'h') {
			fputs(usage, stdout);
			return 0;
		}
		given[opt] = optarg;
	}
	mode = argv[optind++];
	if (mode && !strcmp(mode, "words"))
		return condition_words();
	if (mode && !strcmp(mode, "match"))
		return condition_main(argc - optind, argv + optind, given['w']);
	acl = (struct acl_options){ .maps = given['m'], .file = given['F'], .used = given['u'] };
	acl.del = given['d'] ? parse_number(given['d'], 65535) : -1;
	if (mode && !strcmp(mode, "acl"))
		return acl_main(argc - optind, argv + optind, &acl);
	if (!mode || !given['l'] || argc == optind || (argc - optind) % 2) {
		fputs(usage, stderr);
		return 2;
	}
	if (!read_cfg(&s, given['c'])) {
		fprintf(stderr, "rules: --cfg %s: expected %zu bytes\n", given['c'], sizeof(s.cfg));
		return 2;
	}
	if (!read_links(&s, given['l'])) {
		char name[TEXT_MAX];

		fprintf(stderr, "rules: %s is not what ip -j link prints\n",
			text_plain(given['l'], name, sizeof(name)));
		return 1;
	}
	if (given['g'])
		read_gone(&s, given['g']);
	s.list_missing = !strcmp(mode, "missing");
	s.files = (argc - optind) / 2;
	files = zalloc(s.files, sizeof(*files));
	for (size_t i = 0; i < s.files; i++) {
		files[i].name = argv[optind + 2 * i];
		if (!read_file(&s, &files[i], argv[optind + 2 * i + 1]))
			return 1;
	}
	read_done(&s);
	if (!strcmp(mode, "missing"))
		return errors > 0;
	if (!strcmp(mode, "tables"))
		print_tables(&s);
	if (!strcmp(mode, "tables") || errors)
		return errors > 0;
	if (!strcmp(mode, "text")) {
		text_print(&s);
		return 0;
	}
	if (s.n_rules > limit(s.cfg.max_rules, POL_RULES_MAX))
		return !wrong(&files[0], "rules", "number",
			      "%zu, but the limit set at attach is %u (attach.sh --max-rules)",
			      s.n_rules, limit(s.cfg.max_rules, POL_RULES_MAX));
	if (!ranges_place(&s) || !tuples_make(&s))
		return 1;
	if (given['f'])
		beside(&s, given['f']);
	if (errors)
		return 1;
	if (!strcmp(mode, "check"))
		shadows(&s);
	else if (!batch(&s, atoi(given['n']), given['m'], given['p']))
		return 1;
	return fflush(stdout) ? 1 : 0;
}
