// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Change lists: what an operation holds, where they stand, and how they are found and taken back. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#include "check.h"

enum {
	SLOT = 3,
	MANY = 5000,
	KEYS = 64, /* of a random list: few, so that they repeat */
	ROUNDS = 200,
	SEED = 20261124,
};

struct list_test {
	struct instance inst;
	struct session session;
	struct change change;
};

/* A session's part of `staging`, and no kernel. */
static int setup(void **state)
{
	static struct list_test t;

	t = (struct list_test){ .session = { .inst = &t.inst, .slot = SLOT } };
	t.inst.staging = calloc(SAXDP_STAGING_HEAD + (SLOT + 2) * SAXDP_SESSION_OPS,
				sizeof(*t.inst.staging));
	require(t.inst.staging, "out of memory");
	/* What a list leaves undefined must not be what was there. */
	memset(t.inst.staging, 0xa5,
	       (SAXDP_STAGING_HEAD + (SLOT + 2) * SAXDP_SESSION_OPS) * sizeof(*t.inst.staging));
	change_init(&t.change, &t.session, SAXDP_EPOCH_POLICY);
	*state = &t;
	return 0;
}

static int teardown(void **state)
{
	struct list_test *t = *state;

	change_release(&t->change);
	free(t->inst.staging);
	return 0;
}

static struct saxdp_op *staging_of(const struct list_test *t, uint32_t slot)
{
	return t->inst.staging + SAXDP_STAGING_HEAD + slot * SAXDP_SESSION_OPS;
}

static const uint8_t zeros[SAXDP_OP_KEY];

static void require_op(const struct saxdp_op *op, enum saxdp_op_code code, enum saxdp_kind kind,
		       const void *key)
{
	size_t size = kind_key_size(kind);

	assert_int_equal(op->code, code);
	assert_int_equal(op->kind, kind);
	assert_int_equal(op->done, 0);
	assert_int_equal(op->place, 0);
	assert_int_equal(op->saved, 0);
	assert_memory_equal(op->key, key, size);
	/* The program compares and copies whole keys: nothing of an earlier list behind it. */
	assert_memory_equal(op->key + size, zeros, sizeof(op->key) - size);
}

static void operation_holds_what_was_said(void **state)
{
	struct list_test *t = *state;
	struct change *c = &t->change;
	struct saxdp_selector6_key selector = { .layer = 1, .local_port = 7 };
	struct saxdp_candidate candidate = { .filter = 11, .weight = 12 };
	struct saxdp_filter filter = { .weight = 1234, .owner_slot = 5 };
	struct saxdp_tunnel_key tunnel = { .policy = 9, .zero = 0 };
	struct saxdp_guid_key name = { .kind = SAXDP_KIND_FILTER };
	struct saxdp_mask_set masks = { .count = 2 };
	struct saxdp_bundle bundle = { .mm_sa_id = 77 };
	struct saxdp_bucket bucket = {};
	GUID guid = { .Data1 = 0x12345678 };
	uint64_t id = 42;
	uint32_t element = 3, slot = 17;

	memcpy(name.guid, &guid, sizeof(guid));
	bucket.candidate[0] = candidate;
	change_insert(c, SAXDP_KIND_FILTER, &id, &filter);
	change_ensure(c, SAXDP_KIND_FILTER, &id, &filter);
	change_die(c, SAXDP_KIND_FILTER, &id);
	change_word(c, SAXDP_OP_EXPECT, SAXDP_KIND_FILTER, &id, 64, 99);
	change_write(c, SAXDP_KIND_MASK, element, 4, &masks, 8);
	change_fill(c, id, offsetof(struct saxdp_context, inbound), &bundle, sizeof(bundle));
	change_serve(c, &tunnel, id);
	change_candidate_add(c, SAXDP_KIND_SELECTOR6, &selector, &candidate);
	change_candidate_die(c, SAXDP_KIND_SELECTOR6, &selector, 11);
	change_guid(c, SAXDP_OP_GUID_ADD, SAXDP_KIND_FILTER, &guid, id);
	change_guid(c, SAXDP_OP_GUID_DIE, SAXDP_KIND_FILTER, &guid, id);
	change_put(c, SAXDP_KIND_SESSION, &slot, &(struct saxdp_session){ .id = 6 });
	change_remove(c, SAXDP_KIND_VIRTUAL_IF, &id);
	assert_int_equal(c->err, 0);
	assert_int_equal(c->count, 13);

	require_op(&c->op[0], SAXDP_OP_INSERT, SAXDP_KIND_FILTER, &id);
	assert_memory_equal(c->op[0].value, &filter, sizeof(filter));
	require_op(&c->op[1], SAXDP_OP_ENSURE, SAXDP_KIND_FILTER, &id);
	assert_memory_equal(c->op[1].value, &filter, sizeof(filter));
	require_op(&c->op[2], SAXDP_OP_DIE, SAXDP_KIND_FILTER, &id);
	require_op(&c->op[3], SAXDP_OP_EXPECT, SAXDP_KIND_FILTER, &id);
	assert_int_equal(c->op[3].offset, 64);
	assert_int_equal(c->op[3].word, 99);
	require_op(&c->op[4], SAXDP_OP_WRITE, SAXDP_KIND_MASK, &element);
	assert_int_equal(c->op[4].offset, 4);
	assert_int_equal(c->op[4].length, 8);
	assert_memory_equal(c->op[4].value, &masks, 8);
	require_op(&c->op[5], SAXDP_OP_FILL, SAXDP_KIND_CONTEXT, &id);
	assert_int_equal(c->op[5].offset, offsetof(struct saxdp_context, inbound));
	assert_int_equal(c->op[5].length, sizeof(bundle));
	assert_memory_equal(c->op[5].value, &bundle, sizeof(bundle));
	require_op(&c->op[6], SAXDP_OP_SERVE, SAXDP_KIND_TUNNEL, &tunnel);
	assert_int_equal(c->op[6].word, id);
	require_op(&c->op[7], SAXDP_OP_CANDIDATE_ADD, SAXDP_KIND_SELECTOR6, &selector);
	assert_memory_equal(c->op[7].value, &bucket, sizeof(bucket));
	require_op(&c->op[8], SAXDP_OP_CANDIDATE_DIE, SAXDP_KIND_SELECTOR6, &selector);
	assert_int_equal(c->op[8].word, 11);
	require_op(&c->op[9], SAXDP_OP_GUID_ADD, SAXDP_KIND_KEY, &name);
	assert_int_equal(c->op[9].word, id);
	require_op(&c->op[10], SAXDP_OP_GUID_DIE, SAXDP_KIND_KEY, &name);
	require_op(&c->op[11], SAXDP_OP_PUT, SAXDP_KIND_SESSION, &slot);
	require_op(&c->op[12], SAXDP_OP_REMOVE, SAXDP_KIND_VIRTUAL_IF, &id);
}

