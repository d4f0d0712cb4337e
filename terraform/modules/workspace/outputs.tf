output "instance_id" {
  description = "Id of the machine."
  value       = tonumber(linode_instance.this.id)
}

output "addresses" {
  description = "Its public addresses."
  value = {
    ipv4 = tolist(linode_instance.this.ipv4)
    ipv6 = linode_instance.this.ipv6
  }
}

output "expires_at" {
  description = "When it is to be removed, RFC 3339."
  value       = local.expires_at
}
