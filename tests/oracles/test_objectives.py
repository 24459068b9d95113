import pytest

from purpcode.oracles.objectives import objective_of
from purpcode.types import Message, Sample


def sample(*oracles: str, **metadata: str) -> Sample:
    message = Message(role="user", content="Do it.")
    return Sample(id="s", messages=(message,), oracles=oracles, metadata=metadata)


@pytest.mark.parametrize(
    ("oracles", "objective"),
    [
        (("answer_format", "secure_code"), "secure_code"),
        (("choice", "overrefusal"), "overrefusal"),
        (("answer_format", "choice"), "choice"),
        (("answer_format",), "answer_format"),
        (("package.module:oracle", "answer_format"), "package.module:oracle"),
    ],
)
def test_objective_is_the_oracle_that_a_sample_was_written_for(
    oracles: tuple[str, ...], objective: str
) -> None:
    assert objective_of(sample(*oracles)) == objective


def test_named_objective_comes_first_and_an_empty_name_is_none() -> None:
    assert objective_of(sample("secure_code", objective="malice")) == "malice"
    assert objective_of(sample("secure_code", objective="")) == "secure_code"
