"""Labelled streams of made-up news: what near-duplicate detection is tested and measured on, and big stores are filled.

A stream is drawn from a seed and nothing else, and comes in order of arrival, one article at a time; a longer stream
begins with the shorter one. Texts are made of sentence frames and word lists of our own, in the proportions of real
news: most stories are told once, a few by dozens of outlets; templates, follow-ups and round-ups share wording without
being copies.

    python tests/newsstream.py FOLDER --articles 5000

writes `articles.jsonl.gz` and `truth.csv.gz` for `storyfold eval dedup`.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from heapq import heappop, heappush
from itertools import count
from pathlib import Path
from random import Random

START = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = 3600.0
DAY = 24 * HOUR

Body = list[list[str]]  # paragraphs of sentences
Words = Mapping[str, Sequence[str]]  # slot of a frame → what may stand in it


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One article as it arrives, and the truth about it."""

    id: str
    url: str
    outlet: str
    published_at: datetime
    fetched_at: datetime
    title: str
    byline: str
    text: str
    cluster: int  # the story whose text it is
    family: str  # story, chain, template, series, retell, liveblog or digest
    edit: str  # what was done to the text: origin, exact, light, …, revision, v2, v3, …


def stream(
    seed: int,
    articles: int,
    *,
    per_day: int = 400,
    boilerplate: float = 0.2,
    families: Mapping[str, float] | None = None,
    max_copies: int = 60,
) -> Iterator[Item]:
    """So many articles in order of arrival.

    per_day: articles, roughly. boilerplate: the share of texts into which their outlet's page furniture leaked.
    families: family → its share of the events, in place of the usual ones. max_copies: of one story
    """
    desk = _Desk(seed, boilerplate, max_copies)
    kinds = _FAMILIES if families is None else families
    shares = [kinds[name] for name in kinds]
    per_event = sum(_PER_EVENT[name] * share for name, share in kinds.items()) / sum(shares)
    pause = DAY / per_day * per_event
    waiting: list[tuple[float, int, _Draft]] = []
    order = count()
    now, given = 0.0, 0
    while given < articles:
        now += desk.rng.expovariate(1 / pause)
        while waiting and waiting[0][0] <= now and given < articles:
            yield heappop(waiting)[2].item(f"s{seed}-{given:07d}")
            given += 1
        (kind,) = desk.rng.choices(list(kinds), shares)
        for draft in _TELL[kind](desk, now):
            heappush(waiting, (draft.fetched, next(order), draft))


def write_stream(folder: Path, items: Iterable[Item]) -> tuple[Path, Path]:
    """Write the articles and the truth about them, packed, as `storyfold eval dedup` reads them."""
    folder.mkdir(parents=True, exist_ok=True)
    articles, truth = folder / "articles.jsonl.gz", folder / "truth.csv.gz"
    with gzip.open(articles, "wt", 1, encoding="utf-8") as out, gzip.open(truth, "wt", 1, newline="") as right:
        labels = csv.writer(right)
        labels.writerow(["id", "cluster", "family", "edits"])
        for item in items:
            out.write(json.dumps(as_object(item), ensure_ascii=False) + "\n")
            labels.writerow([item.id, item.cluster, item.family, item.edit])
    return articles, truth


def as_object(item: Item) -> dict[str, str | int]:
    """What a reader is told of the article: all but the truth."""
    return {
        "id": item.id,
        "url": item.url,
        "outlet": item.outlet,
        "published_at": int(item.published_at.timestamp()),
        "fetched_at": int(item.fetched_at.timestamp()),
        "title": item.title,
        "byline": item.byline,
        "text": item.text,
    }


# --- Words ----------------------------------------------------------------------------------------------------


def _listed(text: str) -> list[str]:
    return text.split()


# Neighbours mean nearly the same: copy editors swap them.
_ADJECTIVES = _listed(
    """
    large big recent new quiet calm narrow slim sharp steep local regional steady stable crucial vital modest
    small public common swift quick slow sluggish cautious wary bitter fierce broad wide rare scarce frequent
    regular rough stormy crowded packed fragile brittle strong robust weak feeble wealthy rich poor needy modern
    contemporary wooden timber muddy boggy frozen glacial damaged battered hidden secret joint shared temporary
    makeshift permanent lasting popular favoured disputed contested planned proposed deserted forsaken shallow
    low tall high heavy weighty light slight noisy loud bright brilliant dark gloomy foreign distant domestic
    national rival competing loyal faithful costly dear cheap budget formal ceremonial closed shut late belated
    """
)
_VERBS = _listed(
    """
    praised lauded criticised faulted rejected refused approved endorsed delayed postponed repaired mended
    closed shut opened unveiled bought purchased sold auctioned visited toured inspected examined questioned
    queried doubled increased halved reduced defended backed blamed accused warned cautioned surprised
    astonished joined entered left quit replaced succeeded copied imitated published released withheld concealed
    blocked obstructed cleared removed funded financed leased rented guarded protected ignored neglected
    welcomed greeted disputed contested studied analysed revised amended restored rebuilt dropped scrapped won
    secured lost forfeited
    """
)
_NOUNS = _listed(
    """
    ferry bridge harbour council school teacher nurse hospital road tunnel market trader bank loan tax court
    judge jury witness lawyer fire forest river dam reservoir farm harvest tractor trawler quay factory worker
    strike contract wage pension voter ballot party minister mayor deputy coalition treaty border soldier
    veteran museum gallery painting theatre festival concert singer novel library statue church chapel bell
    clinic vaccine patient surgeon laboratory sample satellite rocket telescope comet glacier storm flood
    landslide drought heatwave volcano runway pilot passenger tram bus station railway signal ticket cyclist
    helmet motorway lorry battery turbine cable reactor pipeline refinery tanker coal quarry shipyard crane
    merger share dividend regulator licence patent server network phone camera drone stadium coach striker
    goalkeeper referee league trophy swimmer runner medal marathon racket tournament village hamlet valley
    lighthouse beach hotel tourist kitchen bakery brewery vineyard potato beehive kennel zoo wolf garden
    greenhouse playground nursery pupil degree campus professor grant charity shelter tenant landlord mortgage
    roof chimney drain sewer landfill bin parcel courier warehouse supermarket pharmacy dentist premium claim
    report survey petition protest march banner curfew prison guard warden burglar detective verdict bicycle
    """
)
_TITLES = _listed(
    """
    minister mayor spokeswoman spokesman director chairwoman researcher professor coordinator secretary
    treasurer veteran resident commissioner superintendent
    """
)
_PLURALS = {noun: noun[:-1] + "ies" if noun[-1] == "y" and noun[-2] not in "aeo" else noun + "s" for noun in _NOUNS}
_PLURALS |= {noun: noun + "es" for noun in _NOUNS if noun.endswith(("s", "x", "ch", "sh"))}
_FIELDS = _listed(
    """
    Harbour Transport Rail Water Health Heritage Farming Forestry Fisheries Energy Housing Education Science
    Trade Savings Mining Weather Aviation Insurance Research Tourism Shipping Labour Justice Postal Broadcasting
    """
)
_BODIES = _listed("Authority Board Council Institute Agency Union Trust Office Association Commission Bank Service")
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_STARTS = _listed(
    """
    Ba Be Bra Ca Cor Da Del Dru El Fa Fen Gal Gre Ha Hol Ja Ka Kel La Lor Ma Mer Mo Na Nor O Pa Pel Qui Ra
    Ro Sa Sel Sto Ta Tel Tri U Va Ver Wa Wes Ya Zan
    """
)
_MIDDLES = _listed("la lo len ra re rin ro sa sen ta te ti va vi na no ne ma mi do da di ga be bo ke")
_NAME_ENDS = _listed("n nd r s rt ck ll m nt rd ne ski sen son tt v lo ra ni")
_TOWN_ENDS = _listed("bury ford ton ham wick port mouth by field stead dale holm gate haven bridge")
_FIRST_ENDS = _listed("a o an en i ia el us e in")
_PLANTS = ["meadow", "alder", "juniper", "bramble", "sorrel", "campion", "teasel", "yarrow"]


