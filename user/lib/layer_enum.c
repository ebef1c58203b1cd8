// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Layers as clients see them: FwpmLayerGetById0, FwpmLayerGetByKey0 and enumeration.
 *
 * All are built in. Which fields a layer has is known here for those that carry IP packets and for
 * those of key negotiation ("Filtering Conditions Available at Each Filtering Layer"); the others
 * come without.
 */
#include <errno.h>
#include <string.h>

#include "object_enum.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Addresses are FWP_UINT32 or FWP_BYTE_ARRAY16_TYPE, as the layer's family says. */
#define ADDRESS FWP_SINGLE_DATA_TYPE_MAX

struct field {
	const GUID *key;
	FWP_DATA_TYPE type;
};

#define F(name, type)                         \
	{                                     \
		&FWPM_CONDITION_##name, type, \
	}

static const struct field inbound_packet[] = {
	F(IP_LOCAL_ADDRESS, ADDRESS),
	F(IP_REMOTE_ADDRESS, ADDRESS),
	F(IP_LOCAL_ADDRESS_TYPE, FWP_UINT8),
	F(IP_LOCAL_INTERFACE, FWP_UINT64),
	F(INTERFACE_INDEX, FWP_UINT32),
	F(SUB_INTERFACE_INDEX, FWP_UINT32),
	F(FLAGS, FWP_UINT32),
	F(INTERFACE_TYPE, FWP_UINT32),
	F(TUNNEL_TYPE, FWP_UINT32),
	F(COMPARTMENT_ID, FWP_UINT32),
};

static const struct field outbound_packet[] = {
	F(IP_LOCAL_ADDRESS, ADDRESS),	F(IP_LOCAL_ADDRESS_TYPE, FWP_UINT8),
	F(IP_REMOTE_ADDRESS, ADDRESS),	F(IP_LOCAL_INTERFACE, FWP_UINT64),
	F(INTERFACE_INDEX, FWP_UINT32), F(SUB_INTERFACE_INDEX, FWP_UINT32),
	F(FLAGS, FWP_UINT32),		F(INTERFACE_TYPE, FWP_UINT32),
	F(TUNNEL_TYPE, FWP_UINT32),	F(COMPARTMENT_ID, FWP_UINT32),
};

static const struct field forward[] = {
	F(IP_SOURCE_ADDRESS, ADDRESS),
	F(IP_DESTINATION_ADDRESS, ADDRESS),
	F(IP_DESTINATION_ADDRESS_TYPE, FWP_UINT8),
	F(IP_LOCAL_INTERFACE, FWP_UINT64),
	F(IP_FORWARD_INTERFACE, FWP_UINT64),
	F(SOURCE_INTERFACE_INDEX, FWP_UINT32),
	F(SOURCE_SUB_INTERFACE_INDEX, FWP_UINT32),
	F(DESTINATION_INTERFACE_INDEX, FWP_UINT32),
	F(DESTINATION_SUB_INTERFACE_INDEX, FWP_UINT32),
	F(FLAGS, FWP_UINT32),
	F(IP_PHYSICAL_ARRIVAL_INTERFACE, FWP_UINT64),
	F(ARRIVAL_INTERFACE_PROFILE_ID, FWP_UINT32),
	F(IP_PHYSICAL_NEXTHOP_INTERFACE, FWP_UINT64),
	F(NEXTHOP_INTERFACE_PROFILE_ID, FWP_UINT32),
	F(COMPARTMENT_ID, FWP_UINT32),
};

static const struct field inbound_transport[] = {
	F(IP_PROTOCOL, FWP_UINT8),	    F(IP_LOCAL_ADDRESS, ADDRESS),
	F(IP_REMOTE_ADDRESS, ADDRESS),	    F(IP_LOCAL_ADDRESS_TYPE, FWP_UINT8),
	F(IP_LOCAL_PORT, FWP_UINT16),	    F(IP_REMOTE_PORT, FWP_UINT16),
	F(IP_LOCAL_INTERFACE, FWP_UINT64),  F(INTERFACE_INDEX, FWP_UINT32),
	F(SUB_INTERFACE_INDEX, FWP_UINT32), F(FLAGS, FWP_UINT32),
	F(INTERFACE_TYPE, FWP_UINT32),	    F(TUNNEL_TYPE, FWP_UINT32),
	F(CURRENT_PROFILE_ID, FWP_UINT32),  F(IPSEC_SECURITY_REALM_ID, FWP_BYTE_BLOB_TYPE),
	F(COMPARTMENT_ID, FWP_UINT32),
};

