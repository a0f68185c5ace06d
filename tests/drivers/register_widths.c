/*
 * Registers are reached in two ways, by the StorPort routines and by plain instructions, at widths of 1, 2, 4 and 8
 * bytes. Both must arrive at the device, and mean the same.
 *
 * No mistake. Runs on virtio-blk, whose common configuration has a register of each width: what one way writes the
 * other reads back. Read-modify-write instructions on a register are tried too. A difference makes the driver refuse
 * to start, with the number of the failed check in the debug output.
 */
#include "common/nullhba.h"
#include "common/virtio_registers.h"

/* virtio 1.2, 4.1.4.3 */
#define DRIVER_FEATURE_SELECT 8
#define NUM_QUEUES            18
#define DEVICE_STATUS         20
#define QUEUE_SELECT          22
#define QUEUE_DESC            32

static BOOLEAN Byte(PVOID Adapter, PUCHAR Common)
{
    volatile UCHAR *status = Common + DEVICE_STATUS;

    *status = 0;
    if (StorPortReadRegisterUchar(Adapter, Common + DEVICE_STATUS) != 0)
        return FALSE;
    StorPortWriteRegisterUchar(Adapter, Common + DEVICE_STATUS, 1);
    *status |= 2;                         /* a read and a write in one instruction */
    return (BOOLEAN)(*status == 3);
}

static BOOLEAN Word(PVOID Adapter, PUCHAR Common)
{
    volatile USHORT *select = (volatile USHORT *)(Common + QUEUE_SELECT);

    *select = 1;
    if (StorPortReadRegisterUshort(Adapter, (PUSHORT)(Common + QUEUE_SELECT)) != 1)
        return FALSE;
    StorPortWriteRegisterUshort(Adapter, (PUSHORT)(Common + QUEUE_SELECT), 0);
    return (BOOLEAN)(*select == 0 && *(volatile USHORT *)(Common + NUM_QUEUES) != 0);
}

static BOOLEAN Long(PVOID Adapter, PUCHAR Common)
{
    volatile ULONG *select = (volatile ULONG *)(Common + DRIVER_FEATURE_SELECT);

    *select = 1;
    if (StorPortReadRegisterUlong(Adapter, (PULONG)(Common + DRIVER_FEATURE_SELECT)) != 1)
        return FALSE;
    StorPortWriteRegisterUlong(Adapter, (PULONG)(Common + DRIVER_FEATURE_SELECT), 0);
    *select ^= 1;
    return (BOOLEAN)(*select == 1);
}

static BOOLEAN Quad(PVOID Adapter, PUCHAR Common)
{
    volatile ULONGLONG *desc = (volatile ULONGLONG *)(Common + QUEUE_DESC);

    *desc = 0x0000000123456000ULL;
    if (StorPortReadRegisterUlong(Adapter, (PULONG)(Common + QUEUE_DESC)) != 0x23456000
        || StorPortReadRegisterUlong(Adapter, (PULONG)(Common + QUEUE_DESC + 4)) != 1)
        return FALSE;
    StorPortWriteRegisterUlong(Adapter, (PULONG)(Common + QUEUE_DESC), 0x1000);
    StorPortWriteRegisterUlong(Adapter, (PULONG)(Common + QUEUE_DESC + 4), 2);
    return (BOOLEAN)(*desc == 0x0000000200001000ULL);
}

static ULONG FindAdapter(PVOID DeviceExtension, PVOID HwContext, PVOID BusInformation, PCHAR ArgumentString,
                         PPORT_CONFIGURATION_INFORMATION ConfigInfo, PBOOLEAN Again)
{
    static BOOLEAN (*const checks[])(PVOID, PUCHAR) = { Byte, Word, Long, Quad };
    PUCHAR common = VirtioCommonRegisters(DeviceExtension, ConfigInfo);
    ULONG i;

    if (common == NULL)
        return SP_RETURN_NOT_FOUND;
    for (i = 0; i < RTL_NUMBER_OF(checks); ++i) {
        if (checks[i](DeviceExtension, common))
            continue;
        StorPortDebugPrint(0, "register_widths: check %lu failed\n", i);
        return SP_RETURN_ERROR;
    }
    StorPortWriteRegisterUchar(DeviceExtension, common + DEVICE_STATUS, 0);
    return NullFindAdapter(DeviceExtension, HwContext, BusInformation, ArgumentString, ConfigInfo, Again);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwFindAdapter = FindAdapter;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
