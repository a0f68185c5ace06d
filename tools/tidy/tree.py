"""The source tree as the checks see it: relative paths and their text."""
import functools
import re
import subprocess
from pathlib import Path

SKIPPED_FOLDERS = {".git", "build", ".cache", "__pycache__"}


class Tree:
    """A set of text files by relative path. `folder` is read from disk; `files` gives them directly (self-test)."""

    def __init__(self, folder=None, files=None):
        self._folder = Path(folder) if folder else None
        self._texts = dict(files or {})
        if self._folder:
            for path in list_files(self._folder):
                self._texts[path] = None

    def paths(self, pattern=""):
        """Every path that matches the regular expression from its beginning, sorted."""
        return sorted(path for path in self._texts if re.match(pattern, path))

    def has(self, path):
        return path in self._texts

    def text(self, path):
        if self._texts[path] is None:
            self._texts[path] = read_text(self._folder / path)
        return self._texts[path]


def list_files(folder):
    """What git tracks or would add; without git, everything that is not built."""
    command = ["git", "-c", "safe.directory=*", "-C", str(folder), "ls-files", "-z", "--cached", "--others",
               "--exclude-standard"]
    try:
        listed = subprocess.run(command, capture_output=True, check=True).stdout.decode().split("\0")
    except (OSError, subprocess.CalledProcessError):
        listed = [str(path.relative_to(folder)) for path in folder.rglob("*")
                  if not SKIPPED_FOLDERS & set(path.relative_to(folder).parts)]
    return [path for path in listed if path and (folder / path).is_file() and not (folder / path).is_symlink()]


def read_text(path):
    data = path.read_bytes()
    return "" if b"\0" in data else data.decode("utf-8", "replace")


LITERALS_AND_COMMENTS = re.compile(
    r'R"(?P<tag>[^ ()\\\t\n]*)\(.*?\)(?P=tag)"'   # raw string
    r'|"(?:\\.|[^"\\\n])*"'                       # string
    r"|(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'"       # character; 1'000 is a number
    r"|//[^\n]*|/\*.*?\*/", re.S)


@functools.lru_cache(maxsize=None)
def code_of(text):
    """The text with comments and the insides of literals blanked out; every line keeps its number."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    return LITERALS_AND_COMMENTS.sub(blank, text)


@functools.lru_cache(maxsize=None)
def comments_of(text):
    """The text with everything but comments blanked out."""
    kept = [" " if c != "\n" else "\n" for c in text]
    for match in LITERALS_AND_COMMENTS.finditer(text):
        if match.group(0).startswith(("//", "/*")):
            kept[match.start():match.end()] = match.group(0)
    return "".join(kept)


def line_of(text, position):
    return text.count("\n", 0, position) + 1
