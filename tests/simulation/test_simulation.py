"""Nobody twice, nobody lost, nobody by surprise: in simulated worlds by seed, which find the planted faults."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.simulation import world
from tests.simulation.faults import (
    FAULTS,
    confirmation_sent_twice,
    freeze_outside_its_transaction,
    restore_unnoticed,
    step_frozen_outside_its_transaction,
)
from tests.simulation.world import ACTIONS, BrokenPromiseError, World, governed_world, run

SEEDS = range(1, 3)  # and 3, twice, where a seed is to decide everything
ENOUGH = 40  # seeds within which each planted fault shows
SHOWN: dict[object, tuple[int, ...]] = {
    confirmation_sent_twice: (7,),
    freeze_outside_its_transaction: (12, 15),
    restore_unnoticed: (15, 8),
    step_frozen_outside_its_transaction: (9,),
}  # where these did, and are looked for first
OFTEN = {restore_unnoticed: world._restore}  # what it takes, eight times as often: else it shows in one seed of fifteen


# 14: after a restore, a step of the series gave ids anew that had been mailed since the backup.
@pytest.mark.parametrize("seed", [*SEEDS, 14])
def test_no_promise_breaks_in_the_world_of_a_seed(seed: int, tmp_path: Path) -> None:
    run(seed, tmp_path / "world")


def test_a_seed_decides_everything(tmp_path: Path) -> None:
    once, again = (run(3, tmp_path / name).trace for name in ("once", "again"))
    assert once == again


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_planted_fault_is_found(
    fault: Callable[[], AbstractContextManager[None]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weighed = [(action, weight * 8 if action is OFTEN.get(fault) else weight) for action, weight in ACTIONS]
    monkeypatch.setattr(world, "ACTIONS", weighed)

    def breaks(seed: int) -> bool:
        try:
            run(seed, tmp_path / f"world{seed}")
        except BrokenPromiseError:
            return True
        return False

    with fault():
        assert any(breaks(seed) for seed in (*SHOWN.get(fault, ()), *range(1, ENOUGH)))


class AnyOrder(RuleBasedStateMachine):
    """The actions in whatever order Hypothesis likes: what breaks is made as short as it goes."""

    folder: Path

    @initialize(seed=st.integers(0, 2**32))
    def begin(self, seed: int) -> None:
        self._held = governed_world(seed, self.folder / f"world{seed}")
        self.world: World = self._held.__enter__()

    @rule(action=st.sampled_from([action for action, _ in ACTIONS]))
    def act(self, action: Callable[[World], None]) -> None:
        action(self.world)

    @invariant()
    def holds(self) -> None:
        if hasattr(self, "world"):
            self.world.audit()

    def teardown(self) -> None:
        if hasattr(self, "_held"):
            self._held.__exit__(None, None, None)


def test_no_promise_breaks_in_any_order(tmp_path: Path) -> None:
    machine = type("AnyOrder_", (AnyOrder,), {"folder": tmp_path})
    few = settings(max_examples=4, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(machine, settings=few)
