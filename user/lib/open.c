// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "open.h"

#include <errno.h>
#include <stdlib.h>

int saxdp_open(const char *instance, struct saxdp **ret)
{
	struct saxdp *s;
	int err;

	s = calloc(1, sizeof(*s));
	if (!s)
		return fail(-ENOMEM, "open: out of memory");
	err = instance_get(instance, INSTANCE_READ, &s->inst);
	if (err) {
		free(s);
		return err;
	}
	*ret = s;
	return 0;
}

int saxdp_open_session(HANDLE engine, struct saxdp **ret)
{
	struct session *session;
	struct saxdp *s;

	if (session_get(engine, &session))
		return -EBADF;
	s = calloc(1, sizeof(*s));
	if (s)
		s->inst = instance_ref(session->inst);
	session_put(session);
	if (!s)
		return fail(-ENOMEM, "open: out of memory");
	*ret = s;
	return 0;
}

void saxdp_close(struct saxdp *s)
{
	if (!s)
		return;
	instance_put(s->inst);
	free(s);
}
