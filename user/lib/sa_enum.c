// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Enumerations of SA contexts and of the SAs in them; one snapshot of contexts serves both. */
#include <errno.h>
#include <stdlib.h>

#include "enumeration.h"
#include "sa_stored.h"
#include "sa_template.h"

struct sa_place {
	uint32_t context; /* in the snapshot */
	uint8_t direction;
};

struct sa_enum {
	struct sa_snapshot snapshot;
	struct list sas; /* struct sa_place; only in an enumeration of SAs */
};

static void sa_enum_free(void *x)
{
	struct sa_enum *e = x;

	if (!e)
		return;
	sa_snapshot_clear(&e->snapshot);
	list_clear(&e->sas);
	free(e);
}

static bool template_matches(const void *ctx, const struct saxdp_context *c)
{
	return sa_template_matches(ctx, c);
}

static int sa_enum_new(struct session *s, const struct sa_template *t, struct sa_enum **ret)
{
	struct view v = VIEW_SESSION_INIT(s);
	struct sa_enum *e = calloc(1, sizeof(*e));
	int err;

	if (!e)
		return -ENOMEM;
	e->snapshot.quirks = s->quirks;
	do {
		sa_snapshot_clear(&e->snapshot);
		err = view_begin(&v);
		if (err)
			break;
		err = sa_snapshot_all(&e->snapshot, &v, template_matches, t);
	} while (view_again(&v, &err));
	if (err)
		sa_enum_free(e);
	else
		*ret = e;
	return err;
}

/* The frame of Enum and DestroyEnumHandle. */
static DWORD enum_next(HANDLE engine, const struct snapshot_ops *ops, HANDLE handle,
		       unsigned int form, UINT32 requested, void ***ret, UINT32 *ret_count)
{
	struct sa_call c;
	int err;

	err = sa_call_begin(&c, engine, 0,
			    !ret       ? "entries" :
			    !ret_count ? "numEntriesReturned" :
					 NULL);
	if (err)
		return fwp_result(err);
	return sa_call_end(&c, enumeration_next(c.session, ops, handle, form, requested, ret,
						ret_count));
}

static DWORD enum_destroy(HANDLE engine, const struct snapshot_ops *ops, HANDLE handle)
{
	struct sa_call c;
	int err;

	err = sa_call_begin(&c, engine, 0, NULL);
	if (err)
		return fwp_result(err);
	return sa_call_end(&c, enumeration_close(c.session, ops, handle));
}

/* --- contexts ------------------------------------------------------------------------------------ */

static int context_entry(const void *x, size_t index, unsigned int form, struct out *o, void **ret)
{
	const struct sa_enum *e = x;
	const struct sa_stored *c = e->snapshot.contexts.element;

	return sa_context_out(&c[index], e->snapshot.quirks, form, o, ret);
}

static const struct snapshot_ops contexts_ops = { context_entry, sa_enum_free };

static int contexts_open(struct session *s, const IPSEC_SA_CONTEXT_ENUM_TEMPLATE0 *given,
			 HANDLE *ret)
{
	struct sa_template t;
	struct sa_enum *e;
	int err;

	err = sa_template_check(given, &t);
	if (!err)
		err = sa_enum_new(s, &t, &e);
	if (err)
		return err;
	err = enumeration_open(s, &contexts_ops, e, e->snapshot.contexts.count, ret);
	if (err)
		sa_enum_free(e);
	return err;
}

DWORD IPsecSaContextCreateEnumHandle0(HANDLE engineHandle,
				      const IPSEC_SA_CONTEXT_ENUM_TEMPLATE0 *enumTemplate,
				      HANDLE *enumHandle)
{
	struct sa_call c;
	int err;

	err = sa_call_begin(&c, engineHandle, 0, enumHandle ? NULL : "enumHandle");
	if (err)
		return fwp_result(err);
	return sa_call_end(&c, contexts_open(c.session, enumTemplate, enumHandle));
}

DWORD IPsecSaContextEnum0(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
			  IPSEC_SA_CONTEXT0 ***entries, UINT32 *numEntriesReturned)
{
	return enum_next(engineHandle, &contexts_ops, enumHandle, 0, numEntriesRequested,
			 (void ***)entries, numEntriesReturned);
}