/* A single call stages where the program reads: no copy, and nobody else's part is touched. */
static void short_list_stands_in_the_sessions_staging(void **state)
{
	struct list_test *t = *state;
	struct saxdp_op before[SAXDP_SESSION_OPS], after[SAXDP_SESSION_OPS];
	uint64_t id = 0;

	memcpy(before, staging_of(t, SLOT - 1), sizeof(before));
	memcpy(after, staging_of(t, SLOT + 1), sizeof(after));
	for (; id < SAXDP_SESSION_OPS; id++)
		change_die(&t->change, SAXDP_KIND_FILTER, &id);
	assert_int_equal(t->change.err, 0);
	assert_ptr_equal(t->change.op, staging_of(t, SLOT));
	assert_memory_equal(staging_of(t, SLOT - 1), before, sizeof(before));
	assert_memory_equal(staging_of(t, SLOT + 1), after, sizeof(after));
	/* One more, and it moves with all that is in it. */
	change_die(&t->change, SAXDP_KIND_FILTER, &id);
	assert_int_equal(t->change.err, 0);
	assert_ptr_not_equal(t->change.op, staging_of(t, SLOT));
	for (id = 0; id < t->change.count; id++)
		require_op(&t->change.op[id], SAXDP_OP_DIE, SAXDP_KIND_FILTER, &id);
	assert_memory_equal(staging_of(t, SLOT + 1), after, sizeof(after));
	change_release(&t->change);
	assert_ptr_equal(t->change.op, staging_of(t, SLOT));
	assert_int_equal(t->change.count, 0);
}

static void list_of_a_transaction_stands_on_the_heap(void **state)
{
	struct list_test *t = *state;
	struct saxdp_op before[SAXDP_SESSION_OPS];
	uint64_t id;

	memcpy(before, staging_of(t, SLOT), sizeof(before));
	assert_int_equal(change_index_init(&t->change), 0);
	for (id = 0; id < MANY; id++)
		change_die(&t->change, SAXDP_KIND_FILTER, &id);
	assert_int_equal(t->change.err, 0);
	assert_int_equal(t->change.count, MANY);
	for (id = 0; id < MANY; id++) {
		const struct saxdp_op *op = change_find(&t->change, SAXDP_KIND_FILTER, &id);

		assert_ptr_equal(op, &t->change.op[id]);
	}
	assert_null(change_find(&t->change, SAXDP_KIND_FILTER, &id));
	/* It outlives calls of the same session, which stage there. */
	assert_memory_equal(staging_of(t, SLOT), before, sizeof(before));
}

