/*
 * NextRequest is a notification of SCSI Port (VER-99).
 *
 * Mistake: the driver sends it after the first READ.
 * drydock says: VER-99, in AtFirstRead. The twin does not.
 */
#include "common/at_first_read.h"

static VOID AtFirstRead(PVOID Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    UNREFERENCED_PARAMETER(Srb);
#ifndef TWIN_CORRECT
    StorPortNotification(NextRequest, Adapter, NULL); /* EXPECT: VER-99 */
#else
    UNREFERENCED_PARAMETER(Adapter);
#endif
}
