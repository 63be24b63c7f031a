"""Pages on which extractors differ, each in its own way, and what is told on them."""

from __future__ import annotations

from datetime import UTC, datetime

from extract.model import Page

STORY = (
    "The ferry left the harbour at seven in the morning with all its lamps lit and the band playing on the upper deck.",
    "By noon the wind had turned, and the captain asked the passengers to come down and to leave their hats behind.",
    "Nobody was hurt, but the tuba is still being looked for, and the company has promised a reward of ten crowns.",
    "The line has been in service since 1911, and only twice before has it lost an instrument, both times in March.",
    "A spokesman for the town, Edgar Lowe, said the band would play on at the summer fair, with a borrowed tuba.",
    "Passengers will have their fares returned if they come to the office at the pier with their tickets by Friday.",
)
OTHER = (
    "Carrots want a light soil, said the gardener, and they want to be left alone, which is more than most people can do.",
    "She sows them in the last week of April, thins them twice, and waters them only when the weather has forgotten to.",
    "The rest is up to the moon, in which she does not believe, and to the hares, in which she is obliged to believe.",
)
TALK = ("So many hats!", "Where is the tuba now?", "Gulls again", "My aunt was on board, she is fine", "I found a shell",
        "Lovely photo of the old pier", "Ten crowns is not much", "Third time in March, well well", "Hear, hear",
        "See you all at the summer fair then")  # fmt: skip


def page_of(body: str, lang: str = "en") -> Page:
    head = f'<html lang="{lang}"><head><title>The ferry and the tuba</title></head>'
    return Page(
        url="https://post.example/news/ferry.html",
        final_url="https://post.example/news/ferry.html",
        status=200,
        headers=(("content-type", "text/html; charset=utf-8"),),
        body=f"<!DOCTYPE html>{head}<body><h1>The ferry and the tuba</h1>{body}</body></html>".encode(),
        fetched_at=datetime(2026, 3, 20, 12, tzinfo=UTC),
    )


def paragraphs(*told: str) -> str:
    return "".join(f"<p>{text}</p>" for text in told)


DAYS = tuple(f"On day {day} of the search, {STORY[day % 6][0].lower()}{STORY[day % 6][1:]}" for day in range(1, 29))

CROWDED = page_of(f'<div id="txt">{paragraphs(*STORY)}</div><div class="community">{paragraphs(*TALK)}</div>')
HALVED = page_of(
    f'<article>{paragraphs(*STORY[:2])}<section class="sponsor-tool"><h2>How it went on</h2>'
    f"{paragraphs(*STORY[2:])}</section></article>"
)
CONTAINERS = page_of(
    f'<div class="post-text">{paragraphs(*DAYS[:14])}</div><div class="part">{paragraphs(*DAYS[14:])}</div>'
)
UNSEEN = page_of(f"<footer>{paragraphs(*STORY)}</footer>")
