// SPDX-License-Identifier: GPL-2.0-only
/*
 * front.c - runs scripts: `hookmap attach eth0` is `hookmap-attach eth0`, `hookmap fdb add ...` is
 * `hookmap-fdb add ...`, and `hookmap status` is `hookmap-status`. These words name a script: a
 * word that is not a verb of the reader, a verb followed by one of its commands, and a verb that
 * its script shows. The script is beside an installed reader, or in scripts/ beside build/; with
 * another build directory, none is run. The reader itself changes nothing. Its hints use the
 * scripts' names at that place.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "verb.h"

static bool front_word(const char *word)
{
	return *word && strspn(word, "abcdefghijklmnopqrstuvwxyz-") == strlen(word) && *word != '-';
}

/* Are the words after verb V for its script? */
static bool front_script(const struct verb *v, char **word)
{
	bool options = false;

	for (char **each = word; v->script && *each; each++) {
		if (one_of(v->script, *each))
			return true;
		options |= **each == '-';
	}
	if (v->script && !options)
		return true;
	while (*word && !(v->commands && one_of(v->commands, *word)))
		word++;
	return *word;
}

/* The folder of the running file, in DIR; its length, or -1. */
static int front_dir(char *dir, size_t size)
{
	ssize_t len = readlink("/proc/self/exe", dir, size - 1);

	if (len < 0)
		return -1;
	dir[len] = 0;
	return strrchr(dir, '/') - dir;
}

void front_text(char *text)
{
	char dir[4096], path[4400], *at, *end;
	int len = front_dir(dir, sizeof(dir));

	if (len < 0) /* no /proc */
		return;
	snprintf(path, sizeof(path), "%.*s/hookmap-attach", len, dir);
	if (access(path, X_OK))
		return;
	/* both prefixes are eight characters */
	while ((at = strstr(text, "scripts/")) && (end = strstr(at, ".sh"))) {
		memcpy(at, "hookmap-", strlen("hookmap-"));
		memmove(end, end + strlen(".sh"), strlen(end + strlen(".sh")) + 1);
	}
}

void front_exec(char **argv)
{
	static const char *const places[] = { "%.*s/hookmap-%s", "%.*s/../scripts/%s.sh" };
	char dir[4096], path[4400];
	int len;

	for (const struct verb *v = verbs; v; v = v->next) {
		if (!strcmp(argv[1], v->name) && !front_script(v, argv + 2))
			return;
	}
	len = front_dir(dir, sizeof(dir));
	if (len < 0 || !front_word(argv[1]))
		return;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(path, sizeof(path), places[i], (int)len, dir, argv[1]);
		if (i && (len < 6 || strncmp(dir + len - 6, "/build", 6)))
			continue;
		if (access(path, X_OK))
			continue;
		argv[1] = path;
		execv(path, argv + 1);
		fail("%s: %s", path, strerror(errno));
		return;
	}
}
