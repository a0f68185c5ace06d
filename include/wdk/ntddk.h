/* wdm.h and what only NT-style drivers use. */
#ifndef _NTDDK_
#define _NTDDK_

#include "wdm.h"

#endif
