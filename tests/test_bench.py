"""The benchmark of a build's stages calls internals that nothing else calls, so a break would not be noticed."""

from collections.abc import Callable
from pathlib import Path

from tests.delivery.conftest import ses as ses
from tests.delivery.world import make_config
from tests.stubs.ses import SesServer
from tools.bench import stages
from tools.bench.generate import generate
from tools.bench_send.bare import send_bulk
from tools.bench_send.one import letter, transport_alone


def test_every_stage_of_a_build_is_measured(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(stages, "RUNS", 1)
    monkeypatch.setattr(stages.gc, "collect", lambda: 0)  # here it would walk all that the tests hold, fifteen times
    generate(tmp_path, 2)

    costs = stages.stage_costs(tmp_path)

    assert len(costs) == 15
    assert all(cost > 0 for _, cost in costs)


def test_the_bare_loop_sends_what_the_sender_sends(ses: Callable[..., SesServer], tmp_path: Path) -> None:
    config = make_config(tmp_path, "ses")
    sent = []
    for send in (lambda: send_bulk(config, letter(), 120), lambda: transport_alone(tmp_path, 120, bulk=True)):
        server = ses()
        assert send()["sent"] == 120
        sent.append(sorted((one.to, sorted(one.tags.items()), str(one.content)) for one in server.account.accepted))
        assert server.account.calls == 3

    assert sent[0] == sent[1]
