// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "sa_cache.h"

#include <stdlib.h>
#include <string.h>

#include "sa.h"
#include "table.h"

enum {
	CONTEXTS = 64, /* being set up at once by one session */
	KNOWN_FIRST = 64,
	/* Some 4 MiB; then all is forgotten at once, which costs one look at the maps for each. */
	KNOWN_MAX = 1 << 15,
};

/* A question about a policy, of whole words: no padding takes part in the hash. */
struct policy_question {
	uint64_t policy;
	uint32_t family, type, protocol, ports, inbound;
	uint32_t local[4], remote[4];
	uint32_t zero;
};

struct policy_answer {
	struct policy_question question;
	struct policy_known known;
};

/* Answers by their question, which stands at the beginning of each. */
struct known {
	struct table table;
	char *answer;
	size_t answer_size, question_size;
	uint32_t count, room;
};

struct sa_cache {
	uint64_t context_id[CONTEXTS];
	struct saxdp_context context[CONTEXTS];
	struct known tunnels, policies;
	uint32_t shapes;
};

static void *known_find(const struct known *k, const void *question)
{
	uint32_t hash = table_hash(question, k->question_size), at = hash, element;

	while (table_next(&k->table, hash, &at, &element)) {
		char *answer = k->answer + element * k->answer_size;

		if (!memcmp(answer, question, k->question_size))
			return answer;
	}
	return NULL;
}

static void known_forget(struct known *k)
{
	table_release(&k->table);
	free(k->answer);
	k->answer = NULL;
	k->count = k->room = 0;
}

static bool known_grow(struct known *k)
{
	uint32_t room = k->room ? k->room * 2 : KNOWN_FIRST;
	char *answer;

	if (room > KNOWN_MAX) {
		known_forget(k);
		room = KNOWN_FIRST;
	}
	answer = realloc(k->answer, room * k->answer_size);
	if (!answer)
		return false;
	k->answer = answer;
	k->room = room;
	return true;
}

static void known_add(struct known *k, const void *answer)
{
	void *old = known_find(k, answer);

	if (old) {
		memcpy(old, answer, k->answer_size);
		return;
	}
	if (k->count == k->room && !known_grow(k))
		return;
	if (table_add(&k->table, table_hash(answer, k->question_size), k->count))
		return;
	memcpy(k->answer + k->count++ * k->answer_size, answer, k->answer_size);
}

/*
 * What the answer depends on: in tunnel mode neither the ends nor the direction; of inbound traffic
 * in transport mode not the ends, as no filter is looked for.
 */
static void question_of(const struct traffic *t, bool inbound, struct policy_question *ret)
{
	*ret = (struct policy_question){
		.policy = t->policy,
		.family = t->family,
		.type = t->type,
	};
	if (t->type == SAXDP_TUNNEL)
		return;
	ret->inbound = inbound;
	ret->protocol = t->protocol;
	ret->ports = (uint32_t)t->local_port << 16 | t->remote_port;
	if (inbound)
		return;
	memcpy(ret->local, t->local, sizeof(ret->local));
	memcpy(ret->remote, t->remote, sizeof(ret->remote));
}

struct sa_cache *sa_cache_new(void)
{
	struct sa_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return NULL;
	cache->tunnels.answer_size = sizeof(struct tunnel_known);
	cache->tunnels.question_size = sizeof(struct saxdp_tunnel_key);
	cache->policies.answer_size = sizeof(struct policy_answer);
	cache->policies.question_size = sizeof(struct policy_question);
	return cache;
}

void sa_cache_free(struct sa_cache *cache)
{
	if (!cache)
		return;
	known_forget(&cache->tunnels);
	known_forget(&cache->policies);
	free(cache);
}

const struct saxdp_context *sa_cache_context(const struct sa_cache *cache, uint64_t id)
{
	return cache->context_id[id % CONTEXTS] == id ? &cache->context[id % CONTEXTS] : NULL;
}

void sa_cache_add_context(struct sa_cache *cache, uint64_t id, const struct saxdp_context *context)
{
	cache->context_id[id % CONTEXTS] = id;
	cache->context[id % CONTEXTS] = *context;
}

void sa_cache_drop_context(struct sa_cache *cache, uint64_t id)
{
	if (cache->context_id[id % CONTEXTS] == id)
		cache->context_id[id % CONTEXTS] = 0;
}

const struct tunnel_known *sa_cache_tunnel(const struct sa_cache *cache,
					   const struct saxdp_tunnel_key *key)
{
	return known_find(&cache->tunnels, key);
}

void sa_cache_add_tunnel(struct sa_cache *cache, const struct tunnel_known *t)
{
	known_add(&cache->tunnels, t);
}

const struct policy_known *sa_cache_policy(const struct sa_cache *cache, const struct traffic *t,
					   bool inbound)
{
	const struct policy_answer *answer;
	struct policy_question question;

	question_of(t, inbound, &question);
	answer = known_find(&cache->policies, &question);
	return answer ? &answer->known : NULL;
}

void sa_cache_add_policy(struct sa_cache *cache, const struct traffic *t, bool inbound,
			 const struct policy_known *known)
{
	struct policy_answer answer = { .known = *known };

	question_of(t, inbound, &answer.question);
	known_add(&cache->policies, &answer);
}

uint32_t *sa_cache_shapes(struct sa_cache *cache)
{
	return &cache->shapes;
}
