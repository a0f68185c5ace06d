/*
 * StorPortStallExecution holds the processor: below a millisecond (ST-129; over 0.1 s is 0xF1, 0x2001).
 *
 * Mistake: HwFindAdapter "waits for the hardware" for 150 ms in one stall.
 * drydock says: VER-41, in WaitForHardware. The twin stalls for 500 us.
 */
#include "common/nullhba.h"

#ifdef TWIN_CORRECT
#define WAIT_US 500
#else
#define WAIT_US 150000
#endif

static DECLSPEC_NOINLINE VOID WaitForHardware(VOID)
{
    StorPortStallExecution(WAIT_US); /* EXPECT: VER-41 */
}

static ULONG FindAdapter(PVOID DeviceExtension, PVOID HwContext, PVOID BusInformation, PCHAR ArgumentString,
                         PPORT_CONFIGURATION_INFORMATION ConfigInfo, PBOOLEAN Again)
{
    WaitForHardware();
    return NullFindAdapter(DeviceExtension, HwContext, BusInformation, ArgumentString, ConfigInfo, Again);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwFindAdapter = FindAdapter;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
