/* Formatting into memory, which ntoskrnl exports; a driver has no files. */
#ifndef DRYDOCK_CRT_STDIO_H
#define DRYDOCK_CRT_STDIO_H

#include "stdarg.h"
#include "stddef.h"

#ifdef __cplusplus
extern "C" {
#endif
int sprintf(char *, const char *, ...);
int _snprintf(char *, size_t, const char *, ...);
int _vsnprintf(char *, size_t, const char *, va_list);
int _snwprintf(wchar_t *, size_t, const wchar_t *, ...);
int _vsnwprintf(wchar_t *, size_t, const wchar_t *, va_list);
#ifdef __cplusplus
}
#endif

#endif