DWORD IPsecSaContextEnum1(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
			  IPSEC_SA_CONTEXT1 ***entries, UINT32 *numEntriesReturned)
{
	return enum_next(engineHandle, &contexts_ops, enumHandle, 1, numEntriesRequested,
			 (void ***)entries, numEntriesReturned);
}

DWORD IPsecSaContextDestroyEnumHandle0(HANDLE engineHandle, HANDLE enumHandle)
{
	return enum_destroy(engineHandle, &contexts_ops, enumHandle);
}

/* --- SAs ------------------------------------------------------------------------------------------- */

static int sa_entry(const void *x, size_t index, unsigned int form, struct out *o, void **ret)
{
	const struct sa_enum *e = x;
	const struct sa_stored *c = e->snapshot.contexts.element;
	const struct sa_place *place = (const struct sa_place *)e->sas.element + index;

	return sa_details_out(&c[place->context], place->direction, e->snapshot.quirks, form, o,
			      ret);
}

static const struct snapshot_ops sas_ops = { sa_entry, sa_enum_free };

static int sas_collect(struct sa_enum *e, const IPSEC_SA_ENUM_TEMPLATE0 *given)
{
	const struct sa_stored *c = e->snapshot.contexts.element;
	struct sa_place *place;

	e->sas.size = sizeof(*place);
	for (size_t i = 0; i < e->snapshot.contexts.count; i++) {
		for (uint8_t direction = SAXDP_INBOUND; direction <= SAXDP_OUTBOUND; direction++) {
			FWP_DIRECTION shown = direction == SAXDP_INBOUND ? FWP_DIRECTION_INBOUND :
									   FWP_DIRECTION_OUTBOUND;

			if (!c[i].has[direction] || (given && given->saDirection != shown))
				continue;
			place = list_add(&e->sas);
			if (!place)
				return -ENOMEM;
			*place = (struct sa_place){ i, direction };
		}
	}
	return 0;
}

static int sas_open(struct session *s, const IPSEC_SA_ENUM_TEMPLATE0 *given, HANDLE *ret)
{
	const struct sa_template all = {};
	struct sa_enum *e;
	int err;

	if (given && given->saDirection != FWP_DIRECTION_OUTBOUND &&
	    given->saDirection != FWP_DIRECTION_INBOUND)
		return fail(FWP(FWP_E_INVALID_ENUMERATOR), "template: saDirection %d",
			    given->saDirection);
	err = sa_enum_new(s, &all, &e);
	if (err)
		return err;
	err = sas_collect(e, given);
	if (!err)
		err = enumeration_open(s, &sas_ops, e, e->sas.count, ret);
	if (err)
		sa_enum_free(e);
	return err;
}

DWORD IPsecSaCreateEnumHandle0(HANDLE engineHandle, const IPSEC_SA_ENUM_TEMPLATE0 *enumTemplate,
			       HANDLE *enumHandle)
{
	struct sa_call c;
	int err;

	err = sa_call_begin(&c, engineHandle, 0, enumHandle ? NULL : "enumHandle");
	if (err)
		return fwp_result(err);
	return sa_call_end(&c, sas_open(c.session, enumTemplate, enumHandle));
}

DWORD IPsecSaEnum0(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
		   IPSEC_SA_DETAILS0 ***entries, UINT32 *numEntriesReturned)
{
	return enum_next(engineHandle, &sas_ops, enumHandle, 0, numEntriesRequested,
			 (void ***)entries, numEntriesReturned);
}

DWORD IPsecSaEnum1(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
		   IPSEC_SA_DETAILS1 ***entries, UINT32 *numEntriesReturned)
{
	return enum_next(engineHandle, &sas_ops, enumHandle, 1, numEntriesRequested,
			 (void ***)entries, numEntriesReturned);
}

DWORD IPsecSaDestroyEnumHandle0(HANDLE engineHandle, HANDLE enumHandle)
{
	return enum_destroy(engineHandle, &sas_ops, enumHandle);
}
