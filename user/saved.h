/* SPDX-License-Identifier: GPL-2.0-only */
/* saved.h - files that `hookmap -j VERB` printed, for --since */
#ifndef HOOKMAP_SAVED_H
#define HOOKMAP_SAVED_H

#include <json-c/json.h>

#include "hookmap.h"

/* The document in the file, or NULL, having printed why; json_object_put() frees it. VERB, with
 * its options, printed it. */
struct json_object *saved_read(const char *path, const char *verb);
/* The member KEY of O if it is of that type, else NULL. */
struct json_object *saved_member(struct json_object *o, const char *key, enum json_type type);
/* The same, as text (or NULL) and as a number (or 0). */
const char *saved_text(struct json_object *o, const char *key);
__u64 saved_number(struct json_object *o, const char *key);

#endif