@cache
def _names() -> dict[str, tuple[str, ...]]:
    """The world in which all streams play: first names, surnames, towns and bodies; the same whatever the seed."""
    rng = Random(1789)

    def made(ends: Sequence[str], how_many: int) -> tuple[str, ...]:
        found: dict[str, None] = {}
        while len(found) < how_many:
            middle = "".join(rng.choice(_MIDDLES) for _ in range(rng.randint(0, 2)))
            found[rng.choice(_STARTS) + middle + rng.choice(ends)] = None
        return tuple(found)

    towns = made(_TOWN_ENDS, 1_500)
    return {
        "first": made(_FIRST_ENDS, 260),
        "surname": made(_NAME_ENDS, 4_000),
        "town": towns,
        "body": tuple(f"{town} {field} {rng.choice(_BODIES)}" for town in towns[:120] for field in _FIELDS),
    }


def _person(rng: Random) -> str:
    return f"{rng.choice(_names()['first'])} {rng.choice(_names()['surname'])}"


@dataclass(frozen=True, slots=True)
class _Frame:
    """A sentence with slots: `{P}` a person, `{S}` a surname, `{O}` a body, `{T}` a town, `{m}` a number, …"""

    text: str  # with %s where a slot is
    slots: tuple[str, ...]

    def fill(self, words: Words, random: Callable[[], float]) -> str:
        return self.text % tuple([(w := words[slot])[int(random() * len(w))] for slot in self.slots])


def _frame(text: str) -> _Frame:
    return _Frame(re.sub(r"\{\w+\}", "%s", text.replace("%", "%%")), tuple(re.findall(r"\{(\w+)\}", text)))


def _frames(text: str) -> tuple[_Frame, ...]:
    return tuple(_frame(line.strip()) for line in text.strip().splitlines())


_CLAUSES = _frames(
    """
    the {a} {n} {v} {m} {N} near {T}
    {P} {v} the {a} {n} of {O}
    {O} {v} its {a} {n} and {v} a {n}
    a {a} {n} from {T} {v} the {N} of {S}
    {m} {N} were {v} by the {a} {n} in {T}
    {S} {v} {m} {N}, {m} more than the {a} {n} had {v}
    the {n} cost {M} crowns, {a} by the standards of {T}
    no {n} in {T} had {v} a {a} {n} since {y}
    {O} will have {v} every {a} {n} by {y}
    neither the {n} nor its {a} {n} {v} {S}
    {S}, whose {n} {v} {T} in {y}, {v} the {n}
    about {m} per cent of {N} {v} a {a} {n}
    {a} {N} and {a} {N} {v} the {n} at {T}
    the {title} of {O}, {P}, {v} a {a} {n}
    only {m} of {m} {N} {v} the {a} {n}
    a {n} that {v} {T} {v} {m} {N}
    {T} {v} its {n} while {O} {v} the {a} {n}
    the {a} {n} beside the {n} {v} {P}
    by then {m} {a} {N} had {v} {T}
    what {v} the {n} was {a}, but the {n} {v} {S}
    {O} put the {a} {n} at {M} crowns
    {P} and {P} {v} one {a} {n} each
    the {n} of {T} {v} its {title} over a {a} {n}
    few {N} {v} so {a} a {n} as {S}
    a {title} of {O} {v} {S} for the {a} {n}
    {N} worth {M} crowns {v} the {a} {n}
    more than {m} {N} and a {a} {n} {v} {T}
    {S} {v} the {n} first and the {a} {n} later
    every {n} between {T} and {T} {v} a {n}
    the {n}, {a} since {y}, {v} {m} {N}
    {O} {v} {S} although the {n} was {a}
    it took {m} {N} to have the {a} {n} {v}
    {T} has {m} {N} and {v} a {a} one
    an inquiry {v} the {n} which {O} {v}
    the {a} {n} {v} a {n} with {m} {N} in it
    {P}, {m}, {v} her {a} {n} outside {T}
    {P}, {m}, {v} his {n} and a {a} {n}
    the {title} {v} {a} {N} in {T} and {a} {N} elsewhere
    a second {n} {v} {O} with {a} {N}
    {m} {N} from {T} {v} {m} from {T}
    """
)
_BEFORE = _frames(
    """
    On {d}, {clause}
    According to {P}, {clause}
    Officials at {O} say {clause}
    Late on {d} {clause}
    In {T}, {clause}
    By {m} o'clock {clause}
    Figures from {O} show that {clause}
    Since {y}, {clause}
    Meanwhile {clause}
    Records of {y} suggest that {clause}
    """
)
_AFTER = _frames(
    """
    {clause}, {P} said.
    {clause}, said {P}, a {title} at {O}.
    {clause}, {O} said on {d}.
    {clause}, which {v} {S}.
    {clause} after {m} days of {a} {N}.
    {clause}, the {title} added.
    {clause} in spite of a {a} {n}.
    {clause}, though {S} {v} the {n}.
    {clause}, up from {m} in {y}.
    {clause} before a {n} {v} it.
    "{clause}," said {P}, the {title} of {O}.
    "{clause}, and the {a} {n} {v} us," {S} told a {n} in {T}.
    "We {v} the {a} {n} because {clause}," {P} said.
    {clause}, as {S} had {v} on {d}.
    """
)
_HEADLINES = _frames(
    """
    {a} {n} {v} {m} {N} near {T}
    {O} {v} {a} {n}
    {T} {n} {v} by {a} {n}
    {S}: '{a} {n} {v} us'
    {m} {N} {v} in {T} after {a} {n}
    How a {a} {n} {v} {T}
    {P} {v} {n} in {T}
    {T} counts {m} {a} {N}
    """
)


