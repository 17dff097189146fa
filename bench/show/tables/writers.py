"""A table as CSV, Markdown, LaTeX and on a terminal."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import rich.table
from rich.text import Text

if TYPE_CHECKING:
    from bench.show.tables.layout import Column, Entry, Table

COMMANDS = {sign: f"\\{sign}" for sign in "&%$#_{}"}
WORDS = {
    "~": "textasciitilde",
    "^": "textasciicircum",
    "\\": "textbackslash",
    "<": "textless",
    ">": "textgreater",
}
MATHS = {
    "−": "-",
    "±": r"\pm",
    "×": r"\times",
    "∞": r"\infty",
    "→": r"\rightarrow",
    "≥": r"\geq",
    "≤": r"\leq",
}
# Every character with a meaning in LaTeX, and those that pdfLaTeX's fonts lack.
LATEX = str.maketrans(
    COMMANDS
    | {sign: f"\\{word}{{}}" for sign, word in WORDS.items()}
    | {sign: f"${word}$" for sign, word in MATHS.items()}
    | {"–": "--", '"': "''"}
)

HEAD = r"""% Compiles as it is; \input into a paper that loads PACKAGES, it gives the table alone.
\makeatletter
\ifx\documentclass\@twoclasseserror
  \let\llbenchend\relax
\else
  \documentclass{article}
  \usepackage[a4paper,landscape,margin=15mm]{geometry}
  \usepackage{PACKAGES}
  \pagestyle{empty}
  \begin{document}
  \gdef\llbenchend{\end{document}}
\fi
\makeatother
"""
# From so many rows on, a table is set so that it can run over several pages.
LONG = 30
# Of a column of sentences.
WRAPPED = r">{\raggedright\arraybackslash}p{0.55\linewidth}"


def as_csv(table: Table) -> str:
    """One row per row; intervals and footnotes in columns of their own, figures with all their digits."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([name for column in table.columns for name in _csv_names(column)] + ["notes"])
    for row in table.rows:
        cells = [
            cell
            for column, entry in zip(table.columns, row, strict=True)
            for cell in _csv_cells(column, entry)
        ]
        notes = dict.fromkeys(note for entry in row for note in entry.notes)
        writer.writerow([*cells, "; ".join(notes)])
    return stream.getvalue()


def _csv_names(column: Column) -> list[str]:
    ends = ("", "_low", "_high") if column.intervals else ("",)
    return [key + end for key in column.keys for end in ends]


def _csv_cells(column: Column, entry: Entry) -> list[str]:
    cells = []
    for index in range(len(column.keys)):
        part = entry.parts[index] if index < len(entry.parts) else None
        numbers = (part.value, part.low, part.high) if part is not None else (None, None, None)
        if part is not None and part.value is None:
            cells.append("" if part.text == "–" else part.text)
        else:
            cells.append(_digits(numbers[0]))
        if column.intervals:
            cells += [_digits(end) for end in numbers[1:]]
    return cells


def _digits(value: float | None) -> str:
    return "" if value is None else f"{value:.10g}"


def as_markdown(table: Table) -> str:
    """Return a Markdown table: best in bold, second best underlined, footnotes below."""
    notes = table.notes
    heads = [" ".join(filter(None, (column.group, column.title))) for column in table.columns]
    lines = [f"## {table.title}", "", table.caption, "", _markdown_row(heads)]
    lines.append(_markdown_row(["---:" if column.numeric else ":---" for column in table.columns]))
    lines += [_markdown_row([_markdown_cell(entry, notes) for entry in row]) for row in table.rows]
    lines += [""] + [f"- <sup>{mark}</sup> {text}" for text, mark in notes.items()] if notes else []
    if table.has_ranks:
        lines += ["", "**best**, <u>second best</u> of the measured figures"]
    return "\n".join(lines) + "\n"


