"""No tracked file names the machine it was written on: folders of a workplace, package mirrors, registries."""
import re

from tree import line_of

# Spelled with a class in the middle, so that this file does not find itself.
MACHINE = re.compile(r"(?<![\w.$}])/(?:wor[k]|home|root|Users)/[\w.]"
                     r"|(?<![\w.$}])/tm[p]/[\w.]{2}"
                     r"|\b(?:snapshot|deb|security|ftp)\.debia[n]\.org"
                     r"|\b(?:registry\.npmj[s]|pyp[i]\.org|pythonhoste[d]|prox[y]\.golang|crate[s]\.io/api)"
                     r"|https?_prox[y]=")
EXEMPT = r"(tools/tidy/selftest\.py|docs/spec\.md)$"


def check(tree):
    for path in tree.paths():
        if re.match(EXEMPT, path):
            continue
        text = tree.text(path)
        for match in MACHINE.finditer(text):
            yield path, line_of(text, match.start()), f"{match.group(0).strip()}…: a path or host of one machine"
