output "id" {
  description = "Id of the database."
  value       = tonumber(linode_database_postgresql_v2.this.id)
}

output "hosts" {
  description = "Names of the primary and, where there is one, of the standby."
  value = {
    primary = linode_database_postgresql_v2.this.host_primary
    standby = linode_database_postgresql_v2.this.host_standby
  }
}

output "port" {
  description = "Port of the database."
  value       = linode_database_postgresql_v2.this.port
}
