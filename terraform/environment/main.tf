# Token and address of the API come from LINODE_TOKEN and LINODE_URL.
provider "linode" {
  api_version             = var.api_version
  event_poll_ms           = var.poll_milliseconds
  lke_event_poll_ms       = var.poll_milliseconds
  lke_node_ready_poll_ms  = var.poll_milliseconds
  obj_use_temp_keys       = true
  obj_bucket_force_delete = var.empties_buckets
}

locals {
  label = "aias-${var.environment}"

  # Only the enterprise tier lives inside the VPC; the database can be private to that alone.
  is_private = var.cluster.tier == "enterprise"
}

module "network" {
  source = "../modules/network"

  environment   = var.environment
  region        = var.region
  vpc_cidr      = var.network.vpc_cidr
  subnets       = var.network.subnets
  ingress_cidrs = var.network.ingress_cidrs
  tags          = var.tags
}

# The pools of the enterprise tier are given their firewall. The standard tier knows none, so its instances are put behind
# one as soon as there are some.
module "pool_firewall" {
  source = "../modules/node-firewall"
  count  = local.is_private ? 1 : 0

  environment  = var.environment
  vpc_cidr     = var.network.vpc_cidr
  egress_cidrs = var.network.egress_cidrs
  tags         = var.tags
}

module "node_firewall" {
  source = "../modules/node-firewall"
  count  = local.is_private ? 0 : 1

  environment  = var.environment
  vpc_cidr     = var.network.vpc_cidr
  egress_cidrs = var.network.egress_cidrs
  instance_ids = module.lke.instance_ids
  tags         = var.tags
}

moved {
  from = module.network.linode_firewall.nodes
  to   = module.node_firewall[0].linode_firewall.this
}

module "lke" {
  source = "../modules/lke"

  label              = local.label
  region             = var.region
  kubernetes_version = var.cluster.version
  tier               = var.cluster.tier
  high_availability  = var.cluster.high_availability
  audit_logs         = var.cluster.audit_logs
  acl                = var.cluster.acl
  inline_pool        = var.cluster.inline_pool
  pools              = var.cluster.pools
  firewall_id        = one(module.pool_firewall[*].id)
  vpc_id             = module.network.vpc_id
  subnet_id          = module.network.subnet_ids["nodes"]
  tags               = var.tags
}

data "linode_instances" "nodes" {
  count = local.is_private ? 0 : 1

  filter {
    name   = "id"
    values = [for id in module.lke.instance_ids : tostring(id)]
  }
}

module "postgresql" {
  source = "../modules/postgresql"

  label              = local.label
  region             = var.region
  type               = var.database.type
  nodes              = var.database.nodes
  postgresql_version = var.database.version
  allow_list         = setunion(var.database.allow_list, flatten(data.linode_instances.nodes[*].instances[*].ip_address))
  private_network = local.is_private ? {
    vpc_id    = module.network.vpc_id
    subnet_id = module.network.subnet_ids["nodes"]
  } : null
}

module "object_storage" {
  source = "../modules/object-storage"

  prefix  = var.storage.prefix
  region  = var.region
  buckets = var.storage.buckets
  keys    = var.storage.keys
}

module "dns" {
  source = "../modules/dns"
  count  = var.domain == null ? 0 : 1

  domain       = var.domain
  edge_address = var.edge_address
  tags         = var.tags
}
