"""The process that analyses: `python -P -m purpcode.analyzers.flow.worker FOLDER` prints one JSON
line for every file of a folder, in order of names."""

from __future__ import annotations

import gc
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from purpcode.analyzers.flow.findings import find_weaknesses
from purpcode.analyzers.flow.machine import TooComplex

PROGRAMS_PER_COLLECTION = 50
RECURSION_LIMIT = 3000
"""Deep enough for any program a person reads, shallow enough for the C stack."""


def main(folder: Path) -> None:
    """Analyse every file of a folder."""
    sys.setrecursionlimit(RECURSION_LIMIT)
    gc.freeze()
    gc.disable()  # trees are cyclic garbage only once a program is done with
    for number, path in enumerate(sorted(folder.iterdir()), start=1):
        if number % PROGRAMS_PER_COLLECTION == 0:
            gc.collect()
        print(json.dumps({"file": path.name, **_report(path)}))


def _report(path: Path) -> dict[str, Any]:
    try:
        text = path.read_bytes().decode("utf-8")
        return {"findings": [asdict(one) for one in find_weaknesses(text)]}
    except (SyntaxError, UnicodeDecodeError) as error:
        return {"error": f"it does not parse: {getattr(error, 'msg', None) or error}"}
    except (RecursionError, MemoryError):
        return {"error": "it is nested too deeply"}
    except TooComplex:
        return {"error": "the analysis would take too many steps"}
    except Exception as error:  # a rule's own fault must not pass for clean code
        return {"error": f"a rule crashed ({type(error).__name__}: {error})"}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
