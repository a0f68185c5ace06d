#!/usr/bin/env python3
"""Writes random nestings of __try, __except and __finally in C, each with the events that a plain model expects of it.

    exceptions_random.py SEED COUNT > exceptions_random.h

The model knows no stack frames and no tables: an exception asks the __except statements that are active, innermost first,
then runs the __finally blocks further in than the one that accepted, and goes on in its handler. A filter runs with
everything still active, a __finally block with what is outside of it.
"""
import random
import sys

VIOLATION, NONCONTINUABLE = 0xC0000005, 0xC0000025
CODES = [0xE0000001, 0xE0000002, 0xE0000003]
ABNORMAL = 0x8000
DEPTH, FUNCTIONS = 3, 3


class Unwound(Exception):
    def __init__(self, target, code):
        self.target, self.code = target, code


class Returned(Exception):
    pass


class Left(Exception):
    pass


class Case:
    """One program: functions[0] is entered; a function calls only later ones, so it ends."""

    def __init__(self, number, rng):
        self.number, self.rng, self.ids = number, rng, 0
        self.filters, self.functions = [], []
        for index in range(FUNCTIONS):
            self.functions.append(None)
        for index in reversed(range(FUNCTIONS)):
            self.functions[index] = self.block(DEPTH if index == 0 else DEPTH - 1, index, may_return=True, may_leave=False)

    def id(self):
        self.ids += 1
        return self.ids

    def block(self, depth, function, **may):
        statements = [self.statement(depth, function, **may) for _ in range(self.rng.randint(1, 2))]
        return statements + [("say", self.id())]

    def statement(self, depth, function, may_return, may_leave):
        kinds = ["say", "raise", "trap"]
        if depth > 0:
            kinds += ["finally"] * 3 + ["except"] * 3
        if function + 1 < FUNCTIONS:
            kinds += ["call"] * 2
        kinds += ["soft"] + (["return"] if may_return else []) + (["leave"] if may_leave else [])
        kind = self.rng.choice(kinds)
        may = {"may_return": may_return, "may_leave": may_leave}
        inside = {"may_return": may_return, "may_leave": True}
        if kind == "finally":
            return (kind, self.block(depth - 1, function, **inside), self.id(),
                    self.block(depth - 2 if depth > 1 else 0, function, may_return=False, may_leave=False))
        if kind == "except":
            return (kind, self.block(depth - 1, function, **inside), self.filter(function), self.id(), self.block(depth - 1, function, **may))
        if kind == "call":
            return (kind, self.rng.randint(function + 1, FUNCTIONS - 1))
        if kind in ("raise", "soft"):
            return (kind, self.rng.choice(CODES))
        return (kind, self.id())

    def filter(self, function):
        takes = set(self.rng.sample(CODES + [VIOLATION, NONCONTINUABLE], self.rng.randint(0, 5)))
        resumes = set(self.rng.sample(CODES, 1)) - takes if self.rng.random() < 0.3 else set()
        first = None  # what it does the first time it is asked
        if self.rng.random() < 0.25:
            first = self.rng.choice([("raise", self.rng.choice(CODES)), ("guarded", self.id()), ("trap", 0)])
        self.filters.append({"id": self.id(), "takes": takes, "resumes": resumes, "first": first})
        return len(self.filters) - 1

    # --- the model ---------------------------------------------------------------------------------------------------

    def expected(self):
        self.events, self.asked = [], set()
        target = object()
        try:
            self.run(self.functions[0], [("except", target, None)])
        except Returned:
            pass
        except Unwound as unwound:
            assert unwound.target is target
            self.events += [0, unwound.code & 0x7FFF]
        return self.events

    def say(self, event):
        self.events.append(event)

    def run(self, statements, active):
        for statement in statements:
            getattr(self, "run_" + statement[0])(active, *statement[1:])

    def run_say(self, active, event):
        self.say(event)

    def run_raise(self, active, code):
        self.exception(code, False, active)

    def run_soft(self, active, code):
        self.exception(code, True, active)

    def run_trap(self, active, _):
        self.exception(VIOLATION, True, active)

    def run_call(self, active, function):
        try:
            self.run(self.functions[function], active)
        except Returned:
            pass

    def run_return(self, active, _):
        raise Returned

    def run_leave(self, active, _):
        raise Left

    def run_finally(self, active, body, event, block):
        me = object()
        try:
            self.run(body, active + [("finally", me, (event, block))])
        except Left:
            pass
        except Returned:
            self.terminate(active, event, block, ABNORMAL)
            raise
        self.terminate(active, event, block, 0)

    def terminate(self, outside, event, block, abnormal):
        self.say(event | abnormal)
        self.run(block, outside)

    def run_except(self, active, body, which, event, handler):
        me = object()
        try:
            self.run(body, active + [("except", me, which)])
        except Left:
            pass
        except Unwound as unwound:
            if unwound.target is not me:
                raise
            self.say(event)
            self.say(unwound.code & 0x7FFF)
            self.run(handler, active)

    def exception(self, code, continuable, active):
        for index in reversed(range(len(active))):
            kind, target, which = active[index]
            if kind != "except":
                continue
            answer = 1 if which is None else self.ask(which, code, active)
            if answer < 0:
                return None if continuable else self.exception(NONCONTINUABLE, False, active)
            if answer > 0:
                for further_in in reversed(range(index + 1, len(active))):
                    if active[further_in][0] == "finally":
                        self.terminate(active[:further_in], *active[further_in][2], ABNORMAL)
                raise Unwound(target, code)
        raise AssertionError("the outermost filter takes everything")

    def ask(self, which, code, active):
        rule = self.filters[which]
        self.say(rule["id"])
        if rule["first"] and which not in self.asked:
            self.asked.add(which)
            kind, value = rule["first"]
            if kind == "raise":
                self.exception(value, False, active)
            elif kind == "trap":
                self.exception(VIOLATION, True, active)
            else:
                self.say(value)
        return 1 if code in rule["takes"] else -1 if code in rule["resumes"] and code != VIOLATION else 0

    # --- the same in C -----------------------------------------------------------------------------------------------

    def c(self):
        lines = [f"static volatile UCHAR Asked{self.number}[{max(1, len(self.filters))}];"]
        lines += [f"static __attribute__((unused)) VOID F{self.number}_{index}(void);" for index in range(FUNCTIONS)]
        for index, rule in enumerate(self.filters):
            lines += self.c_filter(index, rule)
        for index, statements in enumerate(self.functions):
            lines += [f"static DECLSPEC_NOINLINE VOID F{self.number}_{index}(void)", "{",
                      f"    volatile ULONG local = {self.number * 10 + index};", "    UNREFERENCED_PARAMETER(local);"]
            lines += self.c_block(statements, 1, index) + ["}"]
        events = self.expected()
        lines.append(f"static const USHORT Expected{self.number}[] = {{{', '.join(map(str, [len(events)] + events))}}};")
        return lines

    def c_filter(self, index, rule):
        lines = [f"static DECLSPEC_NOINLINE LONG Filter{self.number}_{index}(ULONG Code)", "{", f"    UNREFERENCED_PARAMETER(Code);", f"    Event({rule['id']});"]
        if rule["first"]:
            kind, value = rule["first"]
            action = {"raise": f"Raise({value:#x});", "trap": "Trap();",
                      "guarded": f"__try {{ Raise(0xE0000009); }} __except (EXCEPTION_EXECUTE_HANDLER) {{ Event({value}); }}"}[kind]
            lines += [f"    if (Asked{self.number}[{index}]++ == 0) {{", f"        {action}", "    }"]
        lines += [f"    if (Code == {code:#x}) return EXCEPTION_EXECUTE_HANDLER;" for code in sorted(rule["takes"])]
        lines += [f"    if (Code == {code:#x}) return EXCEPTION_CONTINUE_EXECUTION;" for code in sorted(rule["resumes"])]
        return lines + ["    return EXCEPTION_CONTINUE_SEARCH;", "}"]

    def c_block(self, statements, indent, function):
        return [line for statement in statements for line in self.c_statement(statement, indent, function)]

    def c_statement(self, statement, indent, function):
        pad, kind = "    " * indent, statement[0]
        if kind == "finally":
            _, body, event, block = statement
            return ([pad + "__try {"] + self.c_block(body, indent + 1, function) + [pad + "} __finally {"] +
                    [f"{pad}    Event(AbnormalTermination() ? {event | ABNORMAL} : {event});"] +
                    self.c_block(block, indent + 1, function) + [pad + "}"])
        if kind == "except":
            _, body, which, event, handler = statement
            return ([pad + "__try {"] + self.c_block(body, indent + 1, function) +
                    [f"{pad}}} __except (Filter{self.number}_{which}(GetExceptionCode())) {{"] +
                    [f"{pad}    Event({event});", f"{pad}    Event((USHORT)(GetExceptionCode() & 0x7FFF));",
                     f"{pad}    if (local != {self.number * 10 + function}) Event(0xFFFF);"] +
                    self.c_block(handler, indent + 1, function) + [pad + "}"])
        value = statement[1]
        return [pad + {"say": f"Event({value});", "raise": f"Raise({value:#x});" if isinstance(value, int) else "", "soft": f"RaiseSoftly({value:#x});",
                       "trap": "Trap();", "call": f"F{self.number}_{value}();", "return": "if (One) return;",
                       "leave": "if (One) __leave;"}[kind]]


def main():
    rng, count = random.Random(int(sys.argv[1])), int(sys.argv[2])
    cases = []
    while len(cases) < count:
        case = Case(len(cases), rng)
        if 8 <= len(case.expected()) <= 1000:
            cases.append(case)
    print("/* Written by exceptions_random.py. */")
    for case in cases:
        print("\n".join(case.c()))
    print("static const CASE Cases[] = {")
    for case in cases:
        print(f"    {{F{case.number}_0, Expected{case.number}}},")
    print("};")


main()
