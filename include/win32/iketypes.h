/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The place where Windows has the types of IKE and AuthIP. */
#include "../fwp/iketypes.h"
