from pathlib import Path

import purpcode.redteam
from purpcode.redteam import sources_digest


def test_the_digest_of_the_sources_changes_with_a_seed(monkeypatch, tmp_path: Path) -> None:
    before = sources_digest()
    seeds = Path(purpcode.redteam.__file__).parent / "data"
    (tmp_path / "data").mkdir()
    for file in seeds.glob("*.jsonl"):
        text = file.read_text("utf-8")
        changed = text.replace("Python", "python", 1) if file.name == "coding_tasks.jsonl" else text
        (tmp_path / "data" / file.name).write_text(changed, "utf-8")
    real = purpcode.redteam.stage.files
    monkeypatch.setattr(
        "purpcode.redteam.stage.files",
        lambda package: tmp_path if package == "purpcode.redteam" else real(package),
    )
    assert sources_digest() != before
