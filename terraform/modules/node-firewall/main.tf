# The firewall of the cluster's nodes.

locals {
  # What LKE itself needs between nodes, NodeBalancers and the control plane:
  # https://techdocs.akamai.com/cloud-computing/docs/create-a-cloud-firewall-for-lke
  cluster_network      = "192.168.128.0/17"
  nodebalancer_network = "192.168.255.0/24"
  node_rules = [
    { label = "kubelet", protocol = "TCP", ports = "10250", source = local.cluster_network },
    { label = "wireguard", protocol = "UDP", ports = "51820", source = local.cluster_network },
    { label = "calico-bgp", protocol = "TCP", ports = "179", source = local.cluster_network },
    { label = "calico-ipencap", protocol = "IPENCAP", ports = null, source = local.cluster_network },
    { label = "node-ports-tcp", protocol = "TCP", ports = "30000-32767", source = local.nodebalancer_network },
    { label = "node-ports-udp", protocol = "UDP", ports = "30000-32767", source = local.nodebalancer_network },
  ]

  egress_open  = anytrue([for cidr in var.egress_cidrs : endswith(cidr, "/0")])
  egress_ipv4  = concat([for cidr in var.egress_cidrs : cidr if !strcontains(cidr, ":")], [local.cluster_network, var.vpc_cidr])
  egress_ipv6  = [for cidr in var.egress_cidrs : cidr if strcontains(cidr, ":")]
  egress_rules = local.egress_open ? toset([]) : toset(["TCP", "UDP", "ICMP", "IPENCAP"])
}

resource "linode_firewall" "this" {
  label           = "aias-${var.environment}-nodes"
  inbound_policy  = "DROP"
  outbound_policy = local.egress_open ? "ACCEPT" : "DROP"
  linodes         = var.instance_ids
  tags            = var.tags

  dynamic "inbound" {
    for_each = local.node_rules

    content {
      label    = inbound.value.label
      action   = "ACCEPT"
      protocol = inbound.value.protocol
      ports    = inbound.value.ports
      ipv4     = [inbound.value.source]
    }
  }

  dynamic "outbound" {
    for_each = local.egress_rules

    content {
      label    = "egress-${lower(outbound.value)}"
      action   = "ACCEPT"
      protocol = outbound.value
      ipv4     = local.egress_ipv4
      ipv6     = length(local.egress_ipv6) > 0 ? local.egress_ipv6 : null
    }
  }
}
