"""The version, once."""

VERSION = "0.5.0"
