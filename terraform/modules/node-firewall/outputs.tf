output "id" {
  description = "Id of the firewall."
  value       = tonumber(linode_firewall.this.id)
}
