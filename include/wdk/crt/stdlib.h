/* The few conversions ntoskrnl exports. */
#ifndef DRYDOCK_CRT_STDLIB_H
#define DRYDOCK_CRT_STDLIB_H

#include "stddef.h"

#ifdef __cplusplus
extern "C" {
#endif
int atoi(const char *);
long atol(const char *);
unsigned long strtoul(const char *, char **, int);
void qsort(void *, size_t, size_t, int (*)(const void *, const void *));
#ifdef __cplusplus
}
#endif

#endif
