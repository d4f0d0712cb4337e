"""python -m aias_services.identity"""

from aias_core.service_settings import IdentitySettings
from aias_services.identity.application import build
from aias_services.kit.service import run

run("identity", IdentitySettings, build)
