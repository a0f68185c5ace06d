/*
 * A pool block ends where it ends (VER-120), and is over when it is freed (VER-121).
 *
 * Mistake: bytes behind it (OVERRUN) or before it (UNDERRUN) are written, or it is used after its end (AFTER_FREE: read,
 * WRITE_AFTER_FREE).
 * drydock says: by default what it finds when the block is freed; with --checks all, or built by drydock-cc --kasan, the
 * line that did it and where the block came from. The twin stays inside.
 */
#include "common/nullhba.h"

#define BLOCK_BYTES 40u
#define TAG         0x74736554u       /* "Test", as it lies in memory */

#ifdef TWIN_CORRECT
#define END BLOCK_BYTES
#else
#define END (BLOCK_BYTES + 16)        /* over the closed page's border: pool blocks begin on multiples of 16 */
#endif

static DECLSPEC_NOINLINE PVOID AllocateBlock(PVOID Adapter)
{
    PVOID block = NULL;

    if (StorPortAllocatePool(Adapter, BLOCK_BYTES, TAG, &block) != STOR_STATUS_SUCCESS)
        return NULL;
    return block;
}

static DECLSPEC_NOINLINE VOID FreeBlock(PVOID Adapter, PVOID Block)
{
    StorPortFreePool(Adapter, Block);
}

static DECLSPEC_NOINLINE ULONG UseBlock(volatile UCHAR *Block)
{
#if defined(OVERRUN)
    ULONG i;

    for (i = 0; i < END; ++i)
        Block[i] = (UCHAR)i; /* EXPECT overrun: VER-120 */
    return 0;
#elif defined(UNDERRUN)
    Block[(LONG)BLOCK_BYTES - (LONG)END + 8] = 1; /* EXPECT underrun: VER-120 */
    return 0;
#elif defined(WRITE_AFTER_FREE)
    return Block[8] = 1; /* EXPECT write_after_free: VER-121 */
#else
    return Block[8]; /* EXPECT after_free: VER-121 */
#endif
}

static BOOLEAN Initialize(PVOID DeviceExtension)
{
    PNULL_ADAPTER adapter = DeviceExtension;
    PVOID block = AllocateBlock(DeviceExtension);

    if (block == NULL)
        return FALSE;
#if (defined(AFTER_FREE) || defined(WRITE_AFTER_FREE)) && !defined(TWIN_CORRECT)
    FreeBlock(DeviceExtension, block);
    adapter->Spare = UseBlock(block);
    block = AllocateBlock(DeviceExtension);
    if (block != NULL)
        FreeBlock(DeviceExtension, block);
#else
    adapter->Spare = UseBlock(block);
    FreeBlock(DeviceExtension, block);
#endif
    return NullInitialize(DeviceExtension);
}

/* Pool is for DISPATCH_LEVEL and below: HwStorPassiveInitializeRoutine, not HwStorInitialize. */
static HW_PASSIVE_INITIALIZE_ROUTINE PassiveInitialize;
static BOOLEAN PassiveInitialize(PVOID DeviceExtension)
{
    return Initialize(DeviceExtension);
}

static BOOLEAN EnableInitialize(PVOID DeviceExtension)
{
    return (BOOLEAN)StorPortEnablePassiveInitialization(DeviceExtension, PassiveInitialize);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;

    NullDescribe(&init);
    init.HwInitialize = EnableInitialize;
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL);
}
