// SPDX-License-Identifier: GPL-2.0-only
/* saved.c - reads the output of `hookmap -j VERB`, for --since */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "saved.h"

struct json_object *saved_read(const char *path, const char *verb)
{
	struct json_object *top = NULL;
	struct stat st;
	int fd;

	file_answers(path);
	/* a pipe may be a command's output; a pipe without a writer is empty: do not wait for it */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st))
		fail("--since %s: %s", path, strerror(errno));
	else if ((!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode)) || fcntl(fd, F_SETFL, 0))
		fail("--since %s: neither a file nor a pipe", path);
	else if (!json_object_is_type(top = json_object_from_fd(fd), json_type_object))
		fail("--since %s: not the output of hookmap -j %s: no object", path, verb);
	else
		goto out;
	json_object_put(top);
	top = NULL;
out:
	if (fd >= 0)
		close(fd);
	return top;
}

struct json_object *saved_member(struct json_object *o, const char *key, enum json_type type)
{
	struct json_object *value;

	return json_object_is_type(o, json_type_object) &&
			       json_object_object_get_ex(o, key, &value) &&
			       json_object_is_type(value, type)
		       ? value
		       : NULL;
}

const char *saved_text(struct json_object *o, const char *key)
{
	return json_object_get_string(saved_member(o, key, json_type_string));
}

__u64 saved_number(struct json_object *o, const char *key)
{
	return json_object_get_uint64(saved_member(o, key, json_type_int));
}