def _upper(text: str) -> str:
    place = 1 if text[0] in "\"'" else 0
    return text[:place] + text[place].upper() + text[place + 1 :]


# --- Templates ------------------------------------------------------------------------------------------------

_TEMPLATES: dict[str, tuple[tuple[str, str], ...]] = {
    "weather": (
        (
            "Weather in {T}: {m} degrees and {sky} on {d}",
            """It will be mostly {sky} in {T} on {d}, with temperatures climbing to {t} degrees by the afternoon and falling to {t} degrees overnight.
Winds from the {way} will reach {t} kilometres an hour along the coast, with gusts of up to {m} on exposed hills. The chance of rain stands at {m} per cent before noon and {m} per cent in the evening.
Sunrise is at {t} minutes past six and sunset at {t} minutes past seven. The pollen count is expected to be {level}, and the air quality index will stay near {m} for most of the day.
For the rest of the week forecasters expect {sky} spells, with highs between {t} and {t} degrees. Drivers are advised to allow extra time for their journeys and to watch out for fallen branches and standing water on minor roads.
This forecast was compiled from automatic stations and is updated every six hours. Warnings are shown on our weather page, where readers can also sign up for alerts for their own postcode.""",
        ),
        (
            "{T} forecast for {d}",
            """Here is the forecast for {T} and its surroundings for {d}: {sky} at first, then {sky}, with a top temperature of {t} degrees.
Overnight lows will drop to {t} degrees in the valleys. A {way} wind of {t} to {m} kilometres an hour is expected. Rainfall should add up to {t} millimetres by midnight, the station at {T} harbour reports.
The sea temperature is {t} degrees, and the tide will be high at {t} minutes past the hour. Bathers should follow the instructions of the lifeguards and keep away from the breakwater at all times.
The long-term average for this day of the year is {t} degrees; the record of {m} was set in {y}.""",
        ),
    ),
    "stocks": (
        (
            "Shares close {up} on {d} as {N} lead",
            """Shares on the {T} exchange closed {up} on {d}, with the main index of thirty leading companies ending the session at {k} points, a change of {c} per cent from the previous close.
{O} led the gainers with a rise of {c} per cent, followed by makers of {N}, which added {c} per cent. Among the losers, {O} gave up {c} per cent after its results fell short of what analysts had forecast.
Turnover came to {M} crowns, compared with a daily average of {M} crowns over the past month. Of the shares traded, {m} rose, {m} fell and {t} were unchanged at the end of trading.
In currency markets the crown stood at {c} to the dollar and at {c} to the euro. The yield on ten-year government bonds moved to {c} per cent, while oil for delivery next month changed hands at {m} dollars a barrel.
Investors are now waiting for the inflation figures that will be released later this week and for signals from the central bank about the future path of interest rates.""",
        ),
        (
            "Market report: index ends at {k}",
            """The {T} index finished at {k} points on {d}, {up} by {c} per cent, in trading that brokers described as {a}.
Banks moved by {c} per cent and utilities by {c} per cent. {O} was the most traded share of the day, with {m} thousand papers changing hands at an average price of {c} crowns.
The volatility gauge closed at {t}. Gold was quoted at {k} dollars an ounce at the time of the closing bell, copper at {k} dollars a tonne.
Past performance is no guide to future returns, and nothing in this report is to be taken as advice to buy or to sell.""",
        ),
    ),
    "earnings": (
        (
            "{O} reports quarterly earnings of {c} a share",
            """{O} on {d} reported net income of {M} crowns for its latest quarter. On a per-share basis, the company based in {T} said it had earned {c} crowns, adjusted for one-time gains and costs.
The results were {up} from what the market had expected. The average estimate of {t} analysts surveyed by our data service was for earnings of {c} crowns per share.
Revenue in the period came to {M} crowns, against {M} crowns in the same quarter of the year before. Operating margin stood at {c} per cent and net debt at {M} crowns at the end of the period.
For the full year the company expects revenue in the range of {M} crowns to {M} crowns and will propose a dividend of {c} crowns per share. Its shares have moved by {t} per cent since the beginning of the year.
This story was put together automatically from filings of the company. The full figures are available to subscribers of our market data.""",
        ),
        (
            "{O}: results at a glance",
            """{O} has published its figures for the quarter. Sales: {M} crowns, after {M} a year ago. Profit before tax: {M} crowns. Earnings per share: {c} crowns. Staff at the end of the period: {k}.
Chief executive {P} said in the statement that accompanied the figures that the company was on course to meet its targets for the year, in spite of higher costs for energy and freight.
The order book stood at {M} crowns. The company will hold its annual meeting in {T} and will answer the questions of analysts in a telephone conference on {d}.""",
        ),
    ),
    "sports": (
        (
            "{T} {s}, {T} {s}",
            """{P} scored {t} points and {P} added {t} as {T} beat {T} {m}-{m} on {d} night in front of {k} spectators.
{S} made {s} of {t} shots from the field and collected {s} rebounds. {T} led by {s} at the half and stretched the margin to {t} with {s} minutes left to play, after a run of {t} unanswered points.
{P} had {t} points for the visitors, who have lost {s} of their last {t} games. They shot {m} per cent from the field and gave the ball away {t} times, which led to {t} points for the hosts.
Up next: {T} plays at {T} on {d}, while {T} hosts {T} on {d}. Tickets are still on sale at the arena and with all the usual booking offices.
The standings, the schedule and the statistics of every player of the league can be found on our results page.""",
        ),
        (
            "{T} beat {T} {s}-{s}",
            """{T} took all the points at home to {T} on {d} with a {s}-{s} win, thanks to goals from {P} in minute {t} and {P} in minute {m}.
The visitors had {t} shots, {s} of them on target, and {m} per cent of the ball. Referee {P} showed {s} yellow cards. Attendance at the ground was given as {k}.
With the result {T} move to place {s} in the table with {m} points from {t} matches. On the next matchday they travel to {T}, where kick-off is at half past seven in the evening.""",
        ),
    ),
    "obituary": (
        (
            "{P}, {m}",
            """{P}, {m}, of {T}, died peacefully at home on {d}, surrounded by family and friends. Born in {T} in {y} to the late {P} and {P}, {first} grew up in {T} and was a graduate of the high school there.
{first} worked for {t} years for {O} before retiring in {y}, and will be remembered for a love of {N}, for long walks with the dog and for a kind word for everybody at the {n} club.
{first} is survived by {s} children, {s} grandchildren and many nieces and nephews, and was preceded in death by a brother, {P}. The family wishes to thank the staff of the hospice for their gentle care.
Visiting hours are on {d} from four to seven at the funeral home in {T}. A service will be held on {d} at ten in the morning, followed by burial in the family plot. In place of flowers, please consider a gift to the {n} fund of {T}.""",
        ),
    ),
    "quake": (
        (
            "Magnitude {c} earthquake shakes {T}",
            """An earthquake with a preliminary magnitude of {c} struck {m} kilometres {way} of {T} at {t} minutes past {s} on {d}, according to the seismological service.
The epicentre was located {m} kilometres from {T} and {m} kilometres from {T}. The depth of the quake was given as {c} kilometres. There were no immediate reports of damage or injuries, and no warning of high waves was issued.
In the past ten days there have been {s} earthquakes of magnitude three or greater centred nearby. An average of {m} such earthquakes a year occur in the region, by data of the past three years.
Did you feel it? Consider reporting what you noticed to the seismological service. This text was produced by a computer program from the service's measurements and was reviewed by an editor before it was published.""",
        ),
    ),
    "police": (
        (
            "Police log for {T}, {d}",
            """The following calls were logged by the {T} police department on {d} and the night that followed. Those named have been charged but are to be presumed innocent until proven guilty in a court of law.
{t}.{t}: A caller on {S} Street reported that a {n} had been taken from an unlocked car. Officers took a statement. {t}.{t}: A {a} dog was found near the {n} and returned to its owner.
{t}.{t}: {P}, {m}, of {T}, was arrested on a warrant and released on bail of {k} crowns. {t}.{t}: Noise complaint on {S} Road; the music was turned down on arrival of the officers.
{t}.{t}: Two cars collided at the corner of {S} Street and {S} Avenue; nobody was hurt. {t}.{t}: A {n} was reported missing by {P} and was later found in the garage.
Anyone with information about any of these matters is asked to call the department during office hours or to leave a message on the confidential line.""",
        ),
    ),
    "lottery": (
        (
            "Winning numbers for {d}: {T} lottery",
            """The winning numbers of the {T} state lottery drawn on {d} evening are {t}, {t}, {t}, {t}, {t} and {t}, with {t} as the bonus ball and a multiplier of {s}.
Pick three, midday: {s}, {s}, {s}. Pick three, evening: {s}, {s}, {s}. Pick four: {s}, {s}, {s}, {s}. Cash draw: {t}, {t}, {t}, {t}, {t}. The estimated jackpot for the next drawing is {M} crowns.
Feeling lucky? Tickets can be bought in person at petrol stations, kiosks and supermarkets until an hour before the draw. Players must be eighteen or older and should check the odds before they play.
Prizes of up to {m} hundred crowns are paid out at any shop that sells tickets, larger ones at the offices of the lottery. Winners have ninety days to claim their prize, after which the money goes to schools and sport. Please play responsibly.""",
        ),
    ),
}
_COMMON = {"weather": 8.0, "stocks": 4.0, "earnings": 5.0, "sports": 6.0, "obituary": 4.0, "quake": 2.0, "police": 2.0}
_COMMON["lottery"] = 3.0


