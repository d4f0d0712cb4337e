mock_provider "linode" {
  mock_resource "linode_database_postgresql_v2" {
    defaults = { id = "200001" }
  }
}

variables {
  label              = "aias-development"
  region             = "fr-par"
  type               = "g6-dedicated-2"
  nodes              = 3
  postgresql_version = "17"
  allow_list         = ["192.0.2.1"]
}

run "only_the_listed_addresses_reach_it" {
  command = plan

  assert {
    condition     = linode_database_postgresql_v2.this.allow_list == toset(["192.0.2.1"])
    error_message = "The allow list is what was given."
  }

  assert {
    condition     = linode_database_postgresql_v2.this.engine_id == "postgresql/17" && linode_database_postgresql_v2.this.cluster_size == 3
    error_message = "Engine and size are what was given."
  }
}

run "a_private_database_has_no_public_access" {
  command = plan

  variables {
    private_network = { vpc_id = 1, subnet_id = 2 }
  }

  assert {
    condition     = linode_database_postgresql_v2.this.private_network.public_access == false
    error_message = "A database inside the VPC is reached from there only."
  }
}

run "a_database_open_to_everybody_is_refused" {
  command = plan

  variables {
    allow_list = ["0.0.0.0/0"]
  }

  expect_failures = [var.allow_list]
}

run "impossible_sizes_and_times_are_refused" {
  command = plan

  variables {
    nodes              = 4
    postgresql_version = "17.1"
    maintenance        = { day_of_week = 8, hour_of_day = 24, duration = 4 }
  }

  expect_failures = [var.nodes, var.postgresql_version, var.maintenance]
}
