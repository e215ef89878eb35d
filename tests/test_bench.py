"""The benchmark of a build's stages asks the rooms as they are: nothing else calls it, and it would break unseen."""

from pathlib import Path

from tools.bench import stages
from tools.bench.generate import generate


def test_every_stage_of_a_build_is_measured(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(stages, "RUNS", 1)
    generate(tmp_path, 2)

    costs = stages.stage_costs(tmp_path)

    assert len(costs) == 15
    assert all(cost > 0 for _, cost in costs)
