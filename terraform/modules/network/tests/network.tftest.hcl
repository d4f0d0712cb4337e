mock_provider "linode" {
  mock_resource "linode_vpc" {
    defaults = { id = "1001" }
  }
  mock_resource "linode_vpc_subnet" {
    defaults = { id = "2001" }
  }
  mock_resource "linode_firewall" {
    defaults = { id = "3001" }
  }
}

variables {
  environment   = "development"
  region        = "fr-par"
  vpc_cidr      = "10.0.0.0/16"
  subnets       = { nodes = "10.0.0.0/20" }
  ingress_cidrs = ["203.0.113.0/24", "2001:db8::/32"]
  tags          = ["aias"]
}

run "nodes_take_nothing_from_outside" {
  command = plan

  assert {
    condition     = linode_firewall.nodes.inbound_policy == "DROP"
    error_message = "What no rule allows must be dropped."
  }

  assert {
    condition = alltrue([
      for rule in linode_firewall.nodes.inbound :
      alltrue([for cidr in rule.ipv4 : startswith(cidr, "192.168.")]) && rule.ports != "22"
    ])
    error_message = "Only the cluster's own networks reach the nodes, and nobody by SSH."
  }

  assert {
    condition = [for rule in linode_firewall.nodes.inbound : coalesce(rule.ports, rule.protocol)] == [
      "10250", "51820", "179", "IPENCAP", "30000-32767", "30000-32767",
    ]
    error_message = "The rules are those that LKE needs."
  }
}

run "the_edge_takes_web_traffic_from_the_listed_networks" {
  command = plan

  assert {
    condition     = [for rule in linode_firewall.edge.inbound : rule.ports] == ["80", "443"]
    error_message = "The edge takes ports 80 and 443 only."
  }

  assert {
    condition = alltrue([
      for rule in linode_firewall.edge.inbound :
      rule.ipv4 == tolist(["203.0.113.0/24"]) && rule.ipv6 == tolist(["2001:db8::/32"])
    ])
    error_message = "The edge takes the listed networks only."
  }
}

run "an_edge_without_networks_takes_nothing" {
  command = plan

  variables {
    ingress_cidrs = []
  }

  assert {
    condition     = length(linode_firewall.edge.inbound) == 0
    error_message = "Nobody is listed, so nobody may come in."
  }
}

run "nodes_go_out_to_the_listed_networks_only" {
  command = plan

  variables {
    egress_cidrs = ["198.51.100.0/24"]
  }

  assert {
    condition     = linode_firewall.nodes.outbound_policy == "DROP"
    error_message = "What is not listed must be dropped."
  }

  assert {
    condition = alltrue([
      for rule in linode_firewall.nodes.outbound :
      rule.ipv4 == tolist(["198.51.100.0/24", "192.168.128.0/17", "10.0.0.0/16"])
    ])
    error_message = "Nodes reach the listed networks and their own."
  }
}

run "bad_networks_are_refused" {
  command = plan

  variables {
    vpc_cidr      = "10.0.0.0"
    ingress_cidrs = ["somewhere"]
    egress_cidrs  = ["elsewhere"]
    subnets       = {}
  }

  expect_failures = [var.vpc_cidr, var.ingress_cidrs, var.egress_cidrs, var.subnets]
}

run "too_many_networks_are_refused" {
  command = plan

  variables {
    ingress_cidrs = [for number in range(256) : "10.9.${number}.0/24"]
  }

  expect_failures = [var.ingress_cidrs]
}
