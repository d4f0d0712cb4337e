output "network" {
  description = "Ids of the VPC, its subnets and the firewalls."
  value = {
    vpc_id           = module.network.vpc_id
    subnet_ids       = module.network.subnet_ids
    node_firewall_id = one(concat(module.pool_firewall[*].id, module.node_firewall[*].id))
    edge_firewall_id = module.network.edge_firewall_id
  }
}

output "cluster" {
  description = "Ids and addresses of the cluster."
  value = {
    id            = module.lke.cluster_id
    api_endpoints = module.lke.api_endpoints
    pool_ids      = module.lke.pool_ids
    instance_ids  = module.lke.instance_ids
  }
}

output "database" {
  description = "Where the database is."
  value = {
    id    = module.postgresql.id
    hosts = module.postgresql.hosts
    port  = module.postgresql.port
  }
}

output "storage" {
  description = "Buckets, their endpoints, and the ids of their keys."
  value = {
    buckets   = module.object_storage.bucket_names
    endpoints = module.object_storage.endpoints
    key_ids   = module.object_storage.key_ids
  }
}

output "dns" {
  description = "Id of the zone and the names that lead to the edge; null without a domain."
  value       = one([for zone in module.dns : { zone_id = zone.zone_id, names = zone.names }])
}
