"""Reading of a text file: bytes are decoded to text, text is parsed to YAML nodes, and each node knows its place.

Used for config.yaml as well as for the files of an issue, so the same rules and limits apply to both.
"""

from publisher.documents.nodes import Entry, Mapping, Node, Scalar, Sequence, find, is_null
from publisher.documents.text import TextFile, decode, read_text
from publisher.documents.validate import data_of, validate
from publisher.documents.yaml import parse_mapping, parse_yaml

__all__ = [
    "Entry", "Mapping", "Node", "Scalar", "Sequence", "TextFile", "data_of", "decode", "find", "is_null",
    "parse_mapping", "parse_yaml", "read_text", "validate",
]  # fmt: skip
