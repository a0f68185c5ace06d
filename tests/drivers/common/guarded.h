/* What the compiler wrote about an instruction: for drivers that prove where an access lies. Include a WDK header first. */
#pragma once

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
