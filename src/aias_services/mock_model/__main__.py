"""python -m aias_services.mock_model"""

from aias_core.service_settings import MockModelSettings
from aias_services.kit.service import run
from aias_services.mock_model.application import build

run("mock-model", MockModelSettings, build)
