/*
 * An SRB extension is SrbExtensionSize bytes and no more (DRY-03, --checks all).
 *
 * Mistake: HwStorStartIo keeps an array in the extension and writes one entry past its end.
 */
#include "common/nullhba.h"

#define ENTRIES 4

typedef struct _REQUEST {
    ULONG Entry[ENTRIES];
} REQUEST, *PREQUEST;

#ifdef TWIN_CORRECT
#define LAST ENTRIES
#else
#define LAST (ENTRIES + 1)
#endif

static DECLSPEC_NOINLINE VOID Complete(PVOID Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    NullStartIo(Adapter, Srb);
}

static BOOLEAN StartIo(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
    volatile ULONG *entry = ((PREQUEST)SrbGetMiniportContext(Srb))->Entry;
    ULONG i;

    for (i = 0; i < LAST; ++i)
        entry[i] = i;
    Complete(DeviceExtension, Srb);
    return TRUE;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwStartIo = StartIo;
    init.SrbExtensionSize = sizeof(REQUEST);
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
