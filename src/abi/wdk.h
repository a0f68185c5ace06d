#pragma once
// The WDK structures as the host sees them: include/wdk compiled with DRYDOCK_HOST, where ULONG is 32 bits although the
// host is LP64 and callback types carry the Microsoft calling convention. A WDK struct is the only storage of a
// driver-visible fact; C++ types are views over it.

extern "C" {
#include "wdk/storport.h"
#include "wdk/srbhelper.h"
}
