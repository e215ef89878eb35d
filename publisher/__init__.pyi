from publisher import testing as testing
from publisher.diagnostics import Diagnostic as Diagnostic
from publisher.diagnostics import Severity as Severity
from publisher.edition.model import Edition as Edition
from publisher.errors import ConfigError as ConfigError
from publisher.errors import ContentError as ContentError
from publisher.errors import DatabaseError as DatabaseError
from publisher.errors import DeployError as DeployError
from publisher.errors import PluginError as PluginError
from publisher.errors import PublisherError as PublisherError
from publisher.errors import ServiceError as ServiceError
from publisher.errors import TransportError as TransportError
from publisher.errors import UsageError as UsageError
from publisher.issue.model import Issue as Issue
from publisher.library import build as build
from publisher.library import check as check
from publisher.library import load as load
from publisher.library import publish as publish
from publisher.library import render as render
from publisher.publishing.run import Published as Published
from publisher.site.model import BuildResult as BuildResult

__version__: str
