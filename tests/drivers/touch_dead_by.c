/*
 * After its completion an SRB, its extension and its scatter/gather list belong to Storport (ST-121, ST-60, ST-43): whoever
 * reads them on the driver's behalf reads them for the driver.
 *
 * Mistake: the SRB is read by memcpy, the extension by StorPortMoveMemory or DbgPrint, the list by a string instruction
 * (one of them: BY_...), after the completion. The twin does it before.
 */
#include "common/nullhba.h"

static UCHAR Copy[sizeof(STORAGE_REQUEST_BLOCK)];

static DECLSPEC_NOINLINE VOID LookAtRequest(PSCSI_REQUEST_BLOCK Srb, PSTOR_SCATTER_GATHER_LIST List, PVOID Extension, ULONG Bytes)
{
    UNREFERENCED_PARAMETER(Srb);
    UNREFERENCED_PARAMETER(List);
    UNREFERENCED_PARAMETER(Extension);
#if defined(BY_REP_MOVS)
    PVOID to = Copy;
    SIZE_T count = Bytes;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(List), "+c"(count) : : "memory"); /* EXPECT rep_movs: ST-43 */
#elif defined(BY_MEMCPY)
    RtlCopyMemory(Copy, Srb, Bytes); /* EXPECT memcpy: ST-121 */
#elif defined(BY_MOVE_MEMORY)
    StorPortMoveMemory(Copy, Extension, sizeof(NULL_REQUEST)); /* EXPECT move_memory: ST-60 */
#elif defined(BY_DEBUG_PRINT)
    DbgPrint("marker %.3s\n", (const char *)Extension); /* EXPECT debug_print: ST-60 */
#endif
    Copy[0] += (UCHAR)Bytes;
}

static BOOLEAN StartIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    PNULL_REQUEST request = SrbGetMiniportContext(Srb);
    PSTOR_SCATTER_GATHER_LIST list;

    if (!NullIsRead(Srb))
        return NullStartIo(DeviceExtension, Srb);
    list = StorPortGetScatterGatherList(DeviceExtension, Srb);
    request->Marker = 0x00636261;    /* "abc" */
#ifdef TWIN_CORRECT
    LookAtRequest(Srb, list, request, 16);
    return NullStartIo(DeviceExtension, Srb);
#else
    NullStartIo(DeviceExtension, Srb);
    LookAtRequest(Srb, list, request, 16);
    return TRUE;
#endif
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwStartIo = StartIo;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
