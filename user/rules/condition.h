/* SPDX-License-Identifier: GPL-2.0-only */
/* condition.h - conditions about packets, and rules of l2fwd's ports, each with one condition */
#ifndef HOOKMAP_CONDITION_H
#define HOOKMAP_CONDITION_H

#include "rules.h"

/* Prints what is wrong with the words, after WHERE. Returns false. */
bool condition_wrong(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void condition_at(const char *where);
/* Compiles N words to M. WITHOUT: words that this feature does not support. False, having printed
 * why. */
bool condition_read(struct match *m, char **word, int n, const char *without);
/* In hexadecimal, as bpftool takes it. */
void bytes_print(const void *value, size_t size);

/* rules match WORD...: struct match in hexadecimal */
int condition_main(int n, char **word, const char *without);

/*
 * rules words: words with and without a value, as two regular expressions; also those that
 * scripts handle: "dev NAME", "vxlan N".
 */
int condition_words(void);

/* rules acl [WORD...], see acl.c */
struct acl_options {
	const char *file, *maps, *used;
	long del; /* priority, or -1 */
};
int acl_main(int n, char **word, const struct acl_options *opt);

#endif
