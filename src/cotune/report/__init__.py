"""One self-contained page about a study, made from nothing but its view."""

from cotune.report.page import render as render
from cotune.report.page import write as write