@cache
def _templates() -> Mapping[str, tuple[tuple[_Frame, tuple[_Frame, ...]], ...]]:
    return {
        kind: tuple((_frame(title), _frames(text)) for title, text in wordings) for kind, wordings in _TEMPLATES.items()
    }


_MONEY = tuple(f"{n / 10:g} {unit}" for n in range(11, 999, 7) for unit in ("million", "billion"))
_DECIMALS = tuple(f"{n / 100:.2f}" for n in range(3, 990, 3))
_WIDE: Words = {
    "a": _ADJECTIVES,
    "n": _NOUNS,
    "N": tuple(_PLURALS.values()),
    "v": _VERBS,
    "title": _TITLES,
    "M": _MONEY,
    "c": _DECIMALS,
    "d": _DAYS,
    "m": tuple(map(str, range(2, 99))),
    "k": tuple(map(str, range(1_000, 28_000, 37))),
    "t": tuple(map(str, range(2, 40))),
    "s": tuple(map(str, range(10))),
    "y": tuple(map(str, range(1921, 2026))),
    "sky": ("sunny", "cloudy", "dry", "showery", "misty", "overcast", "clear"),
    "way": ("north", "northeast", "east", "southeast", "south", "southwest", "west", "northwest"),
    "level": ("low", "moderate", "high", "very high"),
    "up": ("higher", "lower", "slightly higher", "slightly lower"),
}


# --- Outlets --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Outlet:
    """Who publishes, and what its pages carry around every article."""

    name: str
    host: str
    town: str
    top: tuple[_Frame, ...]
    inside: tuple[_Frame, ...]
    bottom: tuple[_Frame, ...]
    also: str  # the heading over the list of other articles; empty where there is none


