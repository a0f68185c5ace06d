/*
 * Services behind StorPortExtendedFunction and their kin do what their pages say: lists that the miniport builds itself
 * (ST-47, ST-48), the adapter's registry key (ST-192), events and threads (ST-194), and what may be said when (ST-31,
 * ST-32). No mistake: no twin. What does not hold makes the driver refuse to start, or fail its READs.
 */
#include "common/nullhba.h"
#include <ntddstor.h>

#define LIST_BYTES 4096
#define DATA_BYTES (3 * PAGE_SIZE)

static STOR_EVENT Ready, Done;
static PVOID Data, Mdl;
static PSTOR_SCATTER_GATHER_LIST List;
static ULONG Listed;

#define REQUIRE(What)                                                \
    do {                                                             \
        if (!(What)) {                                               \
            DbgPrint("extended_functions:%d: %s\n", __LINE__, #What); \
            return FALSE;                                            \
        }                                                            \
    } while (0)

static VOID Worker(PVOID Adapter)
{
    StorPortWaitForSingleObject(Adapter, &Ready, FALSE, NULL);
    StorPortSetEvent(Adapter, &Done);
    StorPortTerminateSystemThread(Adapter, NULL);
    StorPortInitializeEvent(Adapter, &Done, StorNotificationEvent, FALSE);    /* never reached */
}

static BOOLEAN Threads(PVOID Adapter)
{
    LARGE_INTEGER second = {.QuadPart = -10000000};
    LARGE_INTEGER none = {.QuadPart = 0};
    PVOID thread = NULL;

    REQUIRE(StorPortInitializeEvent(Adapter, &Ready, StorSynchronizationEvent, FALSE) == STOR_STATUS_SUCCESS);
    REQUIRE(StorPortInitializeEvent(Adapter, &Done, StorNotificationEvent, FALSE) == STOR_STATUS_SUCCESS);
    REQUIRE(StorPortInitializeEvent(Adapter, NULL, StorNotificationEvent, FALSE) == STOR_STATUS_INVALID_PARAMETER);
    REQUIRE(StorPortWaitForSingleObject(Adapter, &Done, FALSE, &none) == STOR_STATUS_UNSUCCESSFUL);
    REQUIRE(StorPortCreateSystemThread(Adapter, Worker, Adapter, NULL, &thread) == STOR_STATUS_SUCCESS && thread != NULL);
    REQUIRE(StorPortSetPriorityThread(Adapter, thread, StorThreadPriorityNormal) == STOR_STATUS_SUCCESS);
    REQUIRE(StorPortWaitForSingleObject(Adapter, &Done, FALSE, &second) == STOR_STATUS_UNSUCCESSFUL);
    REQUIRE(StorPortSetEvent(Adapter, &Ready) == STOR_STATUS_SUCCESS);
    REQUIRE(StorPortWaitForSingleObject(Adapter, &Done, FALSE, NULL) == STOR_STATUS_SUCCESS);
    REQUIRE(StorPortWaitForSingleObject(Adapter, thread, FALSE, NULL) == STOR_STATUS_SUCCESS);
    REQUIRE(StorPortWaitForSingleObject(Adapter, &Done, FALSE, &none) == STOR_STATUS_SUCCESS);
    return TRUE;
}

static BOOLEAN Registry(PVOID Adapter)
{
    static UCHAR key[] = "Mine", name[] = "Answer", missing[] = "Missing";
    ULONG value = 42, length = sizeof(value);
    PVOID data = &value;

    REQUIRE(StorPortRegistryWriteAdapterKey(Adapter, key, name, REG_DWORD, &value, sizeof(value)) == STOR_STATUS_SUCCESS);
    value = 0;
    REQUIRE(StorPortRegistryReadAdapterKey(Adapter, key, name, REG_DWORD, &data, &length) == STOR_STATUS_SUCCESS);
    REQUIRE(value == 42 && length == sizeof(value));
    length = 1;
    REQUIRE(StorPortRegistryReadAdapterKey(Adapter, key, name, REG_DWORD, &data, &length) == STOR_STATUS_BUFFER_TOO_SMALL);
    REQUIRE(length == sizeof(value));
    REQUIRE(StorPortRegistryReadAdapterKey(Adapter, NULL, missing, REG_DWORD, &data, &length) == STOR_STATUS_UNSUCCESSFUL);
    return TRUE;
}

static BOOLEAN PassiveInitialize(PVOID DeviceExtension)
{
    static STORPORT_FEATURE_TYPE features[] = {StorportFeatureResetBusSynchronous};

    REQUIRE(StorPortUpdateAdapterMaxIO(DeviceExtension, 100) == STOR_STATUS_SUCCESS);
    REQUIRE(StorPortUpdateAdapterMaxIO(DeviceExtension, 0) == STOR_STATUS_INVALID_PARAMETER);
    REQUIRE(StorPortSetAdapterBusType(DeviceExtension, BusTypeScsi) == STOR_STATUS_UNSUCCESSFUL);
    REQUIRE(StorPortSetFeatureList(DeviceExtension, 1, features) == STOR_STATUS_SUCCESS);
    REQUIRE(StorPortSetFeatureList(DeviceExtension, 1, NULL) == STOR_STATUS_INVALID_PARAMETER);
    REQUIRE(StorPortAllocatePool(DeviceExtension, DATA_BYTES, 0x61746144, &Data) == STOR_STATUS_SUCCESS);
    REQUIRE(StorPortAllocatePool(DeviceExtension, LIST_BYTES, 0x7473694C, (PVOID *)&List) == STOR_STATUS_SUCCESS);
    REQUIRE(StorPortAllocateMdl(DeviceExtension, Data, DATA_BYTES, &Mdl) == STOR_STATUS_SUCCESS);
    REQUIRE(StorPortBuildMdlForNonPagedPool(DeviceExtension, Mdl) == STOR_STATUS_SUCCESS);
    return Threads(DeviceExtension) && Registry(DeviceExtension);
}

static BOOLEAN Initialize(PVOID DeviceExtension)
{
    return StorPortEnablePassiveInitialization(DeviceExtension, PassiveInitialize);
}

static VOID ListBuilt(PVOID DeviceObject, PVOID Irp, PSTOR_SCATTER_GATHER_LIST ScatterGather, PVOID Context)
{
    ULONG i;

    UNREFERENCED_PARAMETER(DeviceObject);
    UNREFERENCED_PARAMETER(Irp);
    for (i = 0; ScatterGather == List && i < ScatterGather->NumberOfElements; ++i)
        Listed += ScatterGather->List[i].Length;
    StorPortPutScatterGatherList(Context, ScatterGather, TRUE);
}

/* DISPATCH_LEVEL: the only one at which lists are built. */
static BOOLEAN Lists(PVOID Adapter)
{
    ULONG status;

    REQUIRE(StorPortBuildScatterGatherList(Adapter, Mdl, Data, DATA_BYTES, ListBuilt, Adapter, TRUE, List, 16) == STOR_STATUS_BUFFER_TOO_SMALL);
    REQUIRE(StorPortUpdateAdapterMaxIO(Adapter, 100) == STOR_STATUS_INVALID_DEVICE_REQUEST);
    status = StorPortBuildScatterGatherList(Adapter, Mdl, Data, DATA_BYTES, ListBuilt, Adapter, TRUE, List, LIST_BYTES);
    REQUIRE(status == STOR_STATUS_SUCCESS);
    return TRUE;
}

static BOOLEAN Free(PVOID Adapter)
{
    REQUIRE(Listed == DATA_BYTES);
    REQUIRE(StorPortFreeMdl(Adapter, Mdl) == STOR_STATUS_SUCCESS);
    REQUIRE(StorPortFreePool(Adapter, List) == STOR_STATUS_SUCCESS);
    REQUIRE(StorPortFreePool(Adapter, Data) == STOR_STATUS_SUCCESS);
    return TRUE;
}

static BOOLEAN BuildIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    PNULL_ADAPTER adapter = DeviceExtension;
    ULONG read = NullIsRead(Srb) ? ++adapter->Spare : 0;

    if ((read != 1 || Lists(DeviceExtension)) && (read != 10 || Free(DeviceExtension)))
        return TRUE;
    NullComplete(DeviceExtension, Srb, SRB_STATUS_ERROR);
    return FALSE;
}

static ULONG FindAdapter(PVOID DeviceExtension, PVOID HwContext, PVOID BusInformation, PCHAR ArgumentString,
                         PPORT_CONFIGURATION_INFORMATION ConfigInfo, PBOOLEAN Again)
{
    if (StorPortSetAdapterBusType(DeviceExtension, BusTypeScsi) != STOR_STATUS_SUCCESS ||
        StorPortSetAdapterBusType(DeviceExtension, BusTypeMax) != STOR_STATUS_INVALID_PARAMETER)
        return SP_RETURN_ERROR;
    return NullFindAdapter(DeviceExtension, HwContext, BusInformation, ArgumentString, ConfigInfo, Again);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwFindAdapter = FindAdapter;
    init.HwInitialize = Initialize;
    init.HwBuildIo = BuildIo;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
