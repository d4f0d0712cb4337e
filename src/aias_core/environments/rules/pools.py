"""Rules of node pools: floors, bounds, the one inline pool, and GPUs only where they are switched on."""

from __future__ import annotations

from aias_core.environments.rules.inspection import Inspection
from aias_core.environments.schema import LinodeProfile, Pool

FLOOR_NODES = 3
INLINE_POOLS = ("general", "ops")
GPU_TYPE = "-gpu-"


def list_active_pools(profile: LinodeProfile) -> dict[str, Pool]:
    """The pools that are made: GPU pools only where GPUs are enabled."""
    return {name: pool for name, pool in profile.cluster.pools.items() if profile.gpu.enabled or not pool.gpu}


def check_floor(inspection: Inspection[LinodeProfile]) -> None:
    """One pool of three nodes or more; in development fewer give a warning."""
    pools = {name: pool for name, pool in list_active_pools(inspection.profile).items() if not pool.gpu}
    largest = max((min(pool.count, pool.minimum or pool.count) for pool in pools.values()), default=0)
    if largest >= FLOOR_NODES:
        return
    name = next((name for name in INLINE_POOLS if name in pools), "")
    report = inspection.warn if inspection.extends("development") else inspection.refuse
    problem = f"the largest pool has {largest} nodes, fewer than {FLOOR_NODES}"
    path = ("cluster", "pools", name) if name else ("cluster", "pools")
    report("pool-floor", path, problem, f"set count and minimum of one pool to {FLOOR_NODES} or more")


def check_bounds(inspection: Inspection[LinodeProfile]) -> None:
    """Minimum, count, maximum and ceiling of a pool are in this order; the first two of the bounds come together."""
    for name, pool in inspection.profile.cluster.pools.items():
        path = ("cluster", "pools", name)
        if (pool.minimum is None) != (pool.maximum is None):
            problem = "one of 'minimum' and 'maximum' is missing"
            inspection.refuse("pool-bounds", path, problem, "give both, or neither")
        bounds = [n for n in (pool.minimum, pool.count, pool.maximum, pool.ceiling) if n is not None]
        if bounds != sorted(bounds):
            problem = "minimum, count, maximum and ceiling are not in this order"
            inspection.refuse("pool-bounds", path, problem, "make minimum <= count <= maximum <= ceiling")


def check_inline_pool(inspection: Inspection[LinodeProfile]) -> None:
    """Exactly one pool is part of the cluster itself, `general` or `ops`, and takes what tolerates nothing."""
    pools = list_active_pools(inspection.profile)
    inline = [name for name in INLINE_POOLS if name in pools]
    if len(inline) != 1:
        problem = f"there are {len(inline)} of the pools {' and '.join(INLINE_POOLS)}, one is needed"
        inspection.refuse("inline-pool", ("cluster", "pools"), problem, "have exactly one of the two")
    for name in inline:
        if pools[name].taints:
            path = ("cluster", "pools", name, "taints")
            inspection.refuse("inline-pool", path, f"the pool '{name}' is tainted", "move the taint to another pool")


def check_gpus(inspection: Inspection[LinodeProfile]) -> None:
    """A GPU pool says so, is set apart by label and taint, and is switched on by `gpu.enabled`."""
    profile = inspection.profile
    pools = profile.cluster.pools
    for name, pool in pools.items():
        path = ("cluster", "pools", name)
        if GPU_TYPE in pool.type and not pool.gpu:
            problem = f"'{pool.type}' has GPUs, and the pool does not say so"
            inspection.refuse("gpu-pool", path, problem, "add 'gpu: true', and set gpu.enabled to true")
        if pool.gpu and not profile.gpu.enabled and inspection.is_own(path):
            problem = f"the GPU pool '{name}' is not made while gpu.enabled is false"
            inspection.refuse("gpu-pool", path, problem, "set gpu.enabled to true, or remove the pool")
        if pool.gpu and (pool.labels.get("node-type") != "gpu" or "gpu-workload" not in pool.taints):
            problem = "a GPU pool needs the label node-type=gpu and the taint gpu-workload"
            inspection.refuse("gpu-pool", path, problem, "add both, or extend the shipped pool 'gpu'")
    if profile.gpu.enabled and not any(pool.gpu for pool in pools.values()):
        inspection.refuse(
            "gpu-pool", ("gpu", "enabled"), "there is no GPU pool", "add one, or set gpu.enabled to false"
        )


def check_control_plane(inspection: Inspection[LinodeProfile]) -> None:
    """A highly available control plane costs extra and cannot be undone: it belongs to production and system."""
    wanted = inspection.extends("production") or inspection.extends("system")
    if inspection.profile.cluster.ha != wanted:
        state = "not highly available" if wanted else "highly available, which cannot be undone"
        fix = f"set it to {str(wanted).lower()}"
        inspection.warn("control-plane", ("cluster", "ha"), f"the control plane is {state}", fix)


CHECKS = (check_floor, check_bounds, check_inline_pool, check_gpus, check_control_plane)
