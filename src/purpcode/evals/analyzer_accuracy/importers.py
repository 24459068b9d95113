"""Turns checkouts of published labelled sets into rows of ours. Only their Python code is read.

Nothing of a checkout is executed: its files are read as text and parsed.
"""

from __future__ import annotations

import csv
import json
import re
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from purpcode.errors import InputError
from purpcode.evals.analyzer_accuracy.cweval import cweval_rows
from purpcode.evals.analyzer_accuracy.labelled import LabelledCode, read_source

_CWE = re.compile(r"cwe[-_]?0*(\d+)", re.IGNORECASE)


def import_labelled(kind: str, source: Path) -> list[LabelledCode]:
    """The rows of a checkout; `kind` is one of `IMPORTERS`.

    Raises:
        InputError: for an unknown kind, a folder that does not hold that set, or a file of it
            that cannot be read as expected.
    """
    if kind not in IMPORTERS:
        raise InputError(f"there is no importer '{kind}'", hint=f"known: {', '.join(IMPORTERS)}")
    if not source.exists():
        raise InputError("no such file or folder", path=source)
    rows = IMPORTERS[kind](source)
    if not rows:
        raise InputError(f"holds no Python rows of a set like {kind}", path=source)
    return rows


def sven_rows(source: Path) -> list[LabelledCode]:
    """Functions before and after a security fix (He and Vechev 2023, arXiv 2302.05319): JSONL
    files with `func_src_before`, `func_src_after`, `vul_type` and `file_name`. Methods lose the
    indentation of their class, without which they would not parse."""
    files = [source] if source.is_file() else sorted(source.rglob("*.jsonl"))
    base = (source.parent if source.is_file() else source).resolve().parent
    rows: list[LabelledCode] = []
    for file in files:
        # With the folder's name, so that parts imported one by one can be put together.
        name = file.resolve().relative_to(base).as_posix()
        for number, fields in _json_lines(file):
            before, after, weakness, path = _texts(
                fields, ("func_src_before", "func_src_after", "vul_type", "file_name"), file, number
            )
            if not path.endswith(".py"):
                continue
            pair = f"{name.removesuffix('.jsonl')}:{number}"
            for label, code in (("insecure", before), ("secure", after)):
                rows.append(
                    LabelledCode.model_validate(
                        {
                            "id": f"{pair}:{label}",
                            "code": textwrap.dedent(code),
                            "label": label,
                            "cwe": _cwe_in(weakness, file, number),
                            "pair": pair,
                        }
                    )
                )
    return rows


def securityeval_rows(source: Path) -> list[LabelledCode]:
    """Insecure completions only (Siddiq and Santos 2022): `dataset.jsonl` with `ID`, `Prompt` and
    `Insecure_code`, whose id names the CWE."""
    file = source if source.is_file() else source / "dataset.jsonl"
    rows: list[LabelledCode] = []
    for number, fields in _json_lines(file):
        name, code = _texts(fields, ("ID", "Insecure_code"), file, number)
        cwe = _cwe_in(name, file, number)
        rows.append(LabelledCode(id=name, code=code, label="insecure", cwe=cwe))
    return rows


def owasp_python_rows(source: Path) -> list[LabelledCode]:
    """OWASP Benchmark for Python: `expectedresults-*.csv` (name, category, whether it is a real
    vulnerability, CWE) and `testcode/<name>.py`. The shared helper modules are not rows."""
    tables = sorted(source.glob("expectedresults-*.csv"))
    if not tables:
        raise InputError("has no expectedresults-*.csv", path=source)
    table = tables[-1]
    rows: list[LabelledCode] = []
    with table.open(encoding="utf-8", newline="") as handle:
        for number, cells in enumerate(csv.reader(handle), start=1):
            if not cells or cells[0].startswith("#"):
                continue
            if len(cells) < 4 or cells[2] not in ("true", "false") or not cells[3].isdigit():
                raise InputError("is not a row of expected results", path=table, line=number)
            name = Path(cells[0]).name
            code = read_source(source / "testcode" / f"{name}.py")
            label = "insecure" if cells[2] == "true" else "secure"
            rows.append(
                LabelledCode.model_validate(
                    {"id": name, "code": code, "label": label, "cwe": (int(cells[3]),)}
                )
            )
    return rows


IMPORTERS: dict[str, Callable[[Path], list[LabelledCode]]] = {
    "sven": sven_rows,
    "securityeval": securityeval_rows,
    "owasp-python": owasp_python_rows,
    "cweval": cweval_rows,
}
"""Kind of set → reader of a checkout of it."""


def _json_lines(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(read_source(file).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
        except ValueError as error:
            raise InputError(f"malformed JSON ({error})", path=file, line=number) from None
        if not isinstance(fields, dict):
            raise InputError("is not a JSON object", path=file, line=number)
        yield number, fields


def _texts(
    fields: dict[str, Any], names: tuple[str, ...], file: Path, line: int
) -> tuple[str, ...]:
    for name in names:
        if not isinstance(fields.get(name), str):
            raise InputError("is missing or not text", path=file, line=line, field=name)
    return tuple(fields[name] for name in names)


def _cwe_in(text: str, file: Path, line: int) -> tuple[int, ...]:
    found = _CWE.search(text)
    if found is None:
        raise InputError(f"'{text}' names no CWE", path=file, line=line)
    return (int(found[1]),)
