/*
 * Entries of an SLIST lie at multiples of 16 (ST-193).
 *
 * Mistake: the entry lies 8 bytes too far.
 * drydock says: ST-193, in AtPassive. The twin aligns it.
 */
#include "common/at_passive.h"

static DECLSPEC_ALIGN(16) SLIST_HEADER Head;
static DECLSPEC_ALIGN(16) UCHAR Room[64];

static VOID AtPassive(PVOID Adapter)
{
    PUCHAR entry = Room;

    UNREFERENCED_PARAMETER(Adapter);
    InitializeSListHead(&Head);
#ifndef TWIN_CORRECT
    entry += 8;
#endif
    ExpInterlockedPushEntrySList(&Head, (PSLIST_ENTRY)(PVOID)entry); /* EXPECT: ST-193 */
}
