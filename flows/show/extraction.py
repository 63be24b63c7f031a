"""What one page gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from extract.model import Article, Rejection
from flows.show.common import counted, say, say_row, say_url, styled, when_published

if TYPE_CHECKING:
    from transform.model import CleanArticle, Cut
    from transform.read import ReadPage

TWO_COLUMNS = 80  # characters that two columns need


def extraction(out: Console, read: ReadPage | Rejection) -> None:
    """What one page gives: kept blocks on the left, cut ones with rule and zone on the right; piped, one a line."""
    if isinstance(read, Rejection):
        say(out, (f"No article: {read.reason}", "red"), f"  {read.detail}")
        return
    value, article = read.clean, read.clean.article
    say(out, (article.title, "bold"))
    say_url(out, article.url)
    found_in = f" ({article.date_found_in})" if article.date_found_in else ""
    dated = when_published(article.published_at, article.date_precision) + found_in
    authors = ", ".join(article.authors) or "no author named"
    say(out, "; ".join((dated, authors, article.language or "language unknown", *sorted(article.flags))))
    agreement = "" if read.agreement is None else f", {read.agreement:.0%} alike to what another extractor found"
    say(out, f"text by {article.extractor}{agreement}")
    _labels(out, article)
    say(out)
    show = _side_by_side if out.is_terminal and out.width >= TWO_COLUMNS else _one_a_line
    show(out, value)
    say(out)
    say(out, f"{counted(len(value.blocks), 'block')} kept, {counted(len(value.cuts), 'block')} cut.")


def _labels(out: Console, article: Article) -> None:
    """What the page says of the article beside its text, as far as it does."""
    labels = {
        "summary": article.summary,
        "section": article.section,
        "tags": ", ".join(article.tags),
        "agency": f"{article.credit.agency}, {article.credit.evidence}" if article.credit else None,
        "material of": ", ".join(article.material),
        "translator": article.translator,
        "image": article.image,
    }
    for name, text in labels.items():
        if text:
            say_row(out, name, text)


def extraction_values(read: ReadPage | Rejection) -> Mapping[str, object]:
    """The same as plain values."""
    if isinstance(read, Rejection):
        return {"rejected": read.reason, "detail": read.detail, "url": read.url}
    value = read.clean
    article = asdict(value.article)
    del article["blocks"], article["source"]
    return {
        **article,
        "agency": value.article.agency,
        "agreement": read.agreement,
        "flags": sorted(value.article.flags),
        "text": value.text,
        "cuts": [asdict(cut) for cut in value.cuts],
    }


def _in_order(value: CleanArticle) -> list[tuple[int, str, Cut | None]]:
    """Position, text and, for what was cut, the cut: all blocks as they stood on the page."""
    cuts = {cut.position: cut for cut in value.cuts}
    return [(position, block.text, cuts.get(position)) for position, block in enumerate(value.article.blocks)]


def _side_by_side(out: Console, value: CleanArticle) -> None:
    table = Table(box=None, padding=(0, 2, 1, 0), header_style="bold")
    table.add_column("Kept", ratio=3)
    table.add_column("Cut", ratio=2)
    for _, text, cut in _in_order(value):
        kept = styled(text) if cut is None else ""
        table.add_row(kept, "" if cut is None else styled(text, "\n", (_told(cut), "dim red")))
    out.print(table, soft_wrap=False)


def _one_a_line(out: Console, value: CleanArticle) -> None:
    for position, text, cut in _in_order(value):
        say(out, f"{position:>4}  {'kept' if cut is None else f'CUT {_told(cut)}'}  ", text)


def _told(cut: Cut) -> str:
    """The rule, with the kind where that does not say it, and where the block stood."""
    kind = "" if f".{cut.kind}." in cut.rule else f"{cut.kind}, "
    return f"{cut.rule} ({kind}{cut.zone})"
