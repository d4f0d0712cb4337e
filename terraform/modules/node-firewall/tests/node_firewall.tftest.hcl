mock_provider "linode" {
  mock_resource "linode_firewall" {
    defaults = { id = "3001" }
  }
}

variables {
  environment  = "development"
  vpc_cidr     = "10.0.0.0/16"
  instance_ids = [4001, 4002]
  tags         = ["aias"]
}

run "nodes_take_nothing_from_outside" {
  command = plan

  assert {
    condition     = linode_firewall.this.inbound_policy == "DROP"
    error_message = "What no rule allows must be dropped."
  }

  assert {
    condition = alltrue([
      for rule in linode_firewall.this.inbound :
      alltrue([for cidr in rule.ipv4 : startswith(cidr, "192.168.")]) && rule.ports != "22"
    ])
    error_message = "Only the cluster's own networks reach the nodes, and nobody by SSH."
  }

  assert {
    condition = [for rule in linode_firewall.this.inbound : coalesce(rule.ports, rule.protocol)] == [
      "10250", "51820", "179", "IPENCAP", "30000-32767", "30000-32767",
    ]
    error_message = "The rules are those that LKE needs."
  }
}

run "nodes_go_out_to_the_listed_networks_only" {
  command = plan

  variables {
    egress_cidrs = ["198.51.100.0/24"]
  }

  assert {
    condition     = linode_firewall.this.outbound_policy == "DROP"
    error_message = "What is not listed must be dropped."
  }

  assert {
    condition = alltrue([
      for rule in linode_firewall.this.outbound :
      rule.ipv4 == tolist(["198.51.100.0/24", "192.168.128.0/17", "10.0.0.0/16"])
    ])
    error_message = "Nodes reach the listed networks and their own."
  }
}

run "the_given_instances_are_behind_it" {
  command = plan

  assert {
    condition     = linode_firewall.this.linodes == toset([4001, 4002])
    error_message = "Every node stands behind the firewall."
  }
}

run "bad_networks_are_refused" {
  command = plan

  variables {
    vpc_cidr     = "10.0.0.0"
    egress_cidrs = ["elsewhere"]
  }

  expect_failures = [var.vpc_cidr, var.egress_cidrs]
}
