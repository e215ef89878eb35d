"""The texts that ``init`` writes besides the sample: content for an editor to overwrite."""

from __future__ import annotations

# What stands differently in config.yaml for a newsletter in another language than the sample's.
TRANSLATED_CONFIG = {
    "en": {
        "AI 周报": "AI Weekly",
        "language: zh-CN": "language: en",
        "timezone: Asia/Shanghai": "timezone: Europe/London",
        "上海市示例路 1 号, 200000": "1 Example Street, London",
    },
}

GITIGNORE = """\
# What publisher makes, and the subscribers: never in git.
/.publisher/
/dist/
/outbox/
*.csv
*.jsonl
*.eml
*.db
*.db-*
.env*
"""

README = """\
# A newsletter

Made with `publisher init`. Editors write files, a merge publishes them.

    publisher check                             what is wrong, and where
    publisher build                             the archive in dist/site, the email in dist/email
    publisher preview                           the same, live, while you write
    publisher new 2025-01-05-weekly             the next issue
    publisher subscribers add ada@example.com   a reader
    publisher send {slug}         the mail; the folder transport writes it to outbox/

- `config.yaml`: who the newsletter is, and how it leaves. Change the name, the addresses and the postal address first.
- `issues/<slug>/`: an issue, one file an item, with its `images/`.
- `templates/`: how it looks. Delete a file there and the one shipped with publisher is used.
- `schema/`: lets an editor complete and check the YAML while you type.

`publisher init . --ci github` (or `gitlab`) writes the CI that checks a pull request and publishes a merge.
"""

# Short on purpose: what a newsletter may want to change stands in it, and all else in the command. The actions are
# pinned as this repository's own workflows pin them.
GITHUB = """\
# A pull request is checked, and its summary says what a merge would publish; a merge publishes, and so does the clock.
#
# Publishing begins when the repository's variable PUBLISHER_LIVE is true. Before that give the environment
# `newsletter`, open to the default branch alone, the secrets PUBLISHER_DATABASE_URL (a PostgreSQL: this machine's disk
# is thrown away) and PUBLISHER_SECRET_KEYS; for Amazon SES the variables AWS_PUBLISH_ROLE and AWS_REGION.
name: newsletter

on:
  pull_request:
  push: { branches: [@BRANCH@] }
  schedule: [{ cron: "17 * * * *" }] # what is scheduled, and what an earlier run had left

permissions: { contents: read }
env: { PUBLISHER_ROOT: @BELOW@ }

jobs:
  check:
    if: github.event_name == 'pull_request'
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@34e114876b0b11c390a56381ad16ebd13914f8d5 # v4.3.1
        with: { fetch-depth: 0, persist-credentials: false }
      - run: pipx install "newsletter-publisher[postgres]==@VERSION@"
      - run: publisher check --format github
      - run: publisher plan --base "origin/$GITHUB_BASE_REF" --format markdown >> "$GITHUB_STEP_SUMMARY"

  publish:
    if: github.event_name != 'pull_request' && vars.PUBLISHER_LIVE == 'true'
    runs-on: ubuntu-latest
    environment: newsletter
    concurrency: { group: publish, cancel-in-progress: false }
    permissions: { contents: read, id-token: write }
    env:
      PUBLISHER_DATABASE_URL: ${{ secrets.PUBLISHER_DATABASE_URL }}
      PUBLISHER_SECRET_KEYS: ${{ secrets.PUBLISHER_SECRET_KEYS }}
    steps:
      - uses: actions/checkout@34e114876b0b11c390a56381ad16ebd13914f8d5 # v4.3.1
        with: { fetch-depth: 0, persist-credentials: false }
      - uses: aws-actions/configure-aws-credentials@7474bc4690e29a8392af63c5b98e7449536d5c3a # v4.3.1
        if: vars.AWS_PUBLISH_ROLE != ''
        with:
          role-to-assume: ${{ vars.AWS_PUBLISH_ROLE }}
          aws-region: ${{ vars.AWS_REGION }}
          role-duration-seconds: 21600
      - run: pipx install "newsletter-publisher[postgres]==@VERSION@"
      - run: publisher events pull # bounces and complaints first
        if: vars.AWS_PUBLISH_ROLE != ''
      - run: publisher publish
"""

GITLAB = """\
# A merge request is checked; a merge to the default branch publishes, and so does a pipeline schedule (Build >
# Pipeline schedules; every quarter of an hour is a good one). The included file says which variables it wants.
include: { local: .gitlab/publisher.gitlab-ci.yml }
variables:
  PUBLISHER_SOURCE: "newsletter-publisher[postgres]==@VERSION@"
  PUBLISHER_ROOT: @BELOW@
"""

# What .pre-commit-hooks.yaml offers, installed from the released package.
PRE_COMMIT = """\
# pip install pre-commit && pre-commit install
repos:
  - repo: local
    hooks:
      - id: publisher-check
        name: publisher check
        entry: @ENTRY@
        language: python
        additional_dependencies: ["newsletter-publisher==@VERSION@"]
        pass_filenames: false
        files: @FILES@
"""
