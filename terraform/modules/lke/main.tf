# A Kubernetes cluster: one pool inside the cluster's own resource, every other one by itself, keyed by its name.

locals {
  is_enterprise = var.tier == "enterprise"
  inline        = var.pools[var.inline_pool]
  others        = { for name, pool in var.pools : name => pool if name != var.inline_pool }

  # The API takes one on the standard tier and does nothing with it.
  firewall_id = local.is_enterprise ? var.firewall_id : null

  # A pool with this tag is left alone by the cluster, which would delete it as one it does not know.
  external_tag = "pool:external"
}

resource "linode_lke_cluster" "this" {
  label              = var.label
  region             = var.region
  k8s_version        = var.kubernetes_version
  tier               = local.is_enterprise ? var.tier : null
  vpc_id             = local.is_enterprise ? var.vpc_id : null
  subnet_id          = local.is_enterprise ? var.subnet_id : null
  tags               = var.tags
  external_pool_tags = [local.external_tag]

  control_plane {
    high_availability  = var.high_availability
    audit_logs_enabled = var.audit_logs

    acl {
      enabled = var.acl.enabled

      dynamic "addresses" {
        for_each = var.acl.enabled ? [var.acl] : []

        content {
          ipv4 = addresses.value.ipv4
          ipv6 = addresses.value.ipv6
        }
      }
    }
  }

  pool {
    type        = local.inline.type
    count       = local.inline.autoscaler == null ? local.inline.count : null
    label       = var.inline_pool
    labels      = local.inline.labels
    tags        = var.tags
    firewall_id = local.firewall_id

    dynamic "taint" {
      for_each = local.inline.taints

      content {
        key    = taint.key
        value  = taint.value.value
        effect = taint.value.effect
      }
    }

    dynamic "autoscaler" {
      for_each = local.inline.autoscaler == null ? [] : [local.inline.autoscaler]

      content {
        min = autoscaler.value.min
        max = autoscaler.value.max
      }
    }
  }
}

resource "linode_lke_node_pool" "this" {
  for_each = local.others

  cluster_id  = linode_lke_cluster.this.id
  type        = each.value.type
  node_count  = each.value.autoscaler == null ? each.value.count : null
  label       = each.key
  labels      = each.value.labels
  tags        = setunion(var.tags, [local.external_tag])
  firewall_id = local.firewall_id

  dynamic "taint" {
    for_each = each.value.taints

    content {
      key    = taint.key
      value  = taint.value.value
      effect = taint.value.effect
    }
  }

  dynamic "autoscaler" {
    for_each = each.value.autoscaler == null ? [] : [each.value.autoscaler]

    content {
      min = autoscaler.value.min
      max = autoscaler.value.max
    }
  }
}
