# One person's machine: no password, SSH from listed networks only, and an end.

locals {
  label      = "aias-workspace-${var.name}"
  expires_at = timeadd(var.created_at, "${var.ttl_hours}h")
  tags       = setunion(var.tags, ["aias", "managed-by:aias", "owner:${var.owner}", "expires:${local.expires_at}"])
  ssh_ipv4   = [for cidr in var.ssh_cidrs : cidr if !strcontains(cidr, ":")]
  ssh_ipv6   = [for cidr in var.ssh_cidrs : cidr if strcontains(cidr, ":")]
}

resource "linode_firewall" "this" {
  label           = local.label
  inbound_policy  = "DROP"
  outbound_policy = "ACCEPT"
  tags            = local.tags

  dynamic "inbound" {
    for_each = length(var.ssh_cidrs) > 0 ? ["ssh"] : []

    content {
      label    = inbound.value
      action   = "ACCEPT"
      protocol = "TCP"
      ports    = "22"
      ipv4     = length(local.ssh_ipv4) > 0 ? local.ssh_ipv4 : null
      ipv6     = length(local.ssh_ipv6) > 0 ? local.ssh_ipv6 : null
    }
  }
}

resource "linode_instance" "this" {
  label           = local.label
  region          = var.region
  type            = var.type
  image           = var.image
  authorized_keys = var.ssh_keys
  disk_encryption = "enabled"
  firewall_id     = linode_firewall.this.id
  tags            = local.tags

  dynamic "metadata" {
    for_each = var.user_data == null ? [] : [var.user_data]

    content {
      user_data = base64encode(metadata.value)
    }
  }
}
