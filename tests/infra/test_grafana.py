"""The dashboard is whole, and every query of it answers on a real store for a login that may read the views only."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

import pytest
import yaml
from deploying import INFRA
from factories import announce, copies, keep_sources, publish
from sqlalchemy import Connection

from extract.model import Reason, Rejection
from load import engine as store
from load import entries

GRAFANA = INFRA / "grafana"
DASHBOARD = json.loads((GRAFANA / "dashboards" / "storyfold.json").read_text("utf-8"))
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
ASKING = [panel for panel in PANELS if panel["type"] != "row"]
(SOURCE,) = DASHBOARD["templating"]["list"]
DATASOURCE = yaml.safe_load((GRAFANA / "provisioning" / "datasources" / "storyfold.yaml").read_text("utf-8"))


@pytest.fixture(scope="module")
def reader(new_database: Callable[[], str]) -> Iterator[Connection]:
    """A connection as Grafana's, to a store with articles of three sources, a rejection and what waits."""
    engine = store.connect(new_database())
    now = datetime.now(UTC)
    keep_sources(engine, "harbour-courier", "northline", "dailyloop")
    publish(engine, *copies("harbour-courier", "northline", "dailyloop"), now=now)
    gone, _ = announce(engine, "northline", "https://northline.example/1", "https://northline.example/2", now=now)
    with engine.begin() as connection:
        entries.reject(connection, gone, Rejection(url="", reason=Reason.GONE), now)
    with engine.connect() as connection:
        connection.exec_driver_sql("SET ROLE news_reader")
        connection.commit()
        yield connection
    engine.dispose()


def expanded(sql: str) -> str:
    """With Grafana's macros and variables filled in: a year up to now, and all sources."""
    until = datetime.now(UTC) + timedelta(hours=1)
    span = f"BETWEEN '{(until - timedelta(days=9000)).isoformat()}' AND '{until.isoformat()}'"
    sql = re.sub(r"\$__timeFilter\((\w+)\)", rf"\1 {span}", sql)
    return sql.replace("${source:sqlstring}", "'harbour-courier','northline','dailyloop'")


@pytest.mark.parametrize("panel", ASKING, ids=lambda panel: f"{panel['id']}-{panel['title'].replace(' ', '-')}")
def test_a_panels_query_answers(reader: Connection, panel: dict[str, Any]) -> None:
    (target,) = panel["targets"]
    sql = expanded(target["rawSql"])
    assert "$" not in sql and "storyfold." not in sql
    with reader.begin():
        result = reader.exec_driver_sql(sql)
        columns, rows = list(result.keys()), result.all()
    if target["format"] == "time_series":
        assert columns[0] == "time" and rows
    if panel["type"] == "stat":
        assert len(columns) == 1 and len(rows) == 1


def test_the_list_of_sources_answers(reader: Connection) -> None:
    with reader.begin():
        names = reader.exec_driver_sql(SOURCE["query"]).scalars().all()
    assert names == ["dailyloop", "harbour-courier", "northline"]


def test_the_figures_are_those_of_the_store(reader: Connection) -> None:
    asked = {panel["title"]: expanded(panel["targets"][0]["rawSql"]) for panel in ASKING}
    with reader.begin():
        told = {name: reader.exec_driver_sql(asked[name]).scalar() for name in ("Stories", "Articles", "Pending")}
        outcomes = reader.exec_driver_sql(asked["Outcomes by the hour"]).all()
    assert told == {"Stories": 1, "Articles": 3, "Pending": 1}
    assert {row.metric: int(row.value) for row in outcomes} == {"loaded": 3, "rejected": 1}


def test_the_dashboard_is_whole() -> None:
    assert DASHBOARD["uid"] == "storyfold" and DASHBOARD["title"]
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    assert all(panel["title"] for panel in PANELS)
    assert all(panel["description"] and len(panel["targets"]) == 1 for panel in ASKING)


def test_no_panel_lies_on_another() -> None:
    for panel in PANELS:
        place = panel["gridPos"]
        assert place["x"] >= 0 and place["x"] + place["w"] <= 24 and place["h"] > 0
    for one, other in combinations([panel["gridPos"] for panel in PANELS], 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or above, (one, other)


def test_everything_asks_the_data_source_that_is_provided() -> None:
    (provided,) = DATASOURCE["datasources"]
    wanted = {"type": provided["type"], "uid": provided["uid"]}
    asked = [target["datasource"] for panel in ASKING for target in panel["targets"]]
    assert [
        one for one in [*asked, *(panel["datasource"] for panel in ASKING), SOURCE["datasource"]] if one != wanted
    ] == []


def test_the_variables_of_the_data_source_are_set_where_it_is_run() -> None:
    used = set(re.findall(r"\$\{(\w+)\}", json.dumps(DATASOURCE)))
    compose = yaml.safe_load((INFRA / "compose.yaml").read_text("utf-8"))
    assert used and used <= set(compose["services"]["grafana"]["environment"])
    assert DATASOURCE["apiVersion"] == 1
