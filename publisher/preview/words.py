"""The words of the preview's page, which is English as it is written, for browsers that prefer another language."""

from publisher.diagnostics import rendered, say

WORDS = (
    # static/preview.html
    say("Skip to the edition"), say("Preview"), say("live"), say("following your files"), say("Issues"),
    say("Findings"), say("The inbox row"), say("Size"), say("Length"), say("Status"), say("How to look at it"),
    say("What"), say("Email"), say("Archive page"), say("Plain text"), say("Source"), say("Phone"), say("Dark"),
    say("Images off"), say("For"), say("Send me a test…"), say("Keyboard shortcuts"), say("Send me a test"),
    say("One message through the configured transport, marked as a test. It touches no mailing."), say("Address"),
    say("Close"), say("Send"), say("Keyboard"), say("next, previous issue"),
    say("email, archive page, plain text, source"), say("phone or desktop"), say("dark or light"),
    say("images off or on"), say("open the first finding in the editor"), say("send me a test"),
    # static/preview.js
    say("{count} error"), say("{count} errors"), say("{count} warning"), say("{count} warnings"), say("{count} info"),
    say("error"), say("warning"), say("info"), say("no findings"), say("draft"), say("Nothing to mend."),
    say("{size} of {budget} kB"), say("{count} characters · {minutes} min"), say("{count} words · {minutes} min"),
    say("Not the newest:"), say("The last good view is below."), say("The edition"),
    say("There is no good view yet: mend the errors on the left, and it appears here."),
    say("No issue yet. Make one: publisher new 2025-01-05-weekly"), say("Sending…"), say("not running"),
    say("The preview did not answer: is it still running?"),
)  # fmt: skip


def page_words() -> dict[str, str]:
    """Map each text of the page to its translation into the current language."""
    return {str(word): rendered(word) for word in WORDS}
