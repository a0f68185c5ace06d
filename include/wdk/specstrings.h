/* The annotations are all in sal.h. */
#ifndef DRYDOCK_WDK_SPECSTRINGS_H
#define DRYDOCK_WDK_SPECSTRINGS_H
#include "sal.h"
#endif
