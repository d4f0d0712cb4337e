mock_provider "linode" {
  mock_resource "linode_firewall" {
    defaults = { id = "3001" }
  }
  mock_resource "linode_instance" {
    defaults = { id = "80000001" }
  }
}

variables {
  name       = "amelie"
  owner      = "amelie"
  region     = "fr-par"
  created_at = "2026-10-01T00:00:00Z"
  ttl_hours  = 24
  ssh_keys   = ["ssh-ed25519 AAAA"]
  ssh_cidrs  = ["203.0.113.0/24"]
}

run "it_says_whose_it_is_and_when_it_ends" {
  command = plan

  assert {
    condition     = output.expires_at == "2026-10-02T00:00:00Z"
    error_message = "It ends when its time is over."
  }

  assert {
    condition     = length(setsubtract(["owner:amelie", "expires:2026-10-02T00:00:00Z"], linode_instance.this.tags)) == 0
    error_message = "Owner and end are tags, so that they can be found."
  }
}

run "only_the_listed_networks_may_log_in" {
  command = plan

  assert {
    condition     = linode_firewall.this.inbound_policy == "DROP" && linode_firewall.this.inbound[0].ipv4 == tolist(["203.0.113.0/24"])
    error_message = "Everybody else is dropped."
  }
}

run "nobody_may_log_in_where_no_network_is_listed" {
  command = plan

  variables {
    ssh_cidrs = []
  }

  assert {
    condition     = length(linode_firewall.this.inbound) == 0
    error_message = "There is no rule without a network."
  }
}

run "an_open_door_and_an_endless_life_are_refused" {
  command = plan

  variables {
    ssh_cidrs = ["0.0.0.0/0"]
    ttl_hours = 10000
    ssh_keys  = []
  }

  expect_failures = [var.ssh_cidrs, var.ttl_hours, var.ssh_keys]
}
