"""Finds function bodies in C and C++ without a parser: braces outside any function, judged by what stands before them."""
import re
from dataclasses import dataclass

from tree import code_of

ATTRIBUTE = re.compile(r"\[\[[^\]]*\]\]|\b(__attribute__|__declspec|alignas|DECLSPEC_ALIGN|DRYDOCK_\w+)\s*\((?:[^()]|\([^()]*\))*\)")
NAMESPACE = re.compile(r"\b(namespace\b[^()]*|extern\s*(\"\s*\"|\s+)?)\s*$")
RECORD = re.compile(r"\b(class|struct|union|enum)\b[^()=]*$")
LAMBDA = re.compile(r"=\s*\[[^\]]*\]")
INITIALISER = re.compile(r"(=|\breturn|,|\()\s*$|=[^()]*$")
NAME = re.compile(r"([~\w:]+(?:\s*operator\s*[^\s(]+)?)\s*\(")
MACRO_TEST = re.compile(r"\b(TEST|TEST_F|TEST_P|TYPED_TEST|BENCHMARK\w*)\s*\(\s*(\w+)\s*,\s*(\w+)")


@dataclass
class Function:
    name: str
    line: int     # of the first line of its signature
    length: int   # lines from there to the closing brace


def functions_of(text):
    """Every function with a body, in order. Lambdas and local classes belong to the function around them."""
    code = blank_preprocessor(code_of(text))
    found, kinds, head_start = [], [], 0
    for position, character in enumerate(code):
        if character == "{":
            if "function" in kinds:
                kinds.append("inner")
                continue
            kind = kind_of(code[head_start:position])
            if kind == "function":
                found.append((head_start, position))
            kinds.append(kind)
            if kind != "initialiser":
                head_start = position + 1
        elif character == "}" and kinds:
            kind = kinds.pop()
            if kind == "function":
                found[-1] = found_function(code, *found[-1], position)
            if kind != "initialiser" and "function" not in kinds:
                head_start = position + 1
        elif character == ";" and "function" not in kinds and "initialiser" not in kinds:
            head_start = position + 1
    return [function for function in found if isinstance(function, Function)]


def without_attributes(head):
    return ATTRIBUTE.sub(lambda match: " " * len(match.group(0)), head)


def kind_of(head):
    head = without_attributes(head).strip()
    if LAMBDA.search(head) and head.endswith((")", "]", "noexcept", "mutable")) or LAMBDA.search(head) and "->" in head:
        return "function"
    if NAMESPACE.search(head):
        return "namespace"
    if RECORD.search(head):
        return "record"
    if head.endswith((":", "public", "private", "protected")) or not head:
        return "initialiser" if head else "record"
    if re.search(r"\)[^()]*:[^:].*[\w>]\s*$", head) and not head.endswith((")", "}")):
        return "initialiser"      # a member initialiser: Foo() : a_{
    if "(" in head and not INITIALISER.search(head):
        return "function"
    return "initialiser"


def found_function(code, head_start, brace, end):
    head = without_attributes(code[head_start:brace])
    signature = head_start + len(head) - len(head.lstrip())
    test = MACRO_TEST.search(head)
    name = NAME.search(head)
    shown = f"{test.group(2)}.{test.group(3)}" if test else name.group(1) if name else "(lambda)"
    first = code.count("\n", 0, signature) + 1
    return Function(shown, first, code.count("\n", 0, end) + 2 - first)


def blank_preprocessor(code):
    """Directives (with their continuation lines) hold no function; an #else branch would unbalance the braces."""
    kept, skipping_else, depth = [], 0, 0
    lines = iter(code.split("\n"))
    for line in lines:
        directive = re.match(r"\s*#\s*(\w+)", line)
        if directive:
            kept.append("")
            depth, skipping_else = after_directive(directive.group(1), depth, skipping_else)
            while line.endswith("\\"):
                line = next(lines, "")
                kept.append("")
        else:
            kept.append("" if skipping_else else line)
    return "\n".join(kept)


def after_directive(word, depth, skipping_else):
    """Only the first branch of a conditional is read: `skipping_else` is the depth of the one being skipped."""
    if word in ("if", "ifdef", "ifndef"):
        return depth + 1, skipping_else
    if word in ("else", "elif") and not skipping_else:
        return depth, depth
    if word == "endif":
        return depth - 1, 0 if skipping_else == depth else skipping_else
    return depth, skipping_else
