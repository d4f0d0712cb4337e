# A VPC with its subnets, the firewall of the cluster's nodes, and the firewall of the edge.

locals {
  label = "aias-${var.environment}"

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

  ingress_ipv4 = [for cidr in var.ingress_cidrs : cidr if !strcontains(cidr, ":")]
  ingress_ipv6 = [for cidr in var.ingress_cidrs : cidr if strcontains(cidr, ":")]
  edge_ports   = length(var.ingress_cidrs) > 0 ? { https = "443", http = "80" } : {}

  egress_open  = anytrue([for cidr in var.egress_cidrs : endswith(cidr, "/0")])
  egress_ipv4  = concat([for cidr in var.egress_cidrs : cidr if !strcontains(cidr, ":")], [local.cluster_network, var.vpc_cidr])
  egress_ipv6  = [for cidr in var.egress_cidrs : cidr if strcontains(cidr, ":")]
  egress_rules = local.egress_open ? toset([]) : toset(["TCP", "UDP", "ICMP", "IPENCAP"])
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

resource "linode_firewall" "nodes" {
  label           = "${local.label}-nodes"
  inbound_policy  = "DROP"
  outbound_policy = local.egress_open ? "ACCEPT" : "DROP"
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
