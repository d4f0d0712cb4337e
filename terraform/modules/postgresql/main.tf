# Managed PostgreSQL that only listed addresses, or the VPC, reach.

resource "linode_database_postgresql_v2" "this" {
  label        = var.label
  region       = var.region
  engine_id    = "postgresql/${var.postgresql_version}"
  type         = var.type
  cluster_size = var.nodes
  allow_list   = var.allow_list

  engine_config_work_mem                               = var.work_mem_megabytes
  engine_config_pg_idle_in_transaction_session_timeout = var.idle_in_transaction_milliseconds

  private_network = var.private_network == null ? null : {
    vpc_id        = var.private_network.vpc_id
    subnet_id     = var.private_network.subnet_id
    public_access = false
  }

  updates = {
    day_of_week = var.maintenance.day_of_week
    hour_of_day = var.maintenance.hour_of_day
    duration    = var.maintenance.duration
    frequency   = "weekly"
  }
}
