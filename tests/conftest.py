"""What tests of several rooms share."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def valid_sarif() -> Callable[[Any], None]:
    """Fails unless a log fits the SARIF 2.1.0 schema: by models generated from OASIS's schema, and
    by the schema itself where PURPCODE_SARIF_SCHEMA names a copy (it also knows what must be
    unique)."""
    from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as Log

    schema = os.environ.get("PURPCODE_SARIF_SCHEMA")

    def check(log: Any) -> None:
        Log.model_validate(log)
        if schema:
            import jsonschema

            text = Path(schema).read_text("utf-8")
            jsonschema.Draft7Validator(json.loads(text)).validate(log)

    return check
