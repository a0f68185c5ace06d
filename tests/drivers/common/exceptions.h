/*
 * For drivers that check what drydock does about exceptions: the fixture writes Check, which runs once in
 * HwStorFindAdapter, at PASSIVE_LEVEL, and says EXPECT of each fact. What is not so is printed, and the driver refuses to
 * start. __try is the compiler's: these are for clang.
 */
#pragma once

#include "at_find_adapter.h"
#include "guarded.h"

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
