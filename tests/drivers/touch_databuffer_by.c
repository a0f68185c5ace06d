/*
 * The DataBuffer of a READ is not mapped (ST-42): whoever reads it on the driver's behalf reads it for the driver.
 *
 * Mistake: it is read by a string instruction, by memcpy, by StorPortMoveMemory, by DbgPrint (one of them: BY_...).
 * drydock says: ST-42, at the driver's line. The twin asks StorPortGetSystemAddress for an address it may use.
 */
#include "common/nullhba.h"

#define LOOK_BYTES 64

static UCHAR Copy[LOOK_BYTES];

static DECLSPEC_NOINLINE VOID LookAtData(const VOID *Data, ULONG Bytes)
{
#if defined(BY_REP_MOVS)
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
    if (NullIsWrite(Srb) && SrbGetDataTransferLength(Srb) >= LOOK_BYTES) {
#ifdef TWIN_CORRECT
        PVOID data = NULL;

        if (StorPortGetSystemAddress(DeviceExtension, Srb, &data) == STOR_STATUS_SUCCESS)
            LookAtData(data, LOOK_BYTES);
#else
        LookAtData(SrbGetDataBuffer(Srb), LOOK_BYTES);
#endif
    }
    return NullStartIo(DeviceExtension, Srb);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwStartIo = StartIo;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
