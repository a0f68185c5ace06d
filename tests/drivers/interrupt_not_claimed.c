/*
 * HwStorInterrupt claims its HBA's interrupt and makes the HBA let go of the line (ST-90).
 *
 * Mistake: from the tenth interrupt on it returns FALSE without looking; HwStorResetBus wakes it.
 * drydock says: ST-90; and the requests that were lost time out. The twin looks.
 */
#include "common/hooked.h"

static PSTOR_SCATTER_GATHER_LIST HookList(PSCSI_REQUEST_BLOCK Srb, PSTOR_SCATTER_GATHER_LIST List)
{
    UNREFERENCED_PARAMETER(Srb);
    return List;
}

static PHW_INTERRUPT Original;
static PHW_RESET_BUS OriginalReset;
static BOOLEAN Reset;

#ifndef TWIN_CORRECT
static ULONG Interrupts;
#endif

static BOOLEAN Interrupt(PVOID DeviceExtension)
{
#ifndef TWIN_CORRECT
    if (!Reset && ++Interrupts > 10)
        return FALSE;
#endif
    return Original(DeviceExtension);
}

static BOOLEAN ResetBus(PVOID DeviceExtension, ULONG PathId)
{
    Reset = TRUE;
    return OriginalReset(DeviceExtension, PathId);
}

static VOID Hook(PHW_INITIALIZATION_DATA Init)
{
    Original = Init->HwInterrupt;
    OriginalReset = Init->HwResetBus;
    Init->HwInterrupt = Interrupt;
    Init->HwResetBus = ResetBus;
}
