output "zone_id" {
  description = "Id of the zone."
  value       = tonumber(linode_domain.this.id)
}

output "names" {
  description = "Full names that lead to the edge, sorted."
  value       = sort([for record in linode_domain_record.edge : "${record.name}.${var.domain}"])
}
