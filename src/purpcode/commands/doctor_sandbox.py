"""`purpcode doctor sandbox`: what each sandbox backend prevents on this machine."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from purpcode.sandbox.probes import ProbeResult


@dataclass(frozen=True)
class Examination:
    """One backend's self-test; `fault` says why it could not be tried at all."""

    backend: str
    holds: bool
    fault: str | None
    probes: tuple[ProbeResult, ...]


def doctor_sandbox(*backends: str, json: bool = False) -> None:
    """Try every sandbox backend with harmless programs, and show what each prevents.

    Exits with 1 when no backend holds. `unsafe-subprocess` is tried only when it is named: its
    programs run unconfined.

    Parameters
    ----------
    backends
        Backends to try, `sandbox_fusion:http://HOST:PORT` among them; by default those that
        `auto` chooses from.
    json
        Print JSON.
    """
    from purpcode.sandbox.registry import AUTOMATIC, require_known

    for name in backends:
        require_known(name)
    found = [examine(name) for name in dict.fromkeys(backends or AUTOMATIC)]
    if json:
        _print_json(found)
    else:
        _print_tables(found)
    if not any(item.holds for item in found):
        raise SystemExit(1)


def examine(name: str) -> Examination:
    """Run the self-test of a backend.

    Parameters
    ----------
    name
        A known backend.

    Returns
    -------
    Examination
        It holds when every required probe did.
    """
    from purpcode.errors import UnavailableError
    from purpcode.sandbox.registry import probe_results

    try:
        probes = probe_results(name)
    except UnavailableError as error:
        return Examination(name, False, str(error), ())
    holds = all(result.held for result in probes if result.required)
    return Examination(name, holds, None, probes)


def _languages() -> dict[str, str | None]:
    """Language → path of its compiler or interpreter on this machine."""
    from purpcode.sandbox.languages import TOOLCHAINS, find_tool

    return {language: find_tool(language) for language in TOOLCHAINS}


def _print_json(found: list[Examination]) -> None:
    import json

    rows = [
        {**asdict(item), "probes": [probe.model_dump() for probe in item.probes]} for item in found
    ]
    whole = {
        "holds": any(item.holds for item in found),
        "backends": rows,
        "languages": _languages(),
    }
    print(json.dumps(whole, indent=2, ensure_ascii=False))


def _print_tables(found: list[Examination]) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    for item in found:
        said = "holds" if item.holds else "does not hold"
        console.print(Text(f"{item.backend}: {said}", "bold green" if item.holds else "bold red"))
        if item.fault is not None:
            console.print(Text(f"  {item.fault}\n"))
        else:
            console.print(_table(item.probes))
    tools = ", ".join(f"{name} ({path or 'missing'})" for name, path in _languages().items())
    console.print(Text(f"Languages beyond Python: {tools}"))
    holding = [item.backend for item in found if item.holds]
    last = f"Usable: {', '.join(holding)}." if holding else "No backend tried here is usable."
    console.print(Text(last, style="bold"))


def _table(probes: tuple[ProbeResult, ...]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=True, header_style="bold")
    table.add_column("probe", no_wrap=True)
    table.add_column("held", justify="center")
    table.add_column("detail", overflow="fold")
    for result in probes:
        sign = Text("✓", "green") if result.held else Text("✗", "red")
        own = "" if result.required or result.held else " (the server's own matter)"
        table.add_row(result.name, sign, Text(_printable(result.detail) + own))
    return table


def _printable(detail: str) -> str:
    """What a program or a server said, without characters that steer a terminal."""
    return "".join(char if char.isprintable() else " " for char in detail)
