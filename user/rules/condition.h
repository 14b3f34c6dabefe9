/* SPDX-License-Identifier: GPL-2.0-only */
/* condition.h - conditions about packets, and the rules of l2fwd's ports, which have one each */
#ifndef HOOKMAP_CONDITION_H
#define HOOKMAP_CONDITION_H

#include "rules.h"

/* Says what is wrong with the words, after WHERE. Returns false. */
bool condition_wrong(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void condition_at(const char *where);
/* N words into M. WITHOUT: those that this feature cannot judge. False, having said why. */
bool condition_read(struct match *m, char **word, int n, const char *without);
/* In hexadecimal, as bpftool takes it. */
void bytes_print(const void *value, size_t size);

/* rules match WORD...: struct match in hexadecimal */
int condition_main(int n, char **word, const char *without);

/*
 * rules words: the words that take a value, and those that do not, as two regular expressions;
 * also those that scripts deal with: "dev NAME", "vxlan N".
 */
int condition_words(void);

/* rules acl [WORD...], see acl.c */
struct acl_options {
	const char *file, *maps, *used;
	long del; /* priority, or -1 */
};
int acl_main(int n, char **word, const struct acl_options *opt);

#endif
