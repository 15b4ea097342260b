"""The version, once."""

VERSION = "0.3.0"