_TOPS = _frames(
    """
    Skip to main content. Home News {section} Sport Business Opinion Culture {town} Jobs Subscribe
    {name} | {section} | {d}
    By the {name} newsroom | Published on {d}, updated {t} minutes ago
    Photo: {name} archive
    {m} comments
    Listen to this article, {t} minutes
    Share this on the usual networks or send it to a friend
    Advertisement. Scroll to continue reading the {name}
    """
)
_INSIDES = _frames(
    """
    Sign up for the {plant} letter: the {name} morning briefing with all that matters in {town}, free and before breakfast.
    Read also: {title_of_another}
    Story continues after this advertisement from the partners of the {name}.
    The {name} app brings you {section} news as it happens. Download it today.
    Picture by {P} for the {name}.
    """
)
_BOTTOMS = _frames(
    """
    {P} covers {section} for the {name}. Reach the {plant} desk at the address given on our contact page.
    Copyright {name} {thisyear}. All rights reserved. This material may not be published, broadcast, rewritten or redistributed without written permission of the {plant} press.
    The {name} is a member of the {plant} press council and follows its code. Complaints about accuracy can be sent to the readers' editor in {town}.
    Support independent journalism in {town}. Become a {plant} member of the {name} for the price of a coffee a month and read without advertisements.
    More on this topic can be found in the {section} pages of the {name}, every day from six in the morning.
    Most read in {section} today
    Tags: {section}, {n}, {n}, {town}
    Have you seen something we should know about? Call the {name} in {town} or write to the news desk in confidence.
    """
)
_SECTIONS = _listed("Local Nation World Economy Health Science Culture Politics Region")
_PAPERS = _listed("Herald Courier Gazette Times Post Echo Observer Tribune Chronicle Mercury Sentinel Journal")


@cache
def _outlets() -> tuple[_Outlet, ...]:
    """Two hundred and forty publishers; the first publish most."""
    rng = Random(1848)
    towns = rng.sample(_names()["town"], 240)
    outlets = []
    for town in towns:
        name = f"{town} {rng.choice(_PAPERS)}"
        own = {"name": (name,), "town": (town,), "plant": (rng.choice(_PLANTS),), "section": (rng.choice(_SECTIONS),)}
        outlets.append(
            _Outlet(
                name,
                name.lower().replace(" ", "-") + ".example",
                town,
                _half_filled(rng, _TOPS, rng.randint(0, 4), own),
                _half_filled(rng, _INSIDES, rng.randint(0, 2), own),
                _half_filled(rng, _BOTTOMS, rng.randint(1, 4), own),
                rng.choice(("", "", "Related stories", "More from the " + name, "You may also like")),
            )
        )
    return tuple(outlets)


def _half_filled(rng: Random, frames: Sequence[_Frame], how_many: int, own: Words) -> tuple[_Frame, ...]:
    """Some of the frames as an outlet words them: what is its own is filled in, the rest differs from page to page."""
    return tuple(
        _frame(frame.text.replace("%s", "{}").format(*(own[s][0] if s in own else "{" + s + "}" for s in frame.slots)))
        for frame in rng.sample(frames, how_many)
    )


# --- Telling --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Draft:
    """An article that is on its way."""

    fetched: float  # seconds since START
    published: float
    url: str
    outlet: str
    title: str
    byline: str
    text: str
    cluster: int
    family: str
    edit: str

    def item(self, id_: str) -> Item:
        return Item(
            id=id_,
            url=self.url,
            outlet=self.outlet,
            published_at=START + timedelta(seconds=int(self.published)),
            fetched_at=START + timedelta(seconds=int(self.fetched)),
            title=self.title,
            byline=self.byline,
            text=self.text,
            cluster=self.cluster,
            family=self.family,
            edit=self.edit,
        )


@dataclass(frozen=True, slots=True)
class _Told:
    """A text to be published, and its words, of which an editor may take more."""

    title: str
    body: Body
    words: Words