static const struct field outbound_transport[] = {
	F(IP_PROTOCOL, FWP_UINT8),
	F(IP_LOCAL_ADDRESS, ADDRESS),
	F(IP_LOCAL_ADDRESS_TYPE, FWP_UINT8),
	F(IP_REMOTE_ADDRESS, ADDRESS),
	F(IP_LOCAL_PORT, FWP_UINT16),
	F(IP_REMOTE_PORT, FWP_UINT16),
	F(IP_LOCAL_INTERFACE, FWP_UINT64),
	F(INTERFACE_INDEX, FWP_UINT32),
	F(SUB_INTERFACE_INDEX, FWP_UINT32),
	F(IP_DESTINATION_ADDRESS_TYPE, FWP_UINT8),
	F(FLAGS, FWP_UINT32),
	F(INTERFACE_TYPE, FWP_UINT32),
	F(TUNNEL_TYPE, FWP_UINT32),
	F(CURRENT_PROFILE_ID, FWP_UINT32),
	F(IPSEC_SECURITY_REALM_ID, FWP_BYTE_BLOB_TYPE),
	F(COMPARTMENT_ID, FWP_UINT32),
};

static const struct field keying_demux[] = {
	F(IP_LOCAL_ADDRESS, ADDRESS),
	F(IP_REMOTE_ADDRESS, ADDRESS),
	F(QM_MODE, FWP_UINT32),
	F(IP_LOCAL_INTERFACE, FWP_UINT64),
	F(CURRENT_PROFILE_ID, FWP_UINT32),
	F(IPSEC_SECURITY_REALM_ID, FWP_BYTE_BLOB_TYPE),
};

static const struct field quick_mode[] = {
	F(IP_PROTOCOL, FWP_UINT8),	   F(IP_LOCAL_ADDRESS, ADDRESS),
	F(IP_REMOTE_ADDRESS, ADDRESS),	   F(IP_LOCAL_PORT, FWP_UINT16),
	F(IP_REMOTE_PORT, FWP_UINT16),	   F(IP_LOCAL_INTERFACE, FWP_UINT64),
	F(CURRENT_PROFILE_ID, FWP_UINT32), F(IPSEC_SECURITY_REALM_ID, FWP_BYTE_BLOB_TYPE),
};

static const struct field main_mode[] = {
	F(IP_LOCAL_ADDRESS, ADDRESS),
	F(IP_REMOTE_ADDRESS, ADDRESS),
	F(IP_LOCAL_INTERFACE, FWP_UINT64),
	F(CURRENT_PROFILE_ID, FWP_UINT32),
	F(IPSEC_SECURITY_REALM_ID, FWP_BYTE_BLOB_TYPE),
};

#undef F

/* clang-format off */
#define FAMILY(layer, family, fields) { &FWPM_LAYER_##layer##_V##family, family, fields, \
					ARRAY_SIZE(fields) }
#define BOTH(layer, fields) FAMILY(layer, 4, fields), FAMILY(layer, 6, fields)
#define DISCARD(layer, family, fields) { &FWPM_LAYER_##layer##_V##family##_DISCARD, family, \
					 fields, ARRAY_SIZE(fields) }
#define ALL(layer, fields) BOTH(layer, fields), DISCARD(layer, 4, fields), DISCARD(layer, 6, fields)

static const struct layer_fields {
	const GUID *layer;
	uint8_t family;
	const struct field *field;
	uint8_t count;
} layer_fields[] = {
	ALL(INBOUND_IPPACKET, inbound_packet),
	ALL(OUTBOUND_IPPACKET, outbound_packet),
	ALL(IPFORWARD, forward),
	ALL(INBOUND_TRANSPORT, inbound_transport),
	ALL(OUTBOUND_TRANSPORT, outbound_transport),
	BOTH(IPSEC_KM_DEMUX, keying_demux),
	BOTH(IPSEC, quick_mode),
	BOTH(IKEEXT, main_mode),
};

#undef ALL
#undef DISCARD
#undef BOTH
#undef FAMILY
/* clang-format on */

static const struct layer_fields *fields_of(const GUID *layer)
{
	for (size_t i = 0; i < ARRAY_SIZE(layer_fields); i++)
		if (!memcmp(layer_fields[i].layer, layer, sizeof(*layer)))
			return &layer_fields[i];
	return NULL;
}

