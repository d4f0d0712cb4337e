"""python -m aias_services.router"""

from aias_core.service_settings import RouterSettings
from aias_services.kit.service import run
from aias_services.router.application import build

run("router", RouterSettings, build)
