"""How source code of each language is named as a file, and its shortest harmless example."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SourceForm:
    """`suffix`: how a file of the language ends; `trivial`: code in which nothing can be found,
    by which a working tool is told from a broken one."""

    suffix: str
    trivial: str


SOURCE_FORMS: dict[str, SourceForm] = {
    "bash": SourceForm(".sh", "true\n"),
    "c": SourceForm(".c", "int x;\n"),
    "cpp": SourceForm(".cpp", "int x;\n"),
    "csharp": SourceForm(".cs", "class A {}\n"),
    "go": SourceForm(".go", "package a\n"),
    "java": SourceForm(".java", "class A {}\n"),
    "javascript": SourceForm(".js", "var x = 1;\n"),
    "kotlin": SourceForm(".kt", "class A\n"),
    "php": SourceForm(".php", "<?php $x = 1;\n"),
    "python": SourceForm(".py", "x = 1"),
    "ruby": SourceForm(".rb", "x = 1\n"),
    "rust": SourceForm(".rs", "fn main() {}\n"),
    "scala": SourceForm(".scala", "class A\n"),
    "swift": SourceForm(".swift", "let x = 1\n"),
    "typescript": SourceForm(".ts", "var x = 1;\n"),
}
"""Normalised language name → form."""


def source_form(language: str) -> SourceForm:
    """The form of a language; a plain text file for one that no analyzer names."""
    return SOURCE_FORMS.get(language, SourceForm(".txt", ""))