class _Desk:
    """All that a stream remembers while it goes on."""

    def __init__(self, seed: int, boilerplate: float, max_copies: int) -> None:
        self.rng = Random(seed)
        self.pages = Random(seed)  # of its own: what leaks into the texts leaves them as they are without
        self.boilerplate = boilerplate
        self.max_copies = max_copies
        self.clusters = count(1)
        self.numbers = count(1)
        self.recent: deque[_Told] = deque(maxlen=300)  # stories, for round-ups and lists of other articles

    def pick(self, values: Sequence[str]) -> str:
        return values[int(self.rng.random() * len(values))]

    def person(self) -> str:
        return _person(self.rng)

    def words(self, day: int) -> dict[str, Sequence[str]]:
        """What one story is about: its cast, its figures and its subjects."""
        rng, names = self.rng, _names()
        people = [self.person() for _ in range(4)]
        subjects = [_NOUNS[int(rng.random() ** 1.5 * len(_NOUNS))] for _ in range(16)]
        return {
            "P": people,
            "S": [person.split()[1] for person in people],
            "O": [self.pick(names["body"]) for _ in range(3)],
            "T": [self.pick(names["town"]) for _ in range(3)],
            "n": subjects,
            "N": [_PLURALS[subject] for subject in subjects],
            "m": [str(int(2 + 900 * rng.random() ** 3)) for _ in range(14)],
            "y": [str(2025 - int(90 * rng.random() ** 2)) for _ in range(4)],
            "M": [self.pick(_MONEY) for _ in range(4)],
            "d": [_DAYS[day % 7], _DAYS[(day - 1) % 7]],
            "a": _ADJECTIVES,
            "v": _VERBS,
            "title": _TITLES,
        }

    def sentence(self, words: Words) -> str:
        random = self.rng.random
        clause = _CLAUSES[int(random() * len(_CLAUSES))].fill(words, random)
        wish = random()
        if wish < 0.3:
            frame = _BEFORE[int(random() * len(_BEFORE))]
            return _upper(frame.fill({**words, "clause": (clause,)}, random)) + "."
        if wish < 0.8:
            frame = _AFTER[int(random() * len(_AFTER))]
            return _upper(frame.fill({**words, "clause": (clause,)}, random))
        other = _CLAUSES[int(random() * len(_CLAUSES))].fill(words, random)
        return _upper(f"{clause}, {('and', 'but', 'while', 'so')[int(random() * 4)]} {other}.")

    def body(self, words: Words, sentences: int) -> Body:
        """Paragraphs of one to four sentences."""
        body: Body = []
        while sentences > 0:
            size = min(sentences, 1 + int(self.rng.random() * 4))
            body.append([self.sentence(words) for _ in range(size)])
            sentences -= size
        return body

    def told(self, words: Words, sentences: int | None = None) -> _Told:
        """A new text of its own about these things."""
        if sentences is None:
            sentences = min(34, max(4, round(self.rng.lognormvariate(2.65, 0.5))))
        told = _Told(self.headline(words), self.body(words, sentences), words)
        self.recent.append(told)
        return told

    def headline(self, words: Words) -> str:
        return _upper(_HEADLINES[int(self.rng.random() * len(_HEADLINES))].fill(words, self.rng.random))

    def outlet(self) -> _Outlet:
        outlets = _outlets()
        return outlets[int(self.rng.random() ** 2.2 * len(outlets))]

    def publish(
        self, told: _Told, outlet: _Outlet, published: float, cluster: int, family: str, edit: str
    ) -> list[_Draft]:
        """The article as the outlet shows it, and at times a later text at the same URL."""
        rng = self.rng
        fetched = published + rng.expovariate(1 / (0.3 * HOUR))
        if rng.random() < 0.03:  # what a weekly visit finds
            fetched += rng.random() * 2 * DAY
        url = f"https://{outlet.host}/{2026 + int(published // (365 * DAY))}/{_slug(told.title)}-{next(self.numbers)}"
        byline = rng.choice(("", "Staff reporter", "Agencies", "")) if rng.random() < 0.6 else self.person()
        leaks = self.pages.random() < self.boilerplate

        def draft(text: _Told, fetched: float, published: float, edit: str) -> _Draft:
            shown = self.furnished(text, outlet) if leaks else _plain(text.body)
            return _Draft(fetched, published, url, outlet.name, text.title, byline, shown, cluster, family, edit)

        drafts = [draft(told, fetched, published, edit)]
        if rng.random() < 0.025:
            change = rng.choice((_update, _correct, _copyedit))
            later = fetched + HOUR * (0.5 + 8 * rng.random())
            drafts.append(draft(change(self, told), later, published, "revision"))
        return drafts

    def furnished(self, told: _Told, outlet: _Outlet) -> str:
        """The text within what stands around every article of the outlet."""
        random = self.pages.random
        words = {
            **_WIDE,
            "P": (_person(self.pages),),
            "thisyear": ("2026",),
            "title_of_another": (self.another(random),),
        }
        top = [frame.fill(words, random) for frame in outlet.top if random() < 0.85]
        bottom = [frame.fill(words, random) for frame in outlet.bottom if random() < 0.85]
        if outlet.also:
            bottom += [outlet.also, *(self.another(random) for _ in range(3))]
        paragraphs = [" ".join(paragraph) for paragraph in told.body]
        for frame in outlet.inside:
            paragraphs.insert(1 + int(random() * len(paragraphs)), frame.fill(words, random))
        return "\n\n".join([*top, *paragraphs, *bottom])

    def another(self, random: Callable[[], float]) -> str:
        """The headline of another story."""
        return self.recent[int(random() * len(self.recent))].title if self.recent else "All the news"


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60]


def _plain(body: Body) -> str:
    return "\n\n".join([" ".join(paragraph) for paragraph in body])


# --- Edits: one text → a copy of it ---------------------------------------------------------------------------

_SWAPS = {word: pair[1 - place] for words in (_ADJECTIVES, _VERBS) for pair in zip(words[::2], words[1::2], strict=True) for place, word in enumerate(pair)}  # fmt: skip
_SWAPS |= {"about": "some", "near": "close to", "outside": "just outside", "because": "since", "said": "stated"}
_SWAPS |= {"more": "greater", "only": "just", "few": "hardly any", "although": "even though", "while": "whereas"}
_WORD = re.compile(r"[A-Za-z]+")
_NUMBER = re.compile(r"\b\d+\b")
_MISREAD = (("rn", "m"), ("l", "1"), ("e", "c"), ("h", "b"), ("o", "0"), ("m", "rn"), ("i", "j"), ("s", "5"))


def _swapped(rng: Random, sentence: str, share: float) -> str:
    """The sentence with so many of its words replaced that have a word of like meaning."""
    random = rng.random
    words = sentence.split(" ")
    return " ".join([_SWAPS[w] if w in _SWAPS and random() < share else w for w in words])


def _exact(_: _Desk, told: _Told) -> _Told:
    return told


def _light(desk: _Desk, told: _Told) -> _Told:
    """Other typography, a dateline, another headline."""
    rng = desk.rng
    body = [list(paragraph) for paragraph in told.body]
    if rng.random() < 0.5:
        body[0][0] = f"{desk.pick(_names()['town']).upper()} ({rng.choice(('NW', 'Norwire', 'Staff'))}) — {body[0][0]}"
    if rng.random() < 0.5:
        marks = rng.choice((("“", "”"), ("&quot;", "&quot;"), ("«", "»")))
        body = [[_quoted(sentence, *marks) for sentence in paragraph] for paragraph in body]
    if rng.random() < 0.3:
        body = [[part] for paragraph in body for part in paragraph]
    title = desk.headline(told.words) if rng.random() < 0.3 else told.title
    return _Told(title, body, told.words)


def _quoted(sentence: str, left: str, right: str) -> str:
    return sentence.replace('"', left, 1).replace('"', right) if '"' in sentence else sentence.replace("'", "’")


def _cut(desk: _Desk, told: _Told) -> _Told:
    """A fifth of the sentences gone, anywhere."""
    kept = [[s for s in paragraph if desk.rng.random() > 0.2] for paragraph in told.body]
    return _Told(told.title, [paragraph for paragraph in kept if paragraph] or told.body, told.words)


