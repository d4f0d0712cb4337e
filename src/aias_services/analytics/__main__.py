"""python -m aias_services.analytics"""

from aias_core.service_settings import AnalyticsSettings
from aias_services.analytics.application import build
from aias_services.kit.service import run

run("analytics", AnalyticsSettings, build)
