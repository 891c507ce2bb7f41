"""Evaluation: methods measured over data sets as the papers do, as tables and as a report."""

from .measuring import Evaluation, Matte, Row, evaluate, means
from .report import WorstCases, as_html
from .tables import as_csv, as_text

__all__ = [
    "Evaluation",
    "Matte",
    "Row",
    "WorstCases",
    "as_csv",
    "as_html",
    "as_text",
    "evaluate",
    "means",
]
