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

run "bad_networks_are_refused" {
  command = plan

  variables {
    vpc_cidr      = "10.0.0.0"
    ingress_cidrs = ["somewhere"]
    subnets       = {}
  }

  expect_failures = [var.vpc_cidr, var.ingress_cidrs, var.subnets]
}

run "too_many_networks_are_refused" {
  command = plan

  variables {
    ingress_cidrs = [for number in range(256) : "10.9.${number}.0/24"]
  }

  expect_failures = [var.ingress_cidrs]
}
