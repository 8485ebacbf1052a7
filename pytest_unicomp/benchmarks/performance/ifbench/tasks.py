"""IFBench's instructions that are tasks of their own (`custom:`): lists in an order, tables of characters, words backwards."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from pytest_unicomp.benchmarks.performance.ifbench.text import EDGES, ascii_only, bare, sentences

Arguments = Mapping[str, Any]
# European capitals with a latitude above 45 degrees, from north to south.
CAPITALS = """
Reykjavik Helsinki Oslo Tallinn Stockholm Riga Moscow Copenhagen Vilnius Minsk Dublin Berlin Amsterdam Warsaw London Brussels Prague Luxembourg
Paris Vienna Bratislava Budapest Vaduz Chisinau Bern Ljubljana Zagreb
""".split()  # noqa: SIM905 - a list of quoted words hides a missing one
DAYS = {1: 31, 2: 29, 3: 31, 4: 30, 5: 31, 6: 30, 7: 31, 8: 31, 9: 30, 10: 31, 11: 30, 12: 31}
AFRICAN_COUNTRIES = 52


def multiples(reply: str, given: Arguments) -> bool:
    """Return True if the numbers are the multiples of 7 from 14 to 49."""
    return re.findall(r"\d+", reply.replace(",", ", ")) == [str(number) for number in range(14, 51, 7)]


def mcq_count_length(reply: str, given: Arguments) -> bool:
    """Return True if there are four questions, each longer than the previous one, with five options each."""
    if reply[reply.find("Question") :] != reply:
        return False
    questions = [part.strip() for part in re.split(r"\n*(?:Question \d+[\.|\):;]?\s*)", reply) if part.strip()]
    lengths = []
    for question in questions:
        lines = [line.strip() for line in question.split("\n")]
        options = [place for place, line in enumerate(lines) if re.match(r"^[A-Ea-e][\.|\)]\s*\w+", line)]
        if len(options) != 5:
            return False
        lengths.append(len(" ".join(lines[: options[0]]).strip()))
    return len(questions) == 4 and all(one < other for one, other in pairwise(lengths))


def reverse_newline(reply: str, given: Arguments) -> bool:
    """Return True if the lines from Zimbabwe on, at least as many as there are countries in Africa, are in reverse order."""
    lines = [ascii_only(line.strip(EDGES)) for line in reply.split("\n") if line.strip(EDGES)]
    start = next((place for place, line in enumerate(lines) if "Zimbabwe" in line), None)
    if start is None or len(lines) - start < AFRICAN_COUNTRIES:
        return False
    return lines[start:] == sorted(lines[start:], reverse=True)


def word_reverse(reply: str, given: Arguments) -> bool:
    """Return True if the reply, its words taken backwards, is one sentence about the bald eagle."""
    text = " ".join(reversed(bare(reply.lower().strip()).split()))
    return "bald eagle" in text and text in sentences(text)


def character_reverse(reply: str, given: Arguments) -> bool:
    """Return True if the bald eagle occurs spelled backwards."""
    return "elgae dlab" in reply.lower()


def sentence_alphabet(reply: str, given: Arguments) -> bool:
    """Return True if 26 sentences begin with the letters of the alphabet in turn."""
    found = [sentence.split()[0].lower()[0] for sentence in sentences(reply)]
    return found == [chr(ord("a") + place) for place in range(26)]


def european_capitals_sort(reply: str, given: Arguments) -> bool:
    """Return True if the list, between commas, is the capitals from north to south."""
    return [capital.strip() for capital in ascii_only(reply).split(",") if capital.strip()] == CAPITALS


def csv_city(reply: str, given: Arguments) -> bool:
    """Return True if the table has its header and seven rows of five fields."""
    rows = list(csv.reader(io.StringIO(reply)))
    return len(rows) == 8 and rows[0] == ["ID", "Country", "City", "Year", "Count"] and all(len(row) == 5 for row in rows)


def csv_special_character(reply: str, given: Arguments) -> bool:
    """Return True if a table of 14 rows of five fields quotes a field with a special character; as in the official verifier, later rows are not read."""
    if not _header(reply, ("ProductID", "Category", "Brand", "Price", "Stock"), r",[ \t]*"):
        return False
    rows = list(csv.reader(io.StringIO(reply.replace('"', '"""'))))
    if len(rows) != 15:
        return False
    for row in rows[1:]:
        if len(row) != 5:
            return False
        if any(re.match(r'".*[^\d\w\s].*"', field) for field in row):
            return True
    return False


def csv_quotes(reply: str, given: Arguments) -> bool:
    """Return True if a table, separated by tabs, has its header and three rows, each of five quoted fields."""
    if not _header(reply, ("StudentID", "Subject", "Grade", "Semester", "Score"), r"\t *"):
        return False
    rows = list(csv.reader(io.StringIO(reply.replace('"', '"""')), delimiter="\t"))
    quoted = all(field.strip()[0] == field.strip()[-1] == '"' for row in rows for field in row)
    return len(rows) == 4 and all(len(row) == 5 for row in rows) and quoted


def date_format_list(reply: str, given: Arguments) -> bool:
    """Return True if the reply is dates YYYY-MM-DD between commas, in the years 1769 to 1821."""
    for date in reply.strip().split(","):
        found = re.match(r"^(\d{4})-(\d{2})-(\d{2})$", date.strip())
        if not found:
            return False
        year, month, day = (int(part) for part in found.groups())
        # The official verifier takes month 00 for a month of any length.
        if not 1769 <= year <= 1821 or month > 12 or day > DAYS.get(month, 99):
            return False
    return True


def _header(reply: str, names: tuple[str, ...], separator: str) -> bool:
    return re.match("^" + separator.join(f'({name}|"{name}")' for name in names) + "$", reply.split("\n")[0].strip()) is not None


VERIFIERS = {
    "custom:multiples": multiples,
    "custom:mcq_count_length": mcq_count_length,
    "custom:reverse_newline": reverse_newline,
    "custom:word_reverse": word_reverse,
    "custom:character_reverse": character_reverse,
    "custom:sentence_alphabet": sentence_alphabet,
    "custom:european_capitals_sort": european_capitals_sort,
    "custom:csv_city": csv_city,
    "custom:csv_special_character": csv_special_character,
    "custom:csv_quotes": csv_quotes,
    "custom:date_format_list": date_format_list,
}
