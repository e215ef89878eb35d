"""Similar headlines: the search by rare pairs finds the same as comparing every pair."""

from __future__ import annotations

import random
import tracemalloc

from publisher.checks.rules.story_repeated import ALIKE, _another, _Last, _pairs, compare, earlier

SAID = "the new model chip firm raises opens closes sells 12 2024 Rust OpenAI 模型 公司 发布 芯片 报告 a of"
WORDS = SAID.split()


def test_the_search_finds_what_a_comparison_of_each_with_each_finds() -> None:
    chance = random.Random(7)
    issues, headlines = [], list[str]()
    for number in range(60):
        told = []
        for place in range(6):
            words = chance.choice(headlines).split() if headlines and chance.random() < 0.6 else []
            words = words or chance.choices(WORDS, k=chance.randint(2, 12))
            for _ in range(chance.randint(0, 3)):
                words[chance.randrange(len(words))] = chance.choice(WORDS)
            headlines.append(" ".join(words))
            told.append((("a.md", (1, 1, 1, 2)), headlines[-1], "", "", (), f"item-{place}"))
        issues.append((f"i-{number}", f"2024-{1 + number // 28:02}-{1 + number % 28:02}", told))
    last, many = _Last(issues, frozenset()), 0
    for place, (_, day, told) in enumerate(issues):
        before = [(slug, then, story[1]) for slug, then, stories in issues[:place] for story in stories if then < day]
        for _, words, *_ in told:
            mine, expected = _pairs(words), set()
            for slug, _, other in before if len(mine) >= 6 else ():
                share = 2 * len(mine & _pairs(other)) / (len(mine) + len(_pairs(other)))
                if share >= ALIKE and not _another(words, other):
                    expected.add((share, slug, other))
            assert {(share, one.slug, one.words) for share, one in last.alike(place, words)} == expected
            assert _Last(issues, mine).alike(place, words) == last.alike(place, words)
            many += len(expected)
    assert many > 100


def test_comparing_holds_what_repeats_and_the_last_issues_not_the_archive() -> None:
    chance = random.Random(7)

    def peak(count: int) -> int:
        issues = [
            (
                f"i-{number:04}",
                f"{2000 + number // 300}-{1 + number % 300 // 25:02}-{1 + number % 25:02}",
                [
                    (
                        ("a.md", (1, 1, 1, 2)),
                        f"{chance.getrandbits(160):x}",
                        f"{number}",
                        "",
                        [(None, f"u/{number}")],
                        "a",
                    )
                ],
            )
            for number in range(count)
        ]
        _pairs.cache_clear()
        tracemalloc.start()
        held = tracemalloc.get_traced_memory()[0]
        assert not list(compare({issue[0]: issue for issue in issues}, None))
        assert not any(earlier(issues, frozenset(slug for slug, *_ in issues)).values())
        most = tracemalloc.get_traced_memory()[1] - held
        tracemalloc.stop()
        return most

    few, many = peak(1_000), peak(3_000)
    assert many - few < 2_000 * 500  # bytes an issue; pairs of one headline take some thousand