def _markdown_row(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _markdown_cell(entry: Entry, notes: dict[str, str]) -> str:
    wraps = {0: "{}", 1: "**{}**", 2: "<u>{}</u>"}
    text = " / ".join(wraps[part.rank].format(part.text) for part in entry.parts)
    marks = ",".join(notes[note] for note in entry.notes)
    return f"{text} <sup>{marks}</sup>" if marks else text


def as_latex(table: Table) -> str:
    """Return a booktabs table in a document of its own that can also be read into another (see `HEAD`).

    A table of many rows is a longtable.
    """
    is_long = len(table.rows) >= LONG
    wraps = any(column.wraps for column in table.columns)
    packages = ["booktabs", *(["longtable"] if is_long else []), *(["array"] if wraps else [])]
    head = HEAD.replace("PACKAGES", ",".join(packages))
    return head + "\n".join(_long(table) if is_long else _short(table)) + "\n\\llbenchend\n"


def _short(table: Table) -> list[str]:
    lines = [r"\begin{table}\centering\footnotesize\setlength{\tabcolsep}{4pt}"]
    lines.append(rf"\setlength{{\belowcaptionskip}}{{6pt}}\caption{{{_latex_caption(table)}}}")
    lines.append(rf"\begin{{tabular}}{{{_latex_columns(table)}}}")
    lines += [*_latex_head(table), *_latex_rows(table), r"\bottomrule", r"\end{tabular}"]
    return [*lines, *_latex_notes(table), r"\end{table}"]


def _long(table: Table) -> list[str]:
    lines = [r"\begingroup\footnotesize\setlength{\tabcolsep}{4pt}\setlength{\LTcapwidth}{\linewidth}"]
    lines.append(rf"\begin{{longtable}}{{{_latex_columns(table)}}}")
    lines.append(rf"\caption{{{_latex_caption(table)}}}\\")
    head = _latex_head(table)
    lines += [*head, r"\endfirsthead", *head, r"\endhead", r"\bottomrule", r"\endfoot"]
    lines += [*_latex_rows(table), r"\end{longtable}"]
    return [*lines, *_latex_notes(table), r"\endgroup"]


def _latex_caption(table: Table) -> str:
    return f"{escape(table.title)}. {escape(table.caption)}".strip()


def _latex_columns(table: Table) -> str:
    kinds = (WRAPPED if column.wraps else "r" if column.numeric else "l" for column in table.columns)
    return rf"@{{}}{''.join(kinds)}@{{}}"


def _latex_head(table: Table) -> list[str]:
    titles = " & ".join(escape(column.title) for column in table.columns) + r" \\"
    return [r"\toprule", *_latex_groups(table), titles, r"\midrule"]


def _latex_rows(table: Table) -> list[str]:
    notes = table.notes
    return [" & ".join(_latex_cell(entry, notes) for entry in row) + r" \\" for row in table.rows]


def _latex_notes(table: Table) -> list[str]:
    said = [rf"\textsuperscript{{{mark}}}~{escape(text)}" for text, mark in table.notes.items()]
    said += [r"\textbf{best}, \underline{second best} of the measured figures"] if table.has_ranks else []
    if not said:
        return []
    lines = r"\\ ".join(said)
    return [rf"\par\medskip\begin{{minipage}}{{\linewidth}}\scriptsize {lines}\end{{minipage}}"]


def escape(text: str) -> str:
    """Text with every character that LaTeX would read as a command made harmless."""
    # Two hyphens before an option are no dash.
    return "-{}-".join(part.translate(LATEX) for part in text.split("--"))


def _latex_groups(table: Table) -> list[str]:
    if not any(group for group, _ in table.heads):
        return []
    cells, rules, at = [], [], 1
    for group, width in table.heads:
        cells.append(rf"\multicolumn{{{width}}}{{c}}{{{escape(group)}}}" if group else "")
        rules += [rf"\cmidrule(lr){{{at}-{at + width - 1}}}"] if group else []
        at += width
    return [" & ".join(cells) + r" \\", " ".join(rules)]


def _latex_cell(entry: Entry, notes: dict[str, str]) -> str:
    wraps = {0: "{}", 1: r"\textbf{{{}}}", 2: r"\underline{{{}}}"}
    text = " / ".join(wraps[part.rank].format(escape(part.text)) for part in entry.parts)
    marks = ",".join(notes[note] for note in entry.notes)
    return rf"{text}\textsuperscript{{{marks}}}" if marks else text


def as_rich(table: Table) -> rich.table.Table:
    """Return the table for a terminal: columns of one group share a cell, published above measured."""
    notes = table.notes
    footnotes = "\n".join(f"{mark}  {text}" for text, mark in notes.items())
    legend = "bold: best, underlined: second best" if table.has_ranks else ""
    drawn = rich.table.Table(
        title=table.title,
        # As text: what stands in brackets would be taken for a style.
        caption=Text("\n".join(filter(None, (table.caption, footnotes, legend)))),
        caption_justify="left",
    )
    groups = _grouped(table)
    for columns in groups:
        head = table.columns[columns[0]]
        stacked = len(columns) > 1
        titles = "\n".join(table.columns[index].title for index in columns)
        drawn.add_column(
            f"{head.group}\n{titles}" if stacked else " ".join(filter(None, (head.group, head.title))),
            justify="right" if head.numeric else "left",
            overflow="fold",  # a long name is broken, never cut off
        )
    for row in table.rows:
        drawn.add_row(
            *[Text("\n").join(_rich_cell(row[index], notes) for index in columns) for columns in groups]
        )
        if any(len(columns) > 1 for columns in groups):
            drawn.add_section()
    return drawn


def _grouped(table: Table) -> list[list[int]]:
    groups: list[list[int]] = []
    for index, column in enumerate(table.columns):
        if groups and column.group and table.columns[groups[-1][0]].group == column.group:
            groups[-1].append(index)
        else:
            groups.append([index])
    return groups


def _rich_cell(entry: Entry, notes: dict[str, str]) -> Text:
    styles = {0: "", 1: "bold", 2: "underline"}
    text = Text()
    for index, part in enumerate(entry.parts):
        text.append("/" if index else "").append(entry.short or part.text, style=styles[part.rank])
    marks = ",".join(notes[note] for note in entry.notes)
    return text.append(f" {marks}", style="dim italic") if marks else text
