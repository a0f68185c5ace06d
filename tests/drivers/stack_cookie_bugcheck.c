/*
 * A buffer on the stack is not overrun (0xF7).
 *
 * Mistake: the cookie of a frame has changed, and the check at its end is that of the older run-time library, which calls KeBugCheckEx.
 * drydock says: bug check 0xF7, DRIVER_OVERRAN_STACK_BUFFER, from ReportOverrun (exit status 4). The twin's cookie is whole.
 */
#include "common/at_first_read.h"

static volatile ULONG_PTR Cookie = 0x2B992DDFA232;

static DECLSPEC_NOINLINE VOID ReportOverrun(ULONG_PTR Found)
{
    KeBugCheckEx(0xF7, Found, Cookie, ~Cookie, 0); /* EXPECT: 0xF7 */
}

static VOID AtFirstRead(PVOID Adapter, PSCSI_REQUEST_BLOCK Srb)
{
    struct {
        volatile UCHAR Name[16];
        volatile ULONG_PTR Cookie;
    } frame;
    ULONG i, filled = 16;

    UNREFERENCED_PARAMETER(Adapter);
    UNREFERENCED_PARAMETER(Srb);
    frame.Cookie = Cookie;
#ifndef TWIN_CORRECT
    filled = 20;
#endif
    for (i = 0; i < filled; ++i)
        ((volatile UCHAR *)&frame)[i] = (UCHAR)i;
    if (frame.Cookie != Cookie)
        ReportOverrun(frame.Cookie);
}
