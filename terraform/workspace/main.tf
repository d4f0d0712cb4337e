# Token and address of the API come from LINODE_TOKEN and LINODE_URL.
provider "linode" {
  api_version   = var.api_version
  event_poll_ms = var.poll_milliseconds
}

module "workspace" {
  source = "../modules/workspace"

  name       = var.name
  owner      = var.owner
  region     = var.region
  type       = var.type
  image      = var.image
  created_at = var.created_at
  ttl_hours  = var.ttl_hours
  ssh_keys   = var.ssh_keys
  ssh_cidrs  = var.ssh_cidrs
  user_data  = var.user_data
  tags       = var.tags
}
