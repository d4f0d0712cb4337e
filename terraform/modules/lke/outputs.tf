output "cluster_id" {
  description = "Id of the cluster."
  value       = tonumber(linode_lke_cluster.this.id)
}

output "api_endpoints" {
  description = "Addresses of the Kubernetes API."
  value       = linode_lke_cluster.this.api_endpoints
}

output "pool_ids" {
  description = "Id of each pool, by its name."
  value = merge(
    { (var.inline_pool) = linode_lke_cluster.this.pool[0].id },
    { for name, pool in linode_lke_node_pool.this : name => tonumber(pool.id) },
  )
}

output "instance_ids" {
  description = "Ids of the instances that the nodes run on, but for nodes that have none yet."
  value = [
    for id in concat(
      linode_lke_cluster.this.pool[0].nodes[*].instance_id,
      flatten([for pool in linode_lke_node_pool.this : pool.nodes[*].instance_id]),
    ) : id if id != null
  ]
}
