/* GUIDs. DEFINE_GUID declares one; after <initguid.h> it defines one. */
#ifndef DRYDOCK_WDK_GUIDDEF_H
#define DRYDOCK_WDK_GUIDDEF_H

#include "drydock_compiler.h"

#ifndef GUID_DEFINED
#define GUID_DEFINED
typedef struct _GUID {
#if DRYDOCK_HOST
  unsigned int Data1;
#else
  unsigned long Data1;
#endif
  unsigned short Data2;
  unsigned short Data3;
  unsigned char Data4[8];
} GUID;
#endif

typedef GUID *LPGUID;
typedef const GUID *LPCGUID;

#ifdef __cplusplus
#define REFGUID const GUID &
#define REFIID const GUID &
#else
#define REFGUID const GUID *
#define REFIID const GUID *
#endif

#define IsEqualGUID(first, second) (!__builtin_memcmp((first), (second), sizeof(GUID)))

#endif

/* Outside the include guard: <initguid.h> changes what the macro does. */
#undef DEFINE_GUID
#ifdef INITGUID
#define DEFINE_GUID(name, l, w1, w2, b1, b2, b3, b4, b5, b6, b7, b8) \
  EXTERN_C const GUID DECLSPEC_SELECTANY name = {l, w1, w2, {b1, b2, b3, b4, b5, b6, b7, b8}}
#else
#define DEFINE_GUID(name, l, w1, w2, b1, b2, b3, b4, b5, b6, b7, b8) EXTERN_C const GUID name
#endif
