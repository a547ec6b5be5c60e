# SPDX-License-Identifier: GPL-2.0
"""Literal blocks of documents: what a reader is told to type."""


def rst_blocks(text):
    """(chapter, section, lines) of each block of a reStructuredText document."""
    lines = text.splitlines()
    chapter = section = ""
    at = 0
    while at < len(lines):
        line = lines[at].rstrip()
        below = lines[at + 1].rstrip() if at + 1 < len(lines) else ""
        if line and below and set(below) in ({"="}, {"-"}):
            section = line
            chapter = line if below[0] == "=" else chapter
        at += 1
        if line.endswith("::") and not line.startswith(".."):
            block, at = indented(lines, at, "\t")
            yield chapter, section, block


def markdown_blocks(text):
    """The same of a Markdown document."""
    lines = text.splitlines()
    chapter, at = "", 0
    while at < len(lines):
        if lines[at].startswith("#"):
            chapter = lines[at].lstrip("# ")
        if lines[at].startswith("    ") and not lines[at - 1].strip():
            block, at = indented(lines, at, "    ")
            yield chapter, chapter, block
        else:
            at += 1


def indented(lines, at, indent):
    """The lines of a block from here on, without their indent, and where it ends."""
    block = []
    while at < len(lines) and (not lines[at].strip() or lines[at].startswith(indent)):
        block.append(lines[at].removeprefix(indent).rstrip())
        at += 1
    while block and not block[0]:
        block.pop(0)
    while block and not block[-1]:
        block.pop()
    return block, at
