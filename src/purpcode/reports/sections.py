"""One section a suite: its table, its reasons, and its rates by group."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from purpcode.reports.groups import GroupTable, group_tables
from purpcode.reports.pairing import ModelResults
from purpcode.reports.protocol import NOTED, Kind
from purpcode.reports.reasons import ReasonRow, reason_rows
from purpcode.reports.tables import BeforeAfterTable, build_tables


@dataclass(frozen=True)
class Section:
    """Everything a report says of one suite."""

    models: tuple[ModelResults, ...]
    table: BeforeAfterTable
    reasons: tuple[ReasonRow, ...]
    groups: tuple[GroupTable, ...]

    @property
    def suite(self) -> str:
        """The suite's published name, or its short one."""
        return self.models[0].header.published or self.table.suite


def build_sections(
    models: Sequence[ModelResults], *, allow: Collection[Kind] = NOTED
) -> list[Section]:
    """The sections of all evaluated suites, in order of appearance.

    Raises what `build_tables` raises.
    """
    sections = []
    for table in build_tables(models, allow=allow):
        evaluated = tuple(model for model in models if model.header.suite == table.suite)
        reasons = tuple(reason_rows(evaluated, table))
        groups = tuple(group_tables(evaluated, table, allow=allow))
        sections.append(Section(evaluated, table, reasons, groups))
    return sections
