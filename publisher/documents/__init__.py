"""One text file as a document: bytes become text, text becomes YAML nodes, and each node knows where it was written.

The lowest room that reads: config.yaml and the files of an issue are read with the same eyes and the same limits.
"""

from publisher.documents.nodes import Entry, Mapping, Node, Scalar, Sequence, find, is_null
from publisher.documents.text import TextFile, decode, read_text
from publisher.documents.validate import data_of, validate
from publisher.documents.yaml import parse_mapping, parse_yaml

__all__ = [
    "Entry",
    "Mapping",
    "Node",
    "Scalar",
    "Sequence",
    "TextFile",
    "data_of",
    "decode",
    "find",
    "is_null",
    "parse_mapping",
    "parse_yaml",
    "read_text",
    "validate",
]
