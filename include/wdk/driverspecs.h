/* The annotations are all in sal.h. */
#ifndef DRYDOCK_WDK_DRIVERSPECS_H
#define DRYDOCK_WDK_DRIVERSPECS_H
#include "sal.h"
#endif
