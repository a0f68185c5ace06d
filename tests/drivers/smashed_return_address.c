/*
 * A routine returns to where it was called.
 *
 * Mistake: FillName writes behind its buffer, over its own return address.
 * drydock says: a return to nowhere, with the stack of the caller (exit status 4). The twin stays inside the buffer.
 */
#include "common/at_first_read.h"

#ifdef TWIN_CORRECT
#define FILLED 16
#else
#define FILLED 64
#endif

static DECLSPEC_NOINLINE VOID FillName(volatile UCHAR *Copy)
{
    volatile UCHAR name[16];
    ULONG i;

    for (i = 0; i < FILLED; ++i)
        *(volatile UCHAR *)(name + i) = i % 8 < 5 ? (UCHAR)(0x20 + i) : 0;
    *Copy = name[3];
}

static DECLSPEC_NOINLINE VOID NameIt(PVOID Adapter)
{
    volatile UCHAR copy = 0;

    FillName(&copy); /* EXPECT: the routine that never came back */
    ((PNULL_ADAPTER)Adapter)->Spare = copy;
}

static VOID AtFirstRead(PVOID Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    UNREFERENCED_PARAMETER(Srb);
    NameIt(Adapter);
}
