"""python -m aias_services.linode_simulator.provider, which Terraform starts by itself"""

import sys

from aias_services.linode_simulator.provider.servicer import serve

serve(sys.argv[1:])
