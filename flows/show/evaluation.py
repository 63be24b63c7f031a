"""How well labelled pages, lines and articles came out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from rich.console import Console

from flows.show.common import TOP, counted, most_first, say

if TYPE_CHECKING:
    from flows.evaluate import Evaluation, Row
    from flows.evaluate_dedup import Evaluation as DedupEvaluation
    from flows.evaluate_dedup import Point
    from flows.evaluate_lines import Evaluation as LinesEvaluation
    from transform.cluster_scores import ClusterFigures, Share

_FIGURES = ("F1", "precision", "recall", "leaked", "dirty", "lost", "title", "authors", "date", "pages/s", "speed")


def evaluation(out: Console, value: Evaluation) -> None:
    """A table of all pages, one of each language, and what the figures mean."""
    _rows_of_readers(out, "", value.rows)
    for language, rows in value.languages.items() if len(value.languages) > 1 else ():
        say(out)
        _rows_of_readers(out, f"{language}: ", rows)
    say(out)
    if value.rejected:
        say(out, "Articles that are not in the store: ", most_first(value.rejected))
    if value.no_articles:
        say(out, f"Pages without an article: {value.no_articles}, {value.taken_for_articles} of them in the store.")
    say(out, ("leaked: lines a page that are none of the article's; dirty: pages with any; lost: paragraphs", "dim"))
    say(out, ("pages/s: of one processor, by the median page; speed: beside trafilatura with metadata", "dim"))


def _rows_of_readers(out: Console, name: str, rows: Sequence[Row]) -> None:
    head = f"{name}{counted(rows[0].figures.pages, 'page')}" if rows else name
    say(out, (f"{head:<26}" + "".join(f"{figure:>10}" for figure in _FIGURES), "bold"))
    for row in rows:
        found = row.figures
        cells = (
            *(f"{share:.3f}" for share in (found.f1, found.precision, found.recall)),
            f"{found.leaked_lines:.2f}",
            *(f"{share:.1%}" for share in (found.dirty_pages, found.lost_paragraphs)),
            *("" if share is None else f"{share:.1%}" for share in (found.title, found.authors, found.date)),
            "" if row.pages_per_cpu_s is None else f"{row.pages_per_cpu_s:.1f}",
            "" if row.speed is None else f"{row.speed:.2f}",
        )
        say(out, f"{row.reader:<26}" + "".join(f"{cell:>10}" for cell in cells).rstrip())


def lines_evaluation(out: Console, value: LinesEvaluation) -> None:
    """What lines were dropped, and how rightly where someone has said."""
    documents = counted(value.documents, "document")
    pace = f", {value.lines_per_cpu_s:,.0f} a second of one processor" if value.lines_per_cpu_s else ""
    say(out, f"{documents}, {counted(value.lines, 'line')}, {value.dropped} of them dropped{pace}.")
    if value.figures:
        found = value.figures
        dropped = f"F1 {found.f1:.3f}, precision {found.precision:.3f}, recall {found.recall:.3f}"
        say(out, f"Of {counted(found.lines, 'labelled line')}: dropped with {dropped}.")
        say(out, f"Good lines lost: {found.good_lines_lost:.1%}.")


def dedup_evaluation(out: Console, value: DedupEvaluation) -> None:
    """What stories came of a stream, and how rightly, where someone has said."""
    pace = f"{value.articles_per_s:,.0f} articles a second"
    say(out, f"{counted(value.articles, 'article')} in {counted(value.stories, 'story', 'stories')}, {pace}.")
    if value.refused:
        say(out, f"Not in the store, each a story of its own: {most_first(value.rejected)}")
    for refused in value.refused[:TOP]:
        say(out, f"  {refused.id}: {refused.reason}", (f" {refused.detail}", "dim"))
    if len(value.refused) > TOP:
        say(out, f"  … and {len(value.refused) - TOP} more: --json names them all")
    if value.scores is None:
        return
    if value.labelled < value.articles:
        say(out, f"{value.labelled} of them are labelled; the figures are theirs.")
    _grouping_figures(out, value.scores.figures)
    _share_table(out, "In a story that is mostly another's", value.scores.families)
    _share_table(out, "Copies found, by what was done to them", value.scores.edits)
    if wrong := value.scores.largest_wrong:
        say(out)
        say(out, f"Most wrong: a story of {len(wrong.ids)} articles, {wrong.foreign} of them another's:")
        say(out, f"  {', '.join(wrong.ids[:TOP])}{' …' if len(wrong.ids) > TOP else ''}")
    _curve(out, value.scores.curve)


def _grouping_figures(out: Console, found: ClusterFigures) -> None:
    say(out)
    say(out, (f"{'':<26}{'precision':>10}{'recall':>10}{'F1':>10}", "bold"))
    rows = (
        ("pairs", found.precision, found.recall, found.f1),
        ("B-cubed", found.bcubed_precision, found.bcubed_recall, found.bcubed_f1),
    )
    for name, *shares in rows:
        say(out, f"{name:<26}" + "".join(f"{share:>10.4f}" for share in shares))
    say(out, f"{'adjusted Rand index':<46}{found.ari:>10.4f}")


def _share_table(out: Console, title: str, shares: Mapping[str, Share]) -> None:
    if not shares:
        return
    say(out)
    say(out, (title, "bold"))
    for name, found in sorted(shares.items()):
        say(out, f"{name or '(no family)':<26}{found.share:>10.1%}   {found.hit} of {found.of}")


def _curve(out: Console, points: Sequence[Point]) -> None:
    """One table a threshold."""
    for name, held in groupby(points, lambda point: point.threshold):
        say(out)
        say(out, (f"{'With ' + name + ' at':<26}{'precision':>10}{'recall':>10}{'F1':>10}{'B-cubed':>10}", "bold"))
        for point in held:
            shares = (point.precision, point.recall, point.f1, point.bcubed_f1)
            mark = "  as it is" if point.is_policy else ""
            say(out, f"{point.value:<26g}" + "".join(f"{share:>10.4f}" for share in shares) + mark)
