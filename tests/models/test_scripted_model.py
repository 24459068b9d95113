"""The scripted model: answers from a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from purpcode.errors import InputError
from purpcode.models import Sampling
from purpcode.models.scripted import ScriptedModel
from purpcode.types import Message


def script(tmp_path: Path, *lines: object) -> Path:
    path = tmp_path / "script.jsonl"
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    path.write_text(text + "\n", encoding="utf-8")
    return path


def ask(model: ScriptedModel, *prompts: str) -> list[tuple[str, str]]:
    conversations = [[Message(role="user", content=prompt)] for prompt in prompts]
    return [(c.text, c.stop_reason) for c in model.generate(conversations, Sampling())]


def test_the_first_matching_line_answers_whatever_was_asked_before(tmp_path: Path) -> None:
    model = ScriptedModel(
        script(
            tmp_path,
            {"match": "hash", "text": "use scrypt"},
            {"match": "hash a file", "text": "never reached"},
            {"match": None, "text": "anything", "stop_reason": "length"},
        )
    )
    answers = ask(model, "hash a file", "sort a list", "hash a password")
    assert answers == [("use scrypt", "stop"), ("anything", "length"), ("use scrypt", "stop")]
    assert ask(model, "hash a password") == [("use scrypt", "stop")]


def test_a_prompt_no_line_matches_is_an_error_and_not_an_empty_answer(tmp_path: Path) -> None:
    model = ScriptedModel(script(tmp_path, {"match": "hash", "text": "use scrypt"}))
    assert ask(model, "sort a list") == [("", "error")]


def test_progress_hears_of_every_prompt(tmp_path: Path) -> None:
    model = ScriptedModel(script(tmp_path, {"match": None, "text": "x"}))
    heard: list[int] = []
    model.generate([[Message(role="user", content="a")]] * 3, Sampling(), on_progress=heard.append)
    assert sum(heard) == 3


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{not json", "malformed JSON"),
        ({"match": "x"}, "field 'text'"),
        ({"match": "x", "text": 3}, "field 'text'"),
        ({"match": "x", "text": "y", "stop_reason": "bored"}, "field 'stop_reason'"),
        ({"match": "x", "text": "y", "txet": "z"}, "field 'txet'"),
    ],
)
def test_a_malformed_script_is_refused_with_file_line_and_field(
    tmp_path: Path, line: object, message: str
) -> None:
    path = script(tmp_path, {"match": None, "text": "fine"}, line)
    with pytest.raises(InputError) as caught:
        ScriptedModel(path)
    assert f"{path}:2" in str(caught.value)
    assert message in str(caught.value)


def test_an_empty_or_missing_script_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        ScriptedModel(tmp_path / "nowhere.jsonl")
    with pytest.raises(InputError, match="holds no answers"):
        ScriptedModel(script(tmp_path))
