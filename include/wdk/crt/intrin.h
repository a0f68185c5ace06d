/* Intrinsics are in drydock_intrin.h. */
#ifndef DRYDOCK_CRT_INTRIN_H
#define DRYDOCK_CRT_INTRIN_H
#include "../drydock_intrin.h"
#endif
