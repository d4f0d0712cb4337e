# A VPC with its subnets, and the firewall of the edge.

locals {
  label = "aias-${var.environment}"

  ingress_ipv4 = [for cidr in var.ingress_cidrs : cidr if !strcontains(cidr, ":")]
  ingress_ipv6 = [for cidr in var.ingress_cidrs : cidr if strcontains(cidr, ":")]
  edge_ports   = length(var.ingress_cidrs) > 0 ? { https = "443", http = "80" } : {}
}

resource "linode_vpc" "this" {
  label       = local.label
  region      = var.region
  description = "aias environment ${var.environment}"
}

resource "linode_vpc_subnet" "this" {
  for_each = var.subnets

  vpc_id = linode_vpc.this.id
  label  = each.key
  ipv4   = each.value
}

resource "linode_firewall" "edge" {
  label           = "${local.label}-edge"
  inbound_policy  = "DROP"
  outbound_policy = "ACCEPT"
  tags            = var.tags

  dynamic "inbound" {
    for_each = local.edge_ports

    content {
      label    = inbound.key
      action   = "ACCEPT"
      protocol = "TCP"
      ports    = inbound.value
      ipv4     = length(local.ingress_ipv4) > 0 ? local.ingress_ipv4 : null
      ipv6     = length(local.ingress_ipv6) > 0 ? local.ingress_ipv6 : null
    }
  }
}
