# The zone of an environment and the names that lead to its edge.

locals {
  edge_ttl_seconds = 300
}

resource "linode_domain" "this" {
  domain    = var.domain
  type      = "master"
  soa_email = var.contact == null ? "hostmaster@${var.domain}" : var.contact
  tags      = var.tags
}

resource "linode_domain_record" "edge" {
  for_each = var.edge_address == null ? toset([]) : var.hosts

  domain_id   = linode_domain.this.id
  record_type = "A"
  name        = each.value
  target      = var.edge_address
  ttl_sec     = local.edge_ttl_seconds
}

resource "linode_domain_record" "this" {
  for_each = var.records

  domain_id   = linode_domain.this.id
  record_type = each.value.type
  name        = each.value.name
  target      = each.value.target
  ttl_sec     = each.value.ttl
}
