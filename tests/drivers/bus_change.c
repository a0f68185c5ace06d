/*
 * Units come and go while the adapter runs: the miniport tells of it, the port driver looks.
 *
 * A WRITE that begins with a BUS_CHANGE is an order: it says which units exist from now on, and how the port driver is to
 * be told: 0 StorPortNotification(BusChangeDetected), else StorPortStateChangeDetected for unit `How`. What the port
 * driver answers, and the callback of the state change, are printed. No mistake: no twin.
 */
#include "common/nullhba.h"

#define CHANGE_MAGIC 0x2153554244524421ull

typedef struct _BUS_CHANGE {
    ULONGLONG Magic;
    ULONG     Units;
    ULONG     How;
} BUS_CHANGE, *PBUS_CHANGE;

static STOR_ADDR_BTL8 Changed;

static VOID StateChanged(PVOID DeviceExtension, PVOID Context, SHORT AddressType, PVOID Address, ULONG Status)
{
    UNREFERENCED_PARAMETER(DeviceExtension);
    UNREFERENCED_PARAMETER(Context);
    DbgPrint("state change of unit %d processed: type %d, status %x\n", ((PSTOR_ADDR_BTL8)Address)->Lun, AddressType, Status);
}

static VOID Tell(PVOID Adapter, ULONG How)
{
    ULONG status;

    if (How == 0) {
        StorPortNotification(BusChangeDetected, Adapter, 0);
        return;
    }
    Changed.Type = STOR_ADDRESS_TYPE_BTL8;
    Changed.AddressLength = STOR_ADDR_BTL8_ADDRESS_LENGTH;
    Changed.Lun = (UCHAR)How;
    status = StorPortStateChangeDetected(Adapter, STATE_CHANGE_LUN, (PSTOR_ADDRESS)&Changed, 0, StateChanged, NULL);
    DbgPrint("state change told: %x\n", status);
    status = StorPortStateChangeDetected(Adapter, STATE_CHANGE_LUN, (PSTOR_ADDRESS)&Changed, 0, StateChanged, NULL);
    DbgPrint("told again meanwhile: %x\n", status);
    status = StorPortStateChangeDetected(Adapter, 8, (PSTOR_ADDRESS)&Changed, 0, StateChanged, NULL);
    DbgPrint("told of no entity: %x\n", status);
}

static BOOLEAN StartIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    BUS_CHANGE order = {0};
    PBUS_CHANGE given = NULL;

    if (NullIsWrite(Srb) && StorPortGetSystemAddress(DeviceExtension, Srb, (PVOID *)&given) == STOR_STATUS_SUCCESS)
        order = *given;
    NullStartIo(DeviceExtension, Srb);
    if (order.Magic == CHANGE_MAGIC) {
        NullUnits = order.Units;
        Tell(DeviceExtension, order.How);
    }
    return TRUE;
}

static ULONG FindAdapter(PVOID DeviceExtension, PVOID HwContext, PVOID BusInformation, PCHAR ArgumentString,
                         PPORT_CONFIGURATION_INFORMATION ConfigInfo, PBOOLEAN Again)
{
    ULONG found = NullFindAdapter(DeviceExtension, HwContext, BusInformation, ArgumentString, ConfigInfo, Again);

    ConfigInfo->MaximumNumberOfLogicalUnits = NULL_UNITS_MAX;
    return found;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwFindAdapter = FindAdapter;
    init.HwStartIo = StartIo;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
