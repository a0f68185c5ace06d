/* The wide string routines are in string.h. */
#ifndef DRYDOCK_CRT_WCHAR_H
#define DRYDOCK_CRT_WCHAR_H
#include "stdarg.h"
#include "string.h"
#endif