def _trim(desk: _Desk, told: _Told) -> _Told:
    """The beginning: a fifth to two thirds."""
    sentences = sum(map(len, told.body))
    left = max(4, round(sentences * desk.rng.uniform(0.2, 0.65)))
    body: Body = []
    for paragraph in told.body:
        if left > 0:
            body.append(paragraph[:left])
        left -= len(paragraph)
    return _Told(told.title, body, told.words)


def _local(desk: _Desk, told: _Told) -> _Told:
    """For readers elsewhere: their town in the dateline, a paragraph about it, another headline."""
    town = desk.pick(_names()["town"])
    words = {**told.words, "T": (town,), "P": (desk.person(),)}
    body = [list(paragraph) for paragraph in told.body]
    body[0][0] = f"{town.upper()} — {body[0][0]}"
    body.insert(1 + int(desk.rng.random() * len(body)), [desk.sentence(words), desk.sentence(words)])
    if len(body) > 4 and desk.rng.random() < 0.5:
        del body[-1]
    return _Told(desk.headline(words), body, told.words)


def _copyedit(desk: _Desk, told: _Told) -> _Told:
    """Three in ten of the words that can be put otherwise are."""
    body = [[_swapped(desk.rng, sentence, 0.3) for sentence in paragraph] for paragraph in told.body]
    return _Told(told.title, body, told.words)


def _update(desk: _Desk, told: _Told) -> _Told:
    """Something new under the lead, and a figure that has moved on."""
    body = [list(paragraph) for paragraph in told.body]
    body[1:1] = desk.body(told.words, desk.rng.randint(2, 6))
    body[0][0] = _NUMBER.sub(lambda found: str(int(found.group()) + 2), body[0][0], count=1)
    return _Told(told.title, body, told.words)


def _correct(desk: _Desk, told: _Told) -> _Told:
    """A name put right throughout, at times with a note."""
    wrong, right = desk.pick(told.words["S"]), desk.pick(_names()["surname"])
    body = [[sentence.replace(wrong, right) for sentence in paragraph] for paragraph in told.body]
    if desk.rng.random() < 0.5:
        body.append([f"Correction: an earlier version of this article misspelled the name of {right}."])
    return _Told(told.title, body, told.words)


def _ocr(desk: _Desk, told: _Told) -> _Told:
    """As a scanner reads it: one word in eight is looked at wrongly."""
    rng = desk.rng

    def misread(found: re.Match[str]) -> str:
        if rng.random() > 0.12:
            return found.group()
        old, new = rng.choice(_MISREAD)
        return found.group().replace(old, new, 1)

    return _Told(told.title, [[_WORD.sub(misread, s) for s in paragraph] for paragraph in told.body], told.words)


def _heavy(desk: _Desk, told: _Told) -> _Told:
    """Half rewritten: sentences dropped, reworded and made anew, paragraphs in another order."""
    rng = desk.rng
    body: Body = []
    for paragraph in told.body:
        kept = [_reworked(desk, sentence, told.words) for sentence in paragraph if rng.random() > 0.16]
        if kept:
            body.append(kept)
    for place in range(2, len(body)):
        if rng.random() < 0.3:
            body[place - 1], body[place] = body[place], body[place - 1]
    return _Told(desk.headline(told.words), body or told.body, told.words)


def _reworked(desk: _Desk, sentence: str, words: Words) -> str:
    wish = desk.rng.random()
    if wish < 0.22:
        return desk.sentence(words)
    return _swapped(desk.rng, sentence, 0.7) if wish < 0.62 else sentence


_EDITS: dict[str, tuple[float, Callable[[_Desk, _Told], _Told]]] = {
    "light": (39.0, _light),
    "exact": (16.0, _exact),
    "trim": (12.5, _trim),
    "cut": (9.0, _cut),
    "update": (8.0, _update),
    "local": (6.5, _local),
    "copyedit": (6.0, _copyedit),
    "correct": (4.5, _correct),
    "heavy": (4.0, _heavy),
    "ocr": (2.0, _ocr),
}
_EDIT_NAMES = tuple(_EDITS)
_EDIT_SHARES = tuple(share for share, _ in _EDITS.values())


# --- Families: one event → its articles -----------------------------------------------------------------------


def _copies(desk: _Desk, told: _Told, now: float, family: str) -> list[_Draft]:
    """A text and its copies: most are told once, few by dozens; nearly all copies come within days."""
    rng = desk.rng
    cluster = next(desk.clusters)
    drafts = desk.publish(told, desk.outlet(), now, cluster, family, "origin")
    copies = min(desk.max_copies, int(rng.paretovariate(1.3))) - 1
    texts = [told]
    for edit in rng.choices(_EDIT_NAMES, _EDIT_SHARES, k=copies):
        later = now + rng.expovariate(1 / (9 * HOUR)) + (rng.random() * 12 * DAY if rng.random() < 0.01 else 0)
        base = rng.choice(texts) if rng.random() < 0.25 else told  # a copy may be made of a copy
        texts.append(_EDITS[edit][1](desk, base))
        drafts += desk.publish(texts[-1], desk.outlet(), later, cluster, family, edit)
    return drafts


def _story(desk: _Desk, now: float) -> list[_Draft]:
    return _copies(desk, desk.told(desk.words(_day(now))), now, "story")


def _retell(desk: _Desk, now: float) -> list[_Draft]:
    """One event told by several writers: the same names and figures, at times the same quotation, other words."""
    words = desk.words(_day(now))
    quotes = [f'"{_upper(_CLAUSES[int(desk.rng.random() * len(_CLAUSES))].fill(words, desk.rng.random))}," {words["P"][0]} said.' for _ in range(2)]  # fmt: skip
    drafts: list[_Draft] = []
    for _ in range(desk.rng.randint(2, 4)):
        told = desk.told(words | _subjects(desk.words(_day(now))))
        for quote in quotes:
            if desk.rng.random() < 0.6:
                told.body[int(desk.rng.random() * len(told.body))].append(quote)
        drafts += _copies(desk, told, now + desk.rng.random() * 10 * HOUR, "retell")
    return drafts


def _subjects(words: Words) -> dict[str, Sequence[str]]:
    return {"n": words["n"], "N": words["N"]}


