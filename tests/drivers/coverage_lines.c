/*
 * What tests/system/coverage.py counts: each line with a mark runs so many times in a self-check, built by any compiler with
 * drydock-cc --coverage.
 */
#include "common/nullhba.h"

#define ROUNDS 7

static DECLSPEC_NOINLINE ULONG Collatz(ULONG Value)
{
    ULONG steps = 0; /* HITS: 8 */

    while (Value != 1) { /* HITS: 20 */
        if (Value & 1)
            Value = 3 * Value + 1; /* HITS: 2 */
        else
            Value /= 2; /* HITS: 10 */
        ++steps; /* HITS: 12 */
    }
    return steps;
}

static DECLSPEC_NOINLINE ULONG Never(VOID)
{
    return 1; /* HITS: 0 */
}

FORCEINLINE BOOLEAN Small(ULONG Round)
{
    return (BOOLEAN)(Round < 3); /* HITS: 7 */
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    HW_INITIALIZATION_DATA init;
    ULONG round, sum = 0;

    NullDescribe(&init); /* HITS: 1 */
    for (round = 0; round < ROUNDS; ++round) {
        sum += Collatz(Small(round) ? 1 : 2); /* HITS: 7 */
        switch (round % 4) {
        case 0: sum += 1; break; /* HITS: 2 */
        case 1: sum += 2; break; /* HITS: 2 */
        case 2: sum += 3; break; /* HITS: 2 */
        default: sum += 4; break; /* HITS: 1 */
        }
    }
    sum += Collatz(7 - 1 + 0 * sum); /* HITS: 1 */
    if (sum == 0)
        sum = Never(); /* HITS: 0 */
    init.DeviceExtensionSize += sum & 1; /* HITS: 1 */
    return (NTSTATUS)StorPortInitialize(DriverObject, RegistryPath, &init, NULL); /* HITS: 1 */
}
