"""A `DOC:` comment, or a finding that code reports, cites rules of docs/spec.md that exist."""
import re

from citations import citations_of, literals_of, read_rules

# A citation may also name another public source outright.
OTHER_SOURCE = re.compile(r"n[fscei]-\w+|virtio|PCI|SPC|SBC|SAM|NVMe|PE/COFF|Intel|AMD|System V|[a-z0-9]+(-[a-z0-9]+)+")


def check(tree):
    rules = read_rules(tree)
    for citation in [*citations_of(tree), *literals_of(tree)]:
        for unknown in (id for id in citation.ids if id not in rules):
            if not in_range(unknown, citation):
                yield citation.path, citation.line, f"{unknown}: no such rule in docs/spec.md"
        if not citation.ids and not OTHER_SOURCE.match(citation.text):
            yield citation.path, citation.line, "DOC: names no rule and no page"


def in_range(unknown, citation):
    """Ranges may step over numbers that were never given out, but their ends exist."""
    return unknown not in re.findall(r"[A-Z]+-\d+[a-z]?", citation.text) and re.search("…|\\.\\.", citation.text)