def _series(desk: _Desk, now: float) -> list[_Draft]:
    """A matter followed over days: new texts, each with some of the same background."""
    words = desk.words(_day(now))
    background = desk.body(words, 4)
    drafts: list[_Draft] = []
    for episode in range(desk.rng.randint(3, 6)):
        begun = now + episode * DAY * (0.7 + 0.6 * desk.rng.random())
        told = desk.told({**words, "d": [_DAYS[_day(begun) % 7]]})
        told.body.extend([list(paragraph) for paragraph in background if desk.rng.random() < 0.7])
        drafts += _copies(desk, told, begun, "series")
    return drafts


def _chain(desk: _Desk, now: float) -> list[_Draft]:
    """Write-throughs: each version has something new at its top and less at its end."""
    rng = desk.rng
    words = desk.words(_day(now))
    cluster = next(desk.clusters)
    told = desk.told(words, rng.randint(14, 24))
    outlets = [desk.outlet() for _ in range(3)]
    drafts: list[_Draft] = []
    for version in range(1, rng.randint(5, 9)):
        edit = "origin" if version == 1 else f"v{version}"
        drafts += desk.publish(told, rng.choice(outlets), now, cluster, "chain", edit)
        now += HOUR * (0.5 + 3 * rng.random())
        body = [list(paragraph) for paragraph in told.body]
        if rng.random() < 0.4:
            body[0] = [desk.sentence(words)]
        body[1:1] = desk.body(words, rng.randint(1, 3))
        told = _Told(desk.headline(words), body[: max(5, len(body) - rng.randint(0, 2))], words)
    return drafts


def _template(desk: _Desk, now: float) -> list[_Draft]:
    """A form filled in, and what sister papers take of it. Some forms come every day, others once a month."""
    rng, names = desk.rng, _names()
    (kind,) = rng.choices(list(_COMMON), list(_COMMON.values()))
    wordings = _templates()[kind]
    title, lines = wordings[int(rng.random() ** 2 * len(wordings))]
    outlet = _outlets()[int(rng.random() ** 2 * 40)]
    first = desk.pick(names["first"])
    words = {
        **_WIDE,
        "d": [_DAYS[_day(now) % 7], _DAYS[(_day(now) + 1) % 7]],
        "T": [desk.pick(names["town"]) for _ in range(3)],
        "O": [desk.pick(names["body"]) for _ in range(2)],
        "P": [f"{first} {desk.pick(names['surname'])}", *(desk.person() for _ in range(3))],
        "S": [desk.pick(names["surname"]) for _ in range(4)],
        "first": (first,),
    }
    told = _Told(title.fill(words, rng.random), [[line.fill(words, rng.random)] for line in lines], words)
    cluster = next(desk.clusters)
    drafts = desk.publish(told, outlet, now, cluster, "template", "origin")
    for _ in range(min(4, int(rng.paretovariate(1.6))) - 1):
        edit, change = rng.choice((("exact", _exact), ("light", _typography)))
        later = now + rng.expovariate(1 / (2 * HOUR))
        drafts += desk.publish(change(desk, told), desk.outlet(), later, cluster, "template", edit)
    return drafts


def _typography(desk: _Desk, told: _Told) -> _Told:
    """Only the marks differ: the words of a form have no synonyms of ours."""
    joined = [[" ".join(paragraph)] for paragraph in told.body]
    return _Told(
        told.title, [[_quoted(s, "“", "”") for s in p] for p in joined[: desk.rng.choice((-1, None))]], told.words
    )


def _digest(desk: _Desk, now: float) -> list[_Draft]:
    """A round-up of the day: the beginnings of several stories, one after the other."""
    rng = desk.rng
    items = _recent(desk, rng.randint(3, 6))
    body: Body = [[f"Good morning. Here is what you need to know this {_DAYS[_day(now) % 7]}."]]
    for told in items:
        body.append([told.title])
        body.extend(told.body[: rng.randint(1, 3)])
    body.append(["That is all for today. We will be back tomorrow at six."])
    text = _Told(f"{_DAYS[_day(now) % 7]} briefing: {desk.another(rng.random)}", body, desk.words(_day(now)))
    return desk.publish(text, desk.outlet(), now, next(desk.clusters), "digest", "origin")


def _liveblog(desk: _Desk, now: float) -> list[_Draft]:
    """Entries by the hour, some of them taken from stories."""
    rng = desk.rng
    words = desk.words(_day(now))
    body: Body = [["Follow the latest on the " + desk.pick(words["n"]) + " here as it happens."]]
    for entry in range(rng.randint(8, 20)):
        body.append([f"{6 + entry % 16}:{rng.randint(10, 59)}"])
        if rng.random() < 0.35 and desk.recent:
            told = desk.recent[int(rng.random() * len(desk.recent))]
            body.extend(told.body[: rng.randint(1, 2)])
        else:
            body.extend(desk.body(words, rng.randint(2, 4)))
    text = _Told(f"Live: {desk.headline(words)}", body, words)
    return desk.publish(text, desk.outlet(), now, next(desk.clusters), "liveblog", "origin")


def _recent(desk: _Desk, how_many: int) -> list[_Told]:
    while len(desk.recent) < how_many:
        desk.told(desk.words(0))
    return desk.rng.sample(list(desk.recent)[-150:], how_many)


def _day(now: float) -> int:
    return int(now // DAY)


_TELL: Mapping[str, Callable[[_Desk, float], list[_Draft]]] = {
    "story": _story,
    "retell": _retell,
    "series": _series,
    "chain": _chain,
    "template": _template,
    "digest": _digest,
    "liveblog": _liveblog,
}
_FAMILIES: Mapping[str, float] = {
    "story": 60.0,
    "retell": 6.5,
    "series": 2.2,
    "chain": 2.6,
    "template": 27.0,
    "digest": 0.9,
    "liveblog": 0.8,
}
_PER_EVENT = {
    "story": 3.0,
    "retell": 9.0,
    "series": 14.0,
    "chain": 6.1,
    "template": 1.65,
    "digest": 1.0,
    "liveblog": 1.0,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Write a labelled stream of made-up news.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--articles", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--per-day", type=int, default=400)
    parser.add_argument("--boilerplate", type=float, default=0.2)
    told = parser.parse_args()
    write_stream(told.folder, stream(told.seed, told.articles, per_day=told.per_day, boilerplate=told.boilerplate))


if __name__ == "__main__":
    main()
