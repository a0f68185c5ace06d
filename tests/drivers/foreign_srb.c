/*
 * A miniport completes the SRBs it was given (ST-121).
 *
 * Mistake: it completes an SRB of its own making.
 * drydock says: ST-121, in AtFirstRead. The twin makes one and keeps it to itself.
 */
#include "common/at_first_read.h"

static SCSI_REQUEST_BLOCK Own;

static VOID AtFirstRead(PVOID Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    UNREFERENCED_PARAMETER(Srb);
    Own.Length = sizeof(Own);
    Own.SrbStatus = SRB_STATUS_SUCCESS;
#ifndef TWIN_CORRECT
    StorPortNotification(RequestComplete, Adapter, &Own); /* EXPECT: ST-121 */
#else
    UNREFERENCED_PARAMETER(Adapter);
#endif
}
