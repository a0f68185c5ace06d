/*
 * What a driver asserts is true (VER-83).
 *
 * Mistake: an assertion compiled to int 2Ch fails.
 * drydock says: VER-83, in AtPassive, and goes on. The twin's assertion holds.
 */
#include "common/at_passive.h"

static VOID AtPassive(PVOID Adapter)
{
    PNULL_ADAPTER adapter = Adapter;

#ifdef TWIN_CORRECT
    adapter->Spare = 1;
#endif
    if (adapter->Spare == 0)
        __asm__ volatile("int $0x2c"); /* EXPECT: VER-83 */
}