static void newest_operation_on_a_key_is_found(void **state)
{
	struct list_test *t = *state;
	struct change *c = &t->change;
	struct saxdp_filter filter = {};
	struct saxdp_guid_key name = { .kind = SAXDP_KIND_FILTER };
	GUID guid = { .Data1 = 7 };
	uint64_t id = 42, other = 43;

	memcpy(name.guid, &guid, sizeof(guid));
	assert_null(change_find(c, SAXDP_KIND_FILTER, &id)); /* no index, nothing found */
	assert_int_equal(change_index_init(c), 0);
	assert_null(change_find(c, SAXDP_KIND_FILTER, &id));
	change_insert(c, SAXDP_KIND_FILTER, &id, &filter);
	change_insert(c, SAXDP_KIND_FILTER, &other, &filter);
	/* What changes a word of an entry does not say whether it lives. */
	change_word(c, SAXDP_OP_EXPECT, SAXDP_KIND_FILTER, &id, 64, 1);
	change_word(c, SAXDP_OP_ADD, SAXDP_KIND_FILTER, &id, 64, 1);
	assert_ptr_equal(change_find(c, SAXDP_KIND_FILTER, &id), &c->op[0]);
	change_die(c, SAXDP_KIND_FILTER, &id);
	assert_ptr_equal(change_find(c, SAXDP_KIND_FILTER, &id), &c->op[4]);
	assert_ptr_equal(change_find(c, SAXDP_KIND_FILTER, &other), &c->op[1]);
	/* The same key of another kind is another key. */
	assert_null(change_find(c, SAXDP_KIND_PROV_CONTEXT, &id));
	change_insert(c, SAXDP_KIND_PROV_CONTEXT, &id, &(struct saxdp_prov_context){});
	assert_ptr_equal(change_find(c, SAXDP_KIND_FILTER, &id), &c->op[4]);
	assert_ptr_equal(change_find(c, SAXDP_KIND_PROV_CONTEXT, &id), &c->op[5]);
	change_guid(c, SAXDP_OP_GUID_ADD, SAXDP_KIND_FILTER, &guid, id);
	change_guid(c, SAXDP_OP_GUID_DIE, SAXDP_KIND_FILTER, &guid, id);
	assert_ptr_equal(change_find(c, SAXDP_KIND_KEY, &name), &c->op[7]);
}

static void truncated_list_finds_what_was_before(void **state)
{
	struct list_test *t = *state;
	struct change *c = &t->change;
	struct saxdp_filter filter = {};
	uint64_t id = 42;

	assert_int_equal(change_index_init(c), 0);
	change_insert(c, SAXDP_KIND_FILTER, &id, &filter);
	change_die(c, SAXDP_KIND_FILTER, &id);
	change_truncate(c, 1);
	assert_ptr_equal(change_find(c, SAXDP_KIND_FILTER, &id), &c->op[0]);
	change_truncate(c, 1); /* nothing to take back */
	assert_int_equal(c->count, 1);
	change_truncate(c, 0);
	assert_null(change_find(c, SAXDP_KIND_FILTER, &id));
	/* A failure was that of what is taken back. */
	c->err = -ENOMEM;
	change_die(c, SAXDP_KIND_FILTER, &id);
	assert_int_equal(c->count, 0);
	change_truncate(c, 0);
	assert_int_equal(c->err, 0);
	change_die(c, SAXDP_KIND_FILTER, &id);
	assert_int_equal(c->count, 1);
}

/* Against a list that is looked through from its end. */
static const struct saxdp_op *find_slowly(const struct change *c, enum saxdp_kind kind, uint64_t id)
{
	for (uint32_t i = c->count; i--;) {
		const struct saxdp_op *op = &c->op[i];

		if (op->kind == kind && !memcmp(op->key, &id, sizeof(id)) &&
		    (op->code == SAXDP_OP_INSERT || op->code == SAXDP_OP_DIE))
			return op;
	}
	return NULL;
}

static void random_list_is_found_as_a_slow_one(void **state)
{
	static const enum saxdp_kind kinds[] = { SAXDP_KIND_FILTER, SAXDP_KIND_PROV_CONTEXT };
	struct list_test *t = *state;
	struct change *c = &t->change;
	unsigned int seed = SEED;

	print_message("# seed %u\n", seed);
	assert_int_equal(change_index_init(c), 0);
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = rand_r(&seed) % 40; i; i--) {
			enum saxdp_kind kind = kinds[rand_r(&seed) % 2];
			uint64_t id = rand_r(&seed) % KEYS;

			switch (rand_r(&seed) % 3) {
			case 0:
				change_insert(c, kind, &id, &(struct saxdp_filter){});
				break;
			case 1:
				change_die(c, kind, &id);
				break;
			default:
				change_word(c, SAXDP_OP_ADD, kind, &id, 64, 1);
			}
		}
		if (c->count && rand_r(&seed) % 2)
			change_truncate(c, rand_r(&seed) % c->count);
		for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++)
			for (uint64_t id = 0; id < KEYS; id++)
				require(change_find(c, kinds[k], &id) ==
						find_slowly(c, kinds[k], id),
					"round %d, kind %d, id %llu", round, kinds[k],
					(unsigned long long)id);
	}
}

#define change_test(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		change_test(operation_holds_what_was_said),
		change_test(short_list_stands_in_the_sessions_staging),
		change_test(list_of_a_transaction_stands_on_the_heap),
		change_test(newest_operation_on_a_key_is_found),
		change_test(truncated_list_finds_what_was_before),
		change_test(random_list_is_found_as_a_slow_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
