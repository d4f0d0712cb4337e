"""Usage and reliability, of one organization and across them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from aias_core.analytics.query.pages import cut_page
from aias_core.analytics.query.parameters import Question, build_query, check_limit
from aias_core.analytics.query.usage import read_reliability, read_usage
from aias_services.analytics.parameters import (
    PlatformReliabilityAsked,
    PlatformUsageAsked,
    ReliabilityAsked,
    SeriesParameters,
    UsageAsked,
)
from aias_services.analytics.reads import Access, Reads, ReadsOf, answer_json
from aias_services.analytics.routes import BASE
from aias_services.kit.callers import Caller

USAGE, RELIABILITY = "aias.analytics.usage/1", "aias.analytics.reliability/1"
router = APIRouter(prefix=BASE, tags=["usage"])


@router.get("/orgs/{org}/usage", summary="Requests, tokens and cost of an organization")
def get_usage(request: Request, org: str, asked: UsageAsked, caller: Caller, reads: ReadsOf) -> Response:
    access = reads.open_organization(caller, org, "usage.read", **asked.asked())
    return _answer(request, reads, access, asked, asked.to_question())


@router.get("/orgs/{org}/reliability", summary="Outcomes, rates and latency of an organization")
def get_reliability(request: Request, org: str, asked: ReliabilityAsked, caller: Caller, reads: ReadsOf) -> Response:
    access = reads.open_organization(caller, org, "usage.read", **asked.asked())
    return _answer(request, reads, access, asked, asked.to_question(), is_usage=False)


@router.get("/usage", summary="Usage across organizations; platform roles")
def get_platform_usage(request: Request, asked: PlatformUsageAsked, caller: Caller, reads: ReadsOf) -> Response:
    access = reads.open_platform(caller, asked.org, "usage.read", **asked.asked())
    return _answer(request, reads, access, asked, asked.to_question())


@router.get("/reliability", summary="Reliability across organizations; platform roles")
def get_platform_reliability(
    request: Request, asked: PlatformReliabilityAsked, caller: Caller, reads: ReadsOf
) -> Response:
    access = reads.open_platform(caller, asked.org, "usage.read", **asked.asked())
    return _answer(request, reads, access, asked, asked.to_question(), is_usage=False)


def _answer(
    request: Request,
    reads: Reads,
    access: Access,
    asked: SeriesParameters,
    question: Question,
    *,
    is_usage: bool = True,
) -> Response:
    query = build_query(question, money=is_usage and access.money)
    limit, read = check_limit(asked.limit), read_usage if is_usage else read_reliability

    def build() -> dict[str, Any]:
        with reads.connection("usage" if is_usage else "reliability") as connection:
            return read(connection, access.scope, query)

    freshness = reads.read_freshness(access.scope)
    answer = reads.keep((is_usage, access.scope, query.fingerprint), build)
    page = cut_page(answer, query.fingerprint, limit, asked.cursor)
    version = f"{answer['data_version']} {query.money} {freshness['status']} {freshness['settled_through']}"
    body = {"org_id": None if access.org_id is None else str(access.org_id), **page, "freshness": freshness}
    return answer_json(request, USAGE if is_usage else RELIABILITY, body, version)
