/* Counted string routines: sizes are in bytes (Cb) or characters (Cch) of the destination, which always ends in a zero;
 * what does not fit is cut off and reported as STATUS_BUFFER_OVERFLOW. */
#ifndef _NTSTRSAFE_H_INCLUDED_
#define _NTSTRSAFE_H_INCLUDED_

#include "wdm.h"
#if !DRYDOCK_HOST
#include "crt/stdio.h"

EXTERN_C_START

#define NTSTRSAFE_MAX_CCH 2147483647
#define NTSTRSAFE_MAX_LENGTH (NTSTRSAFE_MAX_CCH - 1)
typedef char *NTSTRSAFE_PSTR;
typedef const char *NTSTRSAFE_PCSTR;
typedef wchar_t *NTSTRSAFE_PWSTR;
typedef const wchar_t *NTSTRSAFE_PCWSTR;

#define DRYDOCK_STRSAFE(suffix, character, format_routine)                                                              \
  FORCEINLINE NTSTATUS RtlStringCchLength##suffix(const character *psz, size_t cchMax, size_t *pcchLength) {            \
    size_t length = 0;                                                                                                  \
    if (psz == NULL || cchMax == 0 || cchMax > NTSTRSAFE_MAX_CCH) return STATUS_INVALID_PARAMETER;                      \
    while (length != cchMax && psz[length] != 0) ++length;                                                              \
    if (pcchLength != NULL) *pcchLength = length == cchMax ? 0 : length;                                                \
    return length == cchMax ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;                                                \
  }                                                                                                                     \
  FORCEINLINE NTSTATUS RtlStringCchCopyN##suffix(character *pszDest, size_t cchDest, const character *pszSrc,           \
                                                 size_t cchToCopy) {                                                    \
    size_t i = 0;                                                                                                       \
    if (cchDest == 0 || cchDest > NTSTRSAFE_MAX_CCH) return STATUS_INVALID_PARAMETER;                                   \
    for (; i + 1 != cchDest && i != cchToCopy && pszSrc[i] != 0; ++i) pszDest[i] = pszSrc[i];                           \
    pszDest[i] = 0;                                                                                                     \
    return i == cchToCopy || pszSrc[i] == 0 ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW;                                  \
  }                                                                                                                     \
  FORCEINLINE NTSTATUS RtlStringCchCopy##suffix(character *pszDest, size_t cchDest, const character *pszSrc) {          \
    return RtlStringCchCopyN##suffix(pszDest, cchDest, pszSrc, NTSTRSAFE_MAX_CCH);                                      \
  }                                                                                                                     \
  FORCEINLINE NTSTATUS RtlStringCchCat##suffix(character *pszDest, size_t cchDest, const character *pszSrc) {           \
    size_t length;                                                                                                      \
    NTSTATUS status = RtlStringCchLength##suffix(pszDest, cchDest, &length);                                            \
    return NT_SUCCESS(status) ? RtlStringCchCopy##suffix(pszDest + length, cchDest - length, pszSrc) : status;          \
  }                                                                                                                     \
  FORCEINLINE NTSTATUS RtlStringCchVPrintf##suffix(character *pszDest, size_t cchDest, const character *pszFormat,      \
                                                   va_list argList) {                                                   \
    int written;                                                                                                        \
    if (cchDest == 0 || cchDest > NTSTRSAFE_MAX_CCH) return STATUS_INVALID_PARAMETER;                                   \
    written = format_routine(pszDest, cchDest - 1, pszFormat, argList);                                                 \
    if (written >= 0 && (size_t)written < cchDest - 1) return STATUS_SUCCESS;                                           \
    pszDest[cchDest - 1] = 0;                                                                                           \
    return written >= 0 && (size_t)written == cchDest - 1 ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW;                    \
  }                                                                                                                     \
  FORCEINLINE NTSTATUS RtlStringCbLength##suffix(const character *psz, size_t cbMax, size_t *pcbLength) {               \
    NTSTATUS status = RtlStringCchLength##suffix(psz, cbMax / sizeof(character), pcbLength);                            \
    if (pcbLength != NULL) *pcbLength *= sizeof(character);                                                             \
    return status;                                                                                                      \
  }                                                                                                                     \
  FORCEINLINE NTSTATUS RtlStringCbCopy##suffix(character *pszDest, size_t cbDest, const character *pszSrc) {            \
    return RtlStringCchCopy##suffix(pszDest, cbDest / sizeof(character), pszSrc);                                       \
  }                                                                                                                     \
  FORCEINLINE NTSTATUS RtlStringCbCopyN##suffix(character *pszDest, size_t cbDest, const character *pszSrc,             \
                                                size_t cbToCopy) {                                                      \
    return RtlStringCchCopyN##suffix(pszDest, cbDest / sizeof(character), pszSrc, cbToCopy / sizeof(character));        \
  }                                                                                                                     \
  FORCEINLINE NTSTATUS RtlStringCbCat##suffix(character *pszDest, size_t cbDest, const character *pszSrc) {             \
    return RtlStringCchCat##suffix(pszDest, cbDest / sizeof(character), pszSrc);                                        \
  }                                                                                                                     \
  FORCEINLINE NTSTATUS RtlStringCbVPrintf##suffix(character *pszDest, size_t cbDest, const character *pszFormat,        \
                                                  va_list argList) {                                                    \
    return RtlStringCchVPrintf##suffix(pszDest, cbDest / sizeof(character), pszFormat, argList);                        \
  }                                                                                                                     \
  static __inline__ __attribute__((unused)) NTSTATUS RtlStringCchPrintf##suffix(character *pszDest, size_t cchDest,     \
                                                                                const character *pszFormat, ...) {      \
    NTSTATUS status;                                                                                                    \
    va_list arguments;                                                                                                  \
    va_start(arguments, pszFormat);                                                                                     \
    status = RtlStringCchVPrintf##suffix(pszDest, cchDest, pszFormat, arguments);                                       \
    va_end(arguments);                                                                                                  \
    return status;                                                                                                      \
  }                                                                                                                     \
  static __inline__ __attribute__((unused)) NTSTATUS RtlStringCbPrintf##suffix(character *pszDest, size_t cbDest,       \
                                                                               const character *pszFormat, ...) {       \
    NTSTATUS status;                                                                                                    \
    va_list arguments;                                                                                                  \
    va_start(arguments, pszFormat);                                                                                     \
    status = RtlStringCbVPrintf##suffix(pszDest, cbDest, pszFormat, arguments);                                         \
    va_end(arguments);                                                                                                  \
    return status;                                                                                                      \
  }

DRYDOCK_STRSAFE(A, char, _vsnprintf)
DRYDOCK_STRSAFE(W, wchar_t, _vsnwprintf)
#undef DRYDOCK_STRSAFE

EXTERN_C_END

#endif
#endif
