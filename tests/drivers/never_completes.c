/*
 * Every SRB is completed, at the latest by HwResetBus (ST-121, ST-161).
 *
 * Mistake: a READ is accepted and forgotten, and HwResetBus returns TRUE without completing it.
 * drydock says: ST-161: the READ still belonged to the miniport after HwResetBus; the client's request fails, it does not hang. The
 *   twin completes the request in HwResetBus, with SRB_STATUS_BUS_RESET.
 */
#include "common/nullhba.h"

#define KEPT_MAX 256

static PSCSI_REQUEST_BLOCK Kept[KEPT_MAX];
static ULONG KeptCount;
static BOOLEAN Awake;

/* In the twin the hardware "wakes up" by the reset, so that the retry succeeds. */
static BOOLEAN StartIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    if (!NullIsRead(Srb) || Awake || KeptCount == KEPT_MAX)
        return NullStartIo(DeviceExtension, Srb);
    Kept[KeptCount++] = Srb;
    return TRUE;
}

static BOOLEAN ResetBus(PVOID DeviceExtension, ULONG PathId)
{
#ifdef TWIN_CORRECT
    Awake = TRUE;
    while (KeptCount != 0)
        NullComplete(DeviceExtension, Kept[--KeptCount], SRB_STATUS_BUS_RESET);
#endif
    return NullResetBus(DeviceExtension, PathId); /* EXPECT: ST-161 */
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwStartIo = StartIo;
    init.HwResetBus = ResetBus;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