static FWPM_FIELD_TYPE field_type(const struct field *field)
{
	if (field->type == ADDRESS)
		return FWPM_FIELD_IP_ADDRESS;
	return field->key == &FWPM_CONDITION_FLAGS ? FWPM_FIELD_FLAGS : FWPM_FIELD_RAW_DATA;
}

static int fields_get(const struct layer_fields *fields, struct out *o, FWPM_LAYER0 *ret)
{
	FWP_DATA_TYPE address = fields->family == 4 ? FWP_UINT32 : FWP_BYTE_ARRAY16_TYPE;

	ret->numFields = fields->count;
	ret->field = out_alloc(o, fields->count * sizeof(*ret->field));
	for (uint8_t i = 0; ret->field && i < fields->count; i++) {
		const struct field *field = &fields->field[i];
		FWPM_FIELD0 *to = &ret->field[i];

		to->fieldKey = out_copy(o, field->key, sizeof(*field->key));
		if (!to->fieldKey)
			return -ENOMEM;
		to->type = field_type(field);
		to->dataType = field->type == ADDRESS ? address : field->type;
	}
	return ret->field ? 0 : -ENOMEM;
}

/* --- calls ------------------------------------------------------------------------------------------ */

static int find(struct policy *p, const GUID *key, uint64_t *ret)
{
	int place = layer_find(key);

	(void)p;
	if (place < 0)
		return place;
	*ret = SAXDP_BUILTIN | (place + 1);
	return 0;
}

static int item_read(const struct reader *r, uint64_t id, void *item)
{
	const struct layer **ret = item;

	(void)r;
	*ret = layer_at((id & ~SAXDP_BUILTIN) - 1);
	return *ret ? 0 : -ENOENT;
}

static void item_release(void *item)
{
	(void)item;
}

static int get(const void *item, struct out *o, void *entry)
{
	const struct layer *layer = *(const struct layer *const *)item;
	const struct layer_fields *fields = fields_of(layer->key);
	FWPM_LAYER0 *ret = entry;

	ret->layerKey = *layer->key;
	ret->flags = FWPM_LAYER_FLAG_BUILTIN | (layer->enforced ? FWPM_LAYER_FLAG_KERNEL : 0);
	ret->defaultSubLayerKey = FWPM_SUBLAYER_UNIVERSAL;
	ret->layerId = layer_find(layer->key);
	ret->displayData.name = out_ascii(o, layer->name);
	if (!ret->displayData.name)
		return -ENOMEM;
	return fields ? fields_get(fields, o, ret) : 0;
}

static const struct object_type layers = {
	.ops = OBJECT_SNAPSHOT,
	.what = "layer",
	.not_found = FWP_E_LAYER_NOT_FOUND,
	.kind = SAXDP_KIND_COUNT,
	.builtin = LAYERS_BUILTIN,
	.item_size = sizeof(const struct layer *),
	.form = { { sizeof(FWPM_LAYER0), get } },
	.find = find,
	.read = item_read,
	.release = item_release,
};

DWORD FwpmLayerGetById0(HANDLE engineHandle, UINT16 id, FWPM_LAYER0 **layer)
{
	void *entry;
	DWORD result = object_get_by_id(engineHandle, &layers, 0, SAXDP_BUILTIN | (id + 1),
					layer ? &entry : NULL);

	if (!result)
		*layer = entry;
	return result;
}

DWORD FwpmLayerGetByKey0(HANDLE engineHandle, const GUID *key, FWPM_LAYER0 **layer)
{
	void *entry;
	DWORD result = object_get_by_key(engineHandle, &layers, 0, key, layer ? &entry : NULL);

	if (!result)
		*layer = entry;
	return result;
}

DWORD FwpmLayerCreateEnumHandle0(HANDLE engineHandle, const FWPM_LAYER_ENUM_TEMPLATE0 *enumTemplate,
				 HANDLE *enumHandle)
{
	return object_enum_create(engineHandle, &layers, (void *)enumTemplate, enumHandle);
}

DWORD FwpmLayerEnum0(HANDLE engineHandle, HANDLE enumHandle, UINT32 numEntriesRequested,
		     FWPM_LAYER0 ***entries, UINT32 *numEntriesReturned)
{
	void *array;
	DWORD result = object_enum(engineHandle, &layers, 0, enumHandle, numEntriesRequested,
				   entries ? &array : NULL, numEntriesReturned);

	if (!result)
		*entries = array;
	return result;
}

DWORD FwpmLayerDestroyEnumHandle0(HANDLE engineHandle, HANDLE enumHandle)
{
	return object_enum_destroy(engineHandle, &layers, enumHandle);
}
