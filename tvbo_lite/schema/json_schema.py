"""The JSON Schema of the dialect, for editors (yaml-language-server) and other programs.

It accepts what `load` accepts as far as a JSON Schema can say it: shorthand forms, lists of named items,
older spellings. ``schemas/experiment.schema.json`` is its text; a test compares the two.
"""

from __future__ import annotations

import json
from typing import Any

from tvbo_lite.schema.experiment import Experiment

__all__ = ["SCHEMA_ID", "experiment_json_schema", "experiment_json_schema_text"]

SCHEMA_ID = "urn:tvbo-lite:schema:experiment"
_DRAFT = "https://json-schema.org/draft/2020-12/schema"


def experiment_json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of an experiment document."""
    return {"$schema": _DRAFT, "$id": SCHEMA_ID, **Experiment.model_json_schema(mode="validation")}


def experiment_json_schema_text() -> str:
    """The content of ``schemas/experiment.schema.json``."""
    return json.dumps(experiment_json_schema(), indent=2, ensure_ascii=False) + "\n"
