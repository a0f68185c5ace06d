/* GUIDs of bus interfaces that storage drivers ask for. */
#ifndef _WDMGUID_
#define _WDMGUID_

#include "guiddef.h"

DEFINE_GUID(GUID_BUS_INTERFACE_STANDARD, 0x496B8280L, 0x6F25, 0x11D0, 0xBE, 0xAF, 0x08, 0x00, 0x2B, 0xE2, 0x09, 0x2F);

#endif
