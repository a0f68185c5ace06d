/* The base types of a SCSI miniport; here simply all of wdm.h. */
#ifndef _MINIPORT_
#define _MINIPORT_

#include "wdm.h"

#endif
