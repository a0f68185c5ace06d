/*
 * The data of a request is the miniport's until it completes the request (ST-121), however it came by the address: DataBuffer itself,
 * mapped by the port driver (OF_MAPPED), or StorPortGetSystemAddress.
 *
 * Mistake: a WRITE's data is read after the completion, by a load, a string instruction, memcpy, StorPortMoveMemory or DbgPrint (one
 * of them: BY_...). The twin does it before.
 */
#include "common/nullhba.h"

#define LOOK_BYTES 4

static UCHAR Copy[LOOK_BYTES];

static DECLSPEC_NOINLINE VOID LookAtData(const VOID *Data, ULONG Bytes)
{
#if defined(BY_LOAD)
    Copy[Bytes - 1] = *(volatile const UCHAR *)Data; /* EXPECT load: ST-42 */
#elif defined(BY_REP_MOVS)
    PVOID to = Copy;
    SIZE_T count = Bytes;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(Data), "+c"(count) : : "memory"); /* EXPECT rep_movs: ST-42 */
#elif defined(BY_MEMCPY)
    RtlCopyMemory(Copy, Data, Bytes); /* EXPECT memcpy: ST-42 */
#elif defined(BY_MOVE_MEMORY)
    StorPortMoveMemory(Copy, (PVOID)Data, Bytes); /* EXPECT move_memory: ST-42 */
#elif defined(BY_DEBUG_PRINT)
    DbgPrint("data: %.*s\n", (int)(Bytes < 4 ? Bytes : 4), (const char *)Data); /* EXPECT debug_print: ST-42 */
#endif
    Copy[0] += 1;
}

static BOOLEAN StartIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    PVOID data = NULL;

    if (!NullIsWrite(Srb) || SrbGetDataTransferLength(Srb) < LOOK_BYTES)
        return NullStartIo(DeviceExtension, Srb);
#ifdef OF_MAPPED
    data = SrbGetDataBuffer(Srb);
#else
    if (StorPortGetSystemAddress(DeviceExtension, Srb, &data) != STOR_STATUS_SUCCESS)
        return NullStartIo(DeviceExtension, Srb);
#endif
#ifdef TWIN_CORRECT
    LookAtData(data, LOOK_BYTES);
    return NullStartIo(DeviceExtension, Srb);
#else
    NullStartIo(DeviceExtension, Srb);
    LookAtData(data, LOOK_BYTES);
    return TRUE;
#endif
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwStartIo = StartIo;
#ifdef OF_MAPPED
    init.MapBuffers = STOR_MAP_ALL_BUFFERS_INCLUDING_READ_WRITE;
#endif
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
