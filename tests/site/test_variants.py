"""Public pages never show text for some readers."""

from __future__ import annotations

from tests.site.conftest import Repository, tree

BODY = "正文。\n\n::: only city:Berlin\n柏林见。\n:::"


def test_the_archive_and_all_beside_it_show_the_variant_of_nobody_known(repository: Repository) -> None:
    repository.issue("2024-01-01-x", body=BODY)
    repository.build()
    built = tree(repository.root / "dist")
    showing = [path for path, content in built.items() if "柏林见".encode() in content]
    assert showing == ["email/2024-01-01-x/city-berlin/email.html", "email/2024-01-01-x/city-berlin/email.txt"]
    repository.build()  # from the store
    assert tree(repository.root / "dist") == built


def test_the_files_of_a_variant_that_is_gone_go_too(repository: Repository) -> None:
    repository.issue("2024-01-01-x", body=BODY)
    repository.build()
    repository.issue("2024-01-01-x", body=BODY.replace("Berlin", "Paris"))
    repository.build()
    folders = {path.name for path in (repository.root / "dist/email/2024-01-01-x").iterdir() if path.is_dir()}
    assert folders == {"city-paris"}
