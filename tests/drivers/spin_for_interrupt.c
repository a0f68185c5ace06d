/*
 * A loop at DISPATCH_LEVEL on plain memory is legal when an interrupt of the same processor ends it.
 *
 * No mistake. HwStorStartIo spins until the interrupt routine has run; there is one processor.
 */
#include "common/hooked.h"

static PSTOR_SCATTER_GATHER_LIST HookList(PSCSI_REQUEST_BLOCK Srb, PSTOR_SCATTER_GATHER_LIST List)
{
    UNREFERENCED_PARAMETER(Srb);
    return List;
}

static PHW_STARTIO Original;
static PHW_INTERRUPT OriginalInterrupt;
static volatile ULONG Interrupts;
static ULONG Reads;

static DECLSPEC_NOINLINE VOID SpinUntilMore(volatile ULONG *Count, ULONG Before)
{
    while (*Count == Before)
        ;
}

static BOOLEAN Interrupt(PVOID DeviceExtension)
{
    ++Interrupts;
    return OriginalInterrupt(DeviceExtension);
}

static BOOLEAN StartIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    BOOLEAN first = (BOOLEAN)(IsRead(Srb) && Reads++ == 0);
    ULONG before = Interrupts;
    BOOLEAN result = Original(DeviceExtension, Srb);

    if (first) {
        SpinUntilMore(&Interrupts, before);
        DbgPrint("released by the interrupt");
    }
    return result;
}

static VOID Hook(PHW_INITIALIZATION_DATA Init)
{
    Original = Init->HwStartIo;
    OriginalInterrupt = Init->HwInterrupt;
    Init->HwStartIo = StartIo;
    Init->HwInterrupt = Interrupt;
}
