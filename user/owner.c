// SPDX-License-Identifier: GPL-2.0-only
/*
 * owner.c - the owner of a process, by its cgroup: a container, a virtual machine or a systemd
 * unit. No daemon is involved: the names of containers and pods come from the runtimes' state
 * files.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "hookmap.h"

#define ID_LEN	 64 /* hexadecimal digits of a container's id */
#define ID_SHORT 12

/* TEXT of an object: the member KEY, or NULL. */
static const char *member(struct json_object *o, const char *key)
{
	return json_object_get_string(json_object_object_get(o, key));
}

/* Docker keeps one file per container. */
static bool docker_name(const char *id, char *buf, size_t size)
{
	struct json_object *top;
	const char *name;
	char path[256];

	snprintf(path, sizeof(path), "/var/lib/docker/containers/%.64s/config.v2.json", id);
	top = json_object_from_file(path);
	name = member(top, "Name");
	if (name)
		snprintf(buf, size, "%s", name + (*name == '/'));
	json_object_put(top);
	return name;
}

/* Podman keeps one list of all containers. */
static bool podman_name(const char *id, char *buf, size_t size)
{
	struct json_object *top = json_object_from_file(
		"/var/lib/containers/storage/overlay-containers/containers.json");
	size_t n = json_object_is_type(top, json_type_array) ? json_object_array_length(top) : 0;
	bool found = false;

	for (size_t i = 0; i < n && !found; i++) {
		struct json_object *one = json_object_array_get_idx(top, i), *names;
		const char *its = member(one, "id");

		names = json_object_object_get(one, "names");
		found = its && !strncmp(its, id, ID_LEN) &&
			json_object_is_type(names, json_type_array) &&
			json_object_array_length(names);
		if (found)
			snprintf(buf, size, "%s",
				 json_object_get_string(json_object_array_get_idx(names, 0)));
	}
	json_object_put(top);
	return found;
}

/* Kubernetes: containerd and CRI-O note the pod in the container's OCI configuration. */
static bool pod_name(const char *id, char *buf, size_t size)
{
	static const struct {
		const char *path, *space, *pod;
	} runtimes[] = {
		{ "/run/containerd/io.containerd.runtime.v2.task/k8s.io/%.64s/config.json",
		  "io.kubernetes.cri.sandbox-namespace", "io.kubernetes.cri.sandbox-name" },
		{ "/run/containers/storage/overlay-containers/%.64s/userdata/config.json",
		  "io.kubernetes.pod.namespace", "io.kubernetes.pod.name" },
	};
	bool found = false;

	for (size_t i = 0; i < sizeof(runtimes) / sizeof(runtimes[0]) && !found; i++) {
		struct json_object *top, *notes;
		const char *space, *pod;
		char path[256];

		snprintf(path, sizeof(path), runtimes[i].path, id);
		top = json_object_from_file(path);
		notes = json_object_object_get(top, "annotations");
		space = member(notes, runtimes[i].space);
		pod = member(notes, runtimes[i].pod);
		found = space && pod;
		if (found)
			snprintf(buf, size, "%s/%s", space, pod);
		json_object_put(top);
	}
	return found;
}

/* The id in a part of a cgroup's path such as docker-ID.scope, or NULL. */
static const char *id_of(const char *part, size_t len)
{
	const char *id;

	if (len > 6 && !strncmp(part + len - 6, ".scope", 6))
		len -= 6;
	if (len < ID_LEN)
		return NULL;
	id = part + len - ID_LEN;
	for (size_t i = 0; i < ID_LEN; i++) {
		if (!isxdigit((unsigned char)id[i]))
			return NULL;
	}
	return id == part || id[-1] == '-' || id[-1] == ':' ? id : NULL;
}

static bool starts(const char *part, const char *with)
{
	return !strncmp(part, with, strlen(with));
}

static bool ends(const char *part, size_t len, const char *with)
{
	size_t n = strlen(with);

	return len > n && !strncmp(part + len - n, with, n);
}

/*
 * The owner of a cgroup. The path is read from the root on, and the first owner counts: the
 * later names were chosen by that owner. Users choose names freely, so below user@UID.service no
 * runtime file is read, and the name begins with the user.
 */
static bool path_owner(const char *path, char *buf, size_t size)
{
	const char *user = NULL, *id;
	int uid = 0;

	for (size_t len; *path; path += len) {
		path += *path == '/';
		len = strcspn(path, "/");
		id = id_of(path, len);
		if (id && user)
			snprintf(buf, size, "user-%.*s/%.*s", uid, user, ID_SHORT, id);
		else if (id && !docker_name(id, buf, size) && !pod_name(id, buf, size) &&
			 !podman_name(id, buf, size))
			snprintf(buf, size, "%.*s", ID_SHORT, id);
		if (id)
			return true;
		if (starts(path, "lxc.payload.") || starts(path, "machine-")) {
			const char *name =
				path + (*path == 'l' ? strlen("lxc.payload.") : strlen("machine-"));
			int n = (int)(path + len - name) - (ends(path, len, ".scope") ? 6 : 0);

			snprintf(buf, size, "%.*s", n, name);
			if (n > 0 && !ends(path, len, ".slice"))
				return true;
		}
		if (starts(path, "user@") && ends(path, len, ".service")) {
			user = path + strlen("user@");
			uid = (int)(len - strlen("user@") - strlen(".service"));
		} else if (ends(path, len, ".service") ||
			   (ends(path, len, ".scope") && !starts(path, "init.scope"))) {
			if (user)
				snprintf(buf, size, "user-%.*s/%.*s", uid, user, (int)len, path);
			else
				snprintf(buf, size, "%.*s", (int)len, path);
			return true;
		}
	}
	return false;
}

bool owner_name(int pid, char *buf, size_t size)
{
	char path[64], line[4096], *at;
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	f = fopen(path, "re");
	/* HIERARCHY:CONTROLLERS:PATH; with v1, any of them may have it */
	while (f && !found && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		at = strchr(line, ':');
		at = at ? strchr(at + 1, ':') : NULL;
		found = at && path_owner(at + 1, buf, size);
	}
	if (f)
		fclose(f);
	return found;
}
