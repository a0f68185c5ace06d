/*
 * A buffer on the stack is not overrun (0x139, 2).
 *
 * Mistake: FillName writes behind its buffer; the driver is built with /GS (clang, -fstack-protector).
 * drydock says: bug check 0x139 with 2, the stack cookie, in FillName (exit status 4). The twin stays inside.
 */
#include "common/at_first_read.h"

#ifdef TWIN_CORRECT
#define FILLED 16
#else
#define FILLED 28
#endif

static DECLSPEC_NOINLINE VOID FillName(volatile UCHAR *Copy)
{
    volatile UCHAR name[16];
    ULONG i;

    for (i = 0; i < FILLED; ++i)
        *(volatile UCHAR *)(name + i) = (UCHAR)i;
    *Copy = name[3];
}

static VOID AtFirstRead(PVOID Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    volatile UCHAR copy = 0;

    UNREFERENCED_PARAMETER(Srb);
    FillName(&copy);
    ((PNULL_ADAPTER)Adapter)->Spare = copy;
}
