"""Which opens and clicks no reader made: mail programs that fetch ahead, and scanners that follow every link.

A guess by user agent, and said to be one wherever it is shown. Sources: Apple's Mail Privacy Protection fetches every
picture as plain ``Mozilla/5.0``; Gmail and Yahoo fetch through proxies that name themselves, at the moment the reader
opens, so those count as readers unless they say they prefetch.
"""

from __future__ import annotations

import re

_BARE = re.compile(r"mozilla/5\.0\s*", re.IGNORECASE)
_MACHINE = re.compile(
    r"bot\b|crawl|spider|scan|barracuda|mimecast|proofpoint|symantec|forefront|trendmicro|safelinks"
    r"|headlesschrome|phantomjs|python-|curl/|wget/|go-http-client|java/|okhttp|libwww|preview|prefetch"
    # Gmail fetches pictures ahead as this one browser that nobody runs any more
    r"|chrome/42\.0\.2311\.135 safari/537\.36 edge/12\.246",
    re.IGNORECASE,
)


def is_machine(user_agent: str) -> bool:
    """Whether a machine rather than a reader opened or clicked; an unnamed agent is one."""
    agent = user_agent.strip()
    return not agent or _BARE.fullmatch(agent) is not None or _MACHINE.search(agent) is not None
