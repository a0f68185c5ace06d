/*
 * What the kernel's headers compile to raw instructions on x64: loads from KUSER_SHARED_DATA, mov cr8, gs:[188h].
 *
 * No mistake. HwFindAdapter compares each with what it must be; a difference makes the driver refuse to start.
 */
#include "common/nullhba.h"

/* The three clocks of KUSER_SHARED_DATA go forward, at least by the time that was stalled away. */
static BOOLEAN ClocksRun(VOID)
{
    LARGE_INTEGER system[2], tick[2];
    ULONGLONG interrupt[2];
    ULONG i;

    KeQuerySystemTime(&system[0]);
    KeQueryTickCount(&tick[0]);
    interrupt[0] = KeQueryInterruptTime();
    for (i = 0; i < 50; ++i)
        StorPortStallExecution(900);      /* 45 ms: at least two ticks of 15.6 ms */
    KeQuerySystemTime(&system[1]);
    KeQueryTickCount(&tick[1]);
    interrupt[1] = KeQueryInterruptTime();

    return (BOOLEAN)(system[1].QuadPart - system[0].QuadPart >= 200000 && interrupt[1] - interrupt[0] >= 200000
                     && tick[1].QuadPart > tick[0].QuadPart);
}

static BOOLEAN IrqlMoves(VOID)
{
    KIRQL before = KeGetCurrentIrql();
    KIRQL saved, raised;

    KeRaiseIrql(DISPATCH_LEVEL, &saved);
    raised = KeGetCurrentIrql();
    KeLowerIrql(saved);
    return (BOOLEAN)(before == PASSIVE_LEVEL && saved == PASSIVE_LEVEL && raised == DISPATCH_LEVEL
                     && KeGetCurrentIrql() == PASSIVE_LEVEL);
}

static ULONG FindAdapter(PVOID DeviceExtension, PVOID HwContext, PVOID BusInformation, PCHAR ArgumentString,
                         PPORT_CONFIGURATION_INFORMATION ConfigInfo, PBOOLEAN Again)
{
    PVOID thread = PsGetCurrentThread();

    if (!IrqlMoves())
        return SP_RETURN_ERROR;
    if (!ClocksRun())
        return SP_RETURN_ERROR;
    if (thread == NULL || thread != PsGetCurrentThread())
        return SP_RETURN_ERROR;
    return NullFindAdapter(DeviceExtension, HwContext, BusInformation, ArgumentString, ConfigInfo, Again);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwFindAdapter = FindAdapter;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
