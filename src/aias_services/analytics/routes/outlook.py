"""How current the figures are, and where the month is heading."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from aias_core.analytics.query.faults import InvalidQuery
from aias_core.analytics.query.forecast import read_forecast
from aias_core.money import parse_amount
from aias_services.analytics.parameters import ForecastAsked, FreshnessAsked
from aias_services.analytics.reads import ReadsOf, answer_json
from aias_services.analytics.routes import BASE
from aias_services.kit.callers import Caller

FRESHNESS, FORECAST = "aias.analytics.freshness/1", "aias.analytics.forecast/1"
router = APIRouter(prefix=BASE, tags=["outlook"])


@router.get("/orgs/{org}/freshness", summary="How current the figures of an organization are")
def get_freshness(request: Request, org: str, asked: FreshnessAsked, caller: Caller, reads: ReadsOf) -> Response:
    access = reads.open_organization(caller, org, "usage.read", **asked.asked())
    freshness = reads.read_freshness(access.scope, tuple(asked.model))
    return answer_json(request, FRESHNESS, {"org_id": str(access.org_id), **freshness})


@router.get("/orgs/{org}/forecast", summary="Spend to date, run rate and projected end of the month")
def get_forecast(request: Request, org: str, asked: ForecastAsked, caller: Caller, reads: ReadsOf) -> Response:
    access = reads.open_organization(caller, org, "cost.read", **asked.asked())
    budget = None if asked.budget is None else _parse_budget(asked.budget)
    with reads.connection("forecast") as connection:
        forecast = read_forecast(connection, access.scope, budget)
    freshness = reads.read_freshness(access.scope)
    return answer_json(request, FORECAST, {"org_id": str(access.org_id), **forecast, "freshness": freshness})


def _parse_budget(text: str) -> int:
    try:
        amount = parse_amount(text)
    except (ValueError, ZeroDivisionError) as exc:
        raise InvalidQuery("invalid_budget", "budget", f"'{text}' is not an amount", hint="write it like 500") from exc
    if amount < 0:
        raise InvalidQuery("invalid_budget", "budget", "A budget is not below zero")
    return amount
