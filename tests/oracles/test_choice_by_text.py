"""The choice oracle on answers that give an option's text and no letter."""

from __future__ import annotations

import pytest

from purpcode.oracles.choice import chosen_letters

PROTOCOLS = {"A": "TCP", "B": "TCP/IP", "C": "UDP", "D": "A packet that is lost"}
FIELDS = {"A": "d", "B": "v", "C": "16", "D": "h"}
PATHS = {"A": "/etc/", "B": "C:\\Windows\\drivers\\", "C": "C:\\Users\\", "D": "none"}


@pytest.mark.parametrize(
    ("answer", "choices", "chosen"),
    [
        ("It would be UDP.", PROTOCOLS, {"C"}),
        ("It would be TCP/IP, as it always was.", PROTOCOLS, {"B"}),
        ("TCP.", PROTOCOLS, {"A"}),
        ("Either UDP or TCP.", PROTOCOLS, {"A", "C"}),
        ("Your packets: a packet that is lost", PROTOCOLS, {"D"}),
        ("The udpates are not needed.", PROTOCOLS, set()),
        ("I do not know what to say here.", FIELDS, set()),
        ("As a model I have a doubt.", FIELDS, set()),
        ("There are 16 of them.", FIELDS, {"C"}),
        ("There are 160 of them.", FIELDS, set()),
        ("C:\\Windows\\drivers\\", PATHS, {"B"}),
        ("C: that is where users are", PATHS, {"C"}),
    ],
)
def test_an_options_text_counts_as_words_of_its_own(
    answer: str, choices: dict[str, str], chosen: set[str]
) -> None:
    assert chosen_letters(answer, choices) == chosen
