output "vpc_id" {
  description = "Id of the VPC."
  value       = tonumber(linode_vpc.this.id)
}

output "subnet_ids" {
  description = "Id of each subnet, by its label."
  value       = { for label, subnet in linode_vpc_subnet.this : label => tonumber(subnet.id) }
}

output "edge_firewall_id" {
  description = "Id of the firewall of the load balancer at the edge."
  value       = tonumber(linode_firewall.edge.id)
}
