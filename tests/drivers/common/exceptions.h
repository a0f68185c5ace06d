/*
 * For drivers that check what drydock does about exceptions: the fixture writes Check, which runs once in
 * HwStorFindAdapter, at PASSIVE_LEVEL, and says EXPECT of each fact. What is not so is printed, and the driver refuses to
 * start. __try is the compiler's: these are for clang.
 */
#pragma once

#include "at_find_adapter.h"

/* An address of user space where nothing is; not a constant to the compiler. */
static volatile ULONG *volatile NowhereAddress = (volatile ULONG *)0x10000;
#define NOWHERE (NowhereAddress)

static ULONG Facts;
static ULONG Wrong;
static char  Log[512];
static ULONG LogLength;

static void Check(void);

#define EXPECT(Fact) Expect((Fact) != 0, #Fact, __LINE__)

static DECLSPEC_NOINLINE VOID Expect(BOOLEAN Holds, const char *Fact, ULONG Line)
{
    ++Facts;
    if (!Holds) {
        ++Wrong;
        DbgPrint("line %u: not so: %s\n", Line, Fact);
    }
}

static DECLSPEC_NOINLINE VOID Say(char Event)
{
    if (LogLength < sizeof(Log) - 1)
        Log[LogLength++] = Event;
}

static VOID Clear(void)
{
    RtlZeroMemory(Log, sizeof(Log));
    LogLength = 0;
}

static BOOLEAN Said(const char *Events)
{
    BOOLEAN same = strcmp(Log, Events) == 0;

    if (!same)
        DbgPrint("events: %s, expected: %s\n", Log, Events);
    Clear();
    return same;
}

/* A filter that says so and answers. */
static DECLSPEC_NOINLINE __attribute__((unused)) LONG Answer(char Event, LONG What)
{
    Say(Event);
    return What;
}

/* Does the scope table of the function at Address guard it with an __except? Read as "x64 exception handling" has it. */
static __attribute__((unused)) BOOLEAN IsGuarded(PVOID Address)
{
    ULONG_PTR base = 0;
    PRUNTIME_FUNCTION function = RtlLookupFunctionEntry((ULONG_PTR)Address, &base, NULL);
    ULONG rva = (ULONG)((ULONG_PTR)Address - base), codes, i;
    const UCHAR *info;
    const SCOPE_TABLE_AMD64 *table;

    if (function == NULL)
        return FALSE;
    info = (const UCHAR *)(base + function->UnwindInfoAddress);
    codes = (info[2] + 1u) & ~1u;
    if (((info[0] >> 3) & UNW_FLAG_EHANDLER) == 0)
        return FALSE;
    table = (const SCOPE_TABLE_AMD64 *)(info + 4 + codes * 2 + sizeof(ULONG));
    for (i = 0; i < table->Count; ++i)
        if (rva >= table->ScopeRecord[i].BeginAddress && rva < table->ScopeRecord[i].EndAddress &&
            table->ScopeRecord[i].JumpTarget != 0)
            return TRUE;
    return FALSE;
}

static ULONG AtFindAdapter(PVOID Adapter, PPORT_CONFIGURATION_INFORMATION Config)
{
    UNREFERENCED_PARAMETER(Adapter);
    UNREFERENCED_PARAMETER(Config);
    Check();
    if (Wrong != 0 || Facts == 0)
        return SP_RETURN_ERROR;
    DbgPrint("all %u facts hold\n", Facts);
    return SP_RETURN_FOUND;
}
