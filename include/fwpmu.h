/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
#ifndef FWPMU_H
#define FWPMU_H

#include "fwptypes.h"
#include "ipsectypes.h"
#include "fwpmtypes.h"
#include "fwp/error.h"
#include "fwp/guid.h"

#include "fwp/callout.h"
#include "fwp/engine.h"
#include "fwp/filter.h"
#include "fwp/layer.h"
#include "fwp/provider.h"
#include "fwp/provider_context.h"
#include "fwp/sa.h"
#include "fwp/sa_context.h"
#include "fwp/session.h"
#include "fwp/sublayer.h"
#include "fwp/transaction.h"

#include "fwpvi.h" /* last: names for all of the above */

#endif /* FWPMU_H */
