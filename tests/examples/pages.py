"""The commands in the pages: which blocks there are, and what a block is marked as.

A comment on the line above a block of code says what becomes of it:

    <!-- run -->              its lines are run, in the order of the pages, all in one folder
    <!-- not run: REASON -->  it needs what the tests have not: SID, a CUDA device, the network, hours
    <!-- file: NAME -->       it is the content of a file that later blocks use
"""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^ {0,3}```+\s*\{?\s*\.?(?P<language>\w*)")
MARK = re.compile(r"^<!-- (?P<kind>run|not run|file)(?:: (?P<what>.*\S))? -->$")
SHELL = {"sh", "bash", "shell", "console"}
FIRST = ("quickstart.md", "sid.md", "adding.md")
INLINE = re.compile(r"(?<!`)`((?:[A-Z_]+=\S+ )*llbench [^`]+)`(?!`)")
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)#?([^)\s]*)\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
LINE = re.compile(r"^\s*(?:\$ )?((?:[A-Z_]+=\S+ )*llbench(?:\s.*)?)$")


@dataclass(frozen=True)
class Block:
    """A fenced block of code.

    Attributes:
        page: its file.
        line: number of its first fence.
        language: what the fence names.
        kind: how it is marked: "run", "not run", "file"; None for no mark.
        what: what the mark says beside its kind.
        text: the code.
    """

    page: Path
    line: int
    language: str
    kind: str | None
    what: str | None
    text: str

    @property
    def where(self):
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def commands(self):
        """Its lines, those that end in a backslash joined with the next."""
        joined = self.text.replace("\\\n", " ")
        return [line for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def pages():
    """Every page that is written by hand, those first whose files others use."""
    found = sorted((ROOT / "docs").rglob("*.md"), key=lambda page: (page.name not in FIRST, page))
    found.sort(key=lambda page: FIRST.index(page.name) if page.name in FIRST else len(FIRST))
    return [*found, ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("*/*/README.md"))]


def blocks(page):
    """Every fenced block of a page."""
    lines = page.read_text(encoding="utf-8").splitlines()
    found, number = [], 0
    while number < len(lines):
        opening = FENCE.match(lines[number])
        if not opening:
            number += 1
            continue
        end = next(n for n in range(number + 1, len(lines)) if lines[n].strip().startswith("```"))
        mark = MARK.match(lines[number - 1].strip()) if number else None
        kind, what = (mark["kind"], mark["what"]) if mark else (None, None)
        text = "\n".join(lines[number + 1 : end])
        found.append(Block(page, number + 1, opening["language"], kind, what, text))
        number = end + 1
    return found


def lines(page):
    """Every whole command line of llbench on a page, in a block or set in by four spaces."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    inside, found = False, []
    for line in text.splitlines():
        inside ^= line.lstrip().startswith("```")
        match = LINE.match(line)
        if match and (inside or line.startswith("    ")):
            found.append(match[1])
    return found


def fragments(page):
    """What a page says of llbench between backticks, without brackets and with the first of a choice."""
    found = [" ".join(match.split()) for match in INLINE.findall(_prose(page))]
    return [re.sub(r"(\S)\|\S+", r"\1", one.translate({ord(c): None for c in "[]…"})) for one in found]


def links(page):
    """Every link of a page into this project: the file that it leads to, and the anchor there or nothing."""
    return [(page.parent / path if path else page, anchor) for path, anchor in LINK.findall(_prose(page))]


def anchors(page):
    """What a link can name on a page: its headings, as they are turned into anchors."""
    text = _prose(page)
    words = [re.sub(r"[^\w\- ]", "", heading.lower()).strip() for heading in HEADING.findall(text)]
    return {re.sub(r"\s+", "-", one) for one in words} | set(re.findall(r'id="([^"]+)"', text))


def _prose(page):
    return re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
