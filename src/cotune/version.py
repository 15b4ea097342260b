"""The version, once."""

VERSION = "0.4.0"
